"""No contact without what permits it: the database itself refuses."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection

from patronage.access.roles import SYSTEM
from patronage.access.transactions import atomic
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision

from ..differentiate.history import NOW
from .world import AS_OF, World


@pytest.fixture
def contact(world: World) -> Contact:
    """One that was decided, as it stands."""
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    found = Contact.objects.first()
    assert found is not None
    return found


def set_column(table: str, column: str, value: Any, id: str) -> None:
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [value, id])
        connection.check_constraints()


@pytest.mark.parametrize(
    "column",
    [
        "decision_id",
        "consent_id",
        "ruling_id",
        "budget_id",
        "treatment_id",
        "cap_place",
        "cap_month",
    ],
)
def test_a_contact_cannot_lack_what_permits_it(contact: Contact, column: str) -> None:
    with pytest.raises(IntegrityError):
        set_column("customize_contact", column, None, contact.id)


@pytest.mark.parametrize("column", ["decision_id", "consent_id", "ruling_id", "budget_id"])
def test_a_contact_cannot_name_what_does_not_exist(contact: Contact, column: str) -> None:
    with pytest.raises(IntegrityError):
        set_column("customize_contact", column, "none_0", contact.id)


def test_two_contacts_cannot_share_a_decision_or_a_place(contact: Contact) -> None:
    values = {
        each.attname: getattr(contact, each.attname) for each in Contact._meta.concrete_fields
    }
    other = Decision.objects.exclude(id=contact.decision_id).first()
    assert other is not None
    for change in ({"cap_place": 7}, {"decision_id": other.id}):
        with pytest.raises(IntegrityError), atomic():
            Contact.objects.create(**(values | {"id": "con_twin"} | change))


def test_a_place_counts_from_one(contact: Contact) -> None:
    with pytest.raises(IntegrityError):
        set_column("customize_contact", "cap_place", 0, contact.id)


def test_a_held_out_customer_cannot_be_offered_anything(contact: Contact) -> None:
    with pytest.raises(IntegrityError):
        set_column("customize_decision", "held_out", True, contact.decision_id)


def test_a_decision_that_chose_has_a_treatment(contact: Contact) -> None:
    with pytest.raises(IntegrityError):
        set_column("customize_decision", "treatment_id", None, contact.decision_id)
