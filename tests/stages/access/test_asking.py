"""May somebody's rules ask about a field? What is not theirs is refused where it stands."""

from __future__ import annotations

import pytest

from patronage.access.asking import OF_PROFITABILITY, read_as, usable
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.customize.fields import FIELDS
from patronage.customize.pages.proposals import check
from patronage.govern.fields import TREATMENT_FIELDS
from patronage.vocabulary.predicates import Predicate, PredicateError

#: only the second mention is of the field
ASKS = "tier = 'value_minor'\n  AND value_minor > 3"


def actor(role: Role) -> Actor:
    return Actor(id="usr_asks", name="Asks", roles=frozenset({role}))


@pytest.mark.parametrize("role", Role)
def test_what_a_customer_earns_is_asked_by_whoever_may_see_it(role: Role) -> None:
    # without the check every role's condition is read: what is refused below is the check's doing
    assert Predicate.parse(ASKS, FIELDS)
    if role.value in OF_PROFITABILITY:
        assert read_as(actor(role), ASKS, FIELDS).text == Predicate.parse(ASKS, FIELDS).text
        return
    with pytest.raises(PredicateError, match="not for rules of yours") as refused:
        read_as(actor(role), ASKS, FIELDS)
    assert (refused.value.line, refused.value.column) == (2, 7)
    assert "manager" in str(refused.value)
    assert "value_minor" not in usable(FIELDS, actor(role))


def test_an_offer_owner_reads_on_the_page_where_the_field_stands() -> None:
    told = check(ASKS, actor(Role.OFFER_OWNER))
    assert (told.line, told.column) == (2, 7)
    assert check("tier = 'top'", actor(Role.OFFER_OWNER)).reading == "tier = 'top'"


def test_a_field_that_is_not_there_is_told_as_before() -> None:
    with pytest.raises(PredicateError, match="There is no field 'teir'"):
        read_as(actor(Role.OFFER_OWNER), "teir = 'top'", FIELDS)
    assert usable(FIELDS, SYSTEM) is FIELDS


def test_every_field_declares_what_its_reader_must_know() -> None:
    for catalog in (FIELDS, TREATMENT_FIELDS):
        for each in catalog.values():
            assert each.description, each
            assert each.source, each
            assert each.freshness is not None, each
            assert each.usable_by is None or each.usable_by <= {role.value for role in Role}
    amounts = [name for name, each in FIELDS.items() if each.unit == "minor units"]
    assert all(FIELDS[name].usable_by == OF_PROFITABILITY for name in amounts)
