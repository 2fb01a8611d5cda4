"""A profile rebuilt from its events comes out equal to the live one, whatever came in how."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patronage.access.roles import SYSTEM
from patronage.identify import profiles
from patronage.identify.errors import ImportRefused
from patronage.identify.models import Profile

from .files import FilesIn, totals

CONTACTS = """
dataset = "past_contacts"
format = "csv"
key = ["customer_id", "campaign_id"]
[customer]
column = "card"
kind = "card"
[columns]
campaign_id.from = "campaign"
contacted_at.from = "at"
"""
REDEMPTIONS = """
dataset = "redemptions"
format = "csv"
key = ["customer_id", "offer_ref", "redeemed_at"]
[customer]
column = "card"
kind = "card"
[columns]
offer_ref.from = "offer"
redeemed_at.from = "at"
"""
LINE = st.builds(
    lambda customer, order, product, day, cents, back: (
        f"{customer},o{customer}{order},p{product},2025-0{1 + day}-01T10:00:00Z,"
        f"{'-' if back else ''}1,{'-' if back else ''}0.{cents:02d}"
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 5),
    st.integers(1, 99),
    st.booleans(),
)
EVENT = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6))
IMPORT = st.one_of(
    st.tuples(st.just("sales"), st.lists(LINE, min_size=1, max_size=8)),
    st.tuples(st.just("contacts"), st.lists(EVENT, min_size=1, max_size=4)),
    st.tuples(st.just("redemptions"), st.lists(EVENT, min_size=1, max_size=4)),
)


def _import(files: FilesIn, kind: str, rows: list[Any]) -> None:
    name = f"{secrets.token_hex(8)}.csv"
    if kind == "sales":
        files.sales(*rows, name=name)
        return
    what, mapping = ("campaign", CONTACTS) if kind == "contacts" else ("offer", REDEMPTIONS)
    lines = [f"{customer},{thing},2025-0{month}-15" for customer, thing, month in rows]
    content = "\n".join([f"card,{what},at", *lines, ""])
    files.bring(
        content, mapping.replace('kind = "card"', 'kind = "card"\ncreate = true'), name=name
    )


@given(imports=st.lists(IMPORT, min_size=2, max_size=5))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rebuilt_profiles_equal_the_live_ones_after_any_imports(
    files: FilesIn, imports: list[tuple[str, list[Any]]]
) -> None:
    with transaction.atomic():
        for kind, rows in imports:
            try:
                _import(files, kind, rows)
            except ImportRefused:
                continue
        live = totals()
        profiles.rebuild(actor=SYSTEM, now=files.now + timedelta(days=1))
        assert totals() == live
        transaction.set_rollback(True)


def test_totals_are_those_of_the_lines(files: FilesIn) -> None:
    files.sales(
        "7,r1,milk,2025-03-01T10:00:00Z,2,3.98",
        "7,r2,tea,2025-03-04T10:00:00Z,1,2.50",
        "7,r3,tea,2025-03-09T10:00:00Z,-1,-2.50",
    )
    seven = totals()["7"]
    assert (seven["orders"], seven["order_lines"], seven["return_lines"]) == (2, 2, 1)
    assert (seven["spend_minor"], seven["returned_minor"]) == (398, 250)
    assert f"{seven['last_order_at']:%m-%d}" == "03-04"


def test_a_profile_that_was_tampered_with_is_put_right_by_a_rebuild(files: FilesIn) -> None:
    files.sales("7,r1,milk,2025-03-01T10:00:00Z,2,3.98")
    live = totals()
    Profile.objects.update(spend_minor=1, last_order_at=files.now)
    assert totals() != live
    assert profiles.rebuild(actor=SYSTEM, now=files.now) == 1
    assert totals() == live
