"""The policy is tried on a page before it is applied: who would move, with what value."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from ninja.testing import TestClient

from patronage.access.company import load_company
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate.models import ValuationRun
from patronage.govern.actions import hand_over
from patronage.govern.api import router
from patronage.govern.models import Accountability, Membership

from .world import COMPANY, World, add_customers, add_person, figures, value

AS_OF = date(2025, 12, 31)


@pytest.fixture
def valued(world: World) -> list[str]:
    """Four customers in the portfolio where they enter; the last one is not valued."""
    ids = add_customers(4, world.now)
    value(
        figures(
            [
                (ids[0], 700_00, "middle", None),
                (ids[1], 9_000_00, "top", "fresh"),
                (ids[2], 300_00, "base", None),
            ]
        ),
        as_of=AS_OF,
        now=world.now,
    )
    return ids


def shown_to(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("patronage.site.clock.now", lambda: world.now)
    client = Client()
    client.force_login(world.people[name])
    return client


def rows_of(text: str, label: str) -> list[list[str]]:
    """The cells of the body and foot of the table with this name."""
    table = text.split(f'aria-label="{label}"')[1].split("</table>")[0]
    bodies = table.split("</thead>")[1].split("<tr")[1:]
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", each, re.DOTALL) for each in bodies]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]


def test_the_page_says_who_would_move_and_writes_nothing(
    world: World, valued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (Membership.objects.count(), AuditEntry.objects.count())
    text = shown_to(world, "eve", monkeypatch).get("/assignment").content.decode()
    assert "3 customers worth" in text
    assert re.search(r'href="/assignment" aria-current="page"', text)
    assert rows_of(text, "From where to where") == [
        ["New", "Rest", "2", "$1,000", "0"],
        ["New", "Top, fresh", "1", "$9,000", "0"],
        ["All", "", "3", "$10,000", "0"],
    ]
    policy = [(row[0], row[1], row[3], row[4], row[5]) for row in rows_of(text, "Policy")]
    assert policy == [
        ("1", "Top, fresh", "Ana", "1", "+1"),
        ("2", "Top", "Ben", "0", "0"),
        ("3", "Rest", "Cho", "2", "+2"),
        ("4", "New", "Dev", "1", "\N{MINUS SIGN}3"),
    ]
    assert "everybody else" in text
    # the most valuable first, each with its page
    named = re.findall(r'href="/customers/(cus_\w+)', text)
    assert named == [valued[1], valued[0], valued[2]]
    assert (Membership.objects.count(), AuditEntry.objects.count()) == before


def test_the_file_holds_everybody_who_would_move(
    world: World, valued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer: Any = shown_to(world, "eve", monkeypatch).get(f"/assignment/movers.csv?as_of={AS_OF}")
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["customer_id"] for row in rows] == [valued[1], valued[0], valued[2]]
    assert rows[0]["label"] == "Household 0000001"
    assert (rows[0]["from_portfolio"], rows[0]["to_portfolio"]) == ("New", "Top, fresh")
    assert [row["value_minor"] for row in rows] == ["900000", "70000", "30000"]


def test_applying_moves_them_with_the_reason_in_the_log(
    world: World, valued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = shown_to(world, "eve", monkeypatch)
    given = {"as_of": str(AS_OF), "run": ValuationRun.objects.get().id, "reason": "new quarter"}
    for wrong in ({"run": "val_other"}, {"as_of": "2025-12-30"}, {"as_of": "x"}, {"reason": " "}):
        assert client.post("/assignment", given | wrong).status_code == 422
    assert not Membership.objects.filter(cause="policy").exists()
    answer = client.post("/assignment", given, follow=True)
    text = answer.content.decode()
    assert "3 customers changed portfolio." in text
    assert "Everybody is where the policy puts them" in text
    assert "Apply the policy" not in text
    moved = Membership.objects.filter(cause="policy")
    assert set(moved.values_list("customer_id", flat=True)) == set(valued[:3])
    entry = AuditEntry.objects.get(action="assign portfolios")
    assert (entry.reason, entry.actor_id) == ("new quarter", world.people["eve"].id)


def test_who_stays_by_hand_is_counted(
    world: World, valued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over(
        actor=SYSTEM,
        now=world.now,
        customer_ids=valued[:1],
        to_portfolio_id=world.portfolios["Top"],
        reason="knows the family",
        starts_at=world.now.replace(year=2025, month=6),
    )
    text = shown_to(world, "eve", monkeypatch).get("/assignment").content.decode()
    assert "2 customers worth" in text
    assert re.search(r"Stay by hand</p>\s*<p class=\"value\">1<", text)


def test_an_administrator_learns_how_many_but_not_who(
    world: World, valued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.people["ada"] = add_person("ada", Role.ADMINISTRATOR, world.now)
    client = shown_to(world, "ada", monkeypatch)
    text = client.get("/assignment").content.decode()
    assert "3 customers worth" in text
    assert not any(each in text for each in valued)
    assert "Household 000" not in text
    assert client.get("/assignment/movers.csv").status_code == 403
    assert '<a href="/assignment">' in client.get("/cover").content.decode()
    ada = Actor(id=world.people["ada"].id, name="Ada", roles=frozenset({Role.ADMINISTRATOR}))
    asked = {"as_of": str(AS_OF), "dry_run": True}
    tried = TestClient(router).post("/assignments", json=asked, actor=ada, now=world.now).json()
    assert (tried["moved"], tried["movers"]) == (3, [])


def test_who_may_not_assign_has_no_such_page_and_no_tab(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = shown_to(world, "ben", monkeypatch)
    assert client.get("/assignment").status_code == 403
    assert "/assignment" not in client.get("/cover").content.decode()


def test_without_a_valuation_the_page_says_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = shown_to(world, "eve", monkeypatch)
    text = client.get("/assignment").content.decode()
    assert "Nobody was valued yet" in text
    assert "tier = &#x27;top&#x27;" in text
    assert "Apply the policy" not in text
    text = client.get("/assignment?as_of=2020-02-29").content.decode()
    assert "Nobody was valued as of 29 Feb 2020" in text
    assert client.get("/assignment/movers.csv").status_code == 404


def test_a_policy_that_cannot_be_applied_is_refused_when_it_is_tried(
    world: World, valued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = shown_to(world, "eve", monkeypatch)
    wrong = COMPANY.replace("tier = 'top' AND", "teer = 'top' AND")
    load_company(actor=SYSTEM, now=world.now, text=wrong, reason="a mistake")
    answer = client.get("/assignment")
    assert answer.status_code == 422
    assert "teer" in answer.content.decode()
    load_company(actor=SYSTEM, now=world.now, text=COMPANY, reason="mended")
    Accountability.objects.filter(portfolio_id=world.portfolios["Rest"]).update(starts_at=world.now)
    answer = client.get("/assignment")
    assert answer.status_code == 422
    assert "has a manager from" in answer.content.decode()
