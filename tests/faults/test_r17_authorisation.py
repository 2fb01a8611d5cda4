"""R17: every route, method and role, on one's own, a foreign and an absent thing.

The tables in `resource_rows.py` and `page_rows.py` say what each role meets; the routes are taken
from the product itself, so that one that nobody wrote a row for fails. What is denied leaves every
row as it was, and foreign things answer as absent ones do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from starlette.routing import Mount, Route

from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate.models import LatestValuation
from patronage.differentiate.reads import value_history
from patronage.edge.app import create_app
from patronage.govern.models import Standing
from patronage.identify import in_sight

from ..stages.edge.served import DECISIONS, Served, serving
from .company import CALLED, Company, set_up, undone
from .matrix import Matrix, ask, names_of, routes, rows_of_database, without_row
from .routes import EDGE, ROWS
from .rows import API, ROLES, WRITTEN, Row

pytestmark = [pytest.mark.trial]

#: the rows are shared out, so that several processes can ask at once
PARTS: Final = 6
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def company(db: None, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setattr("patronage.site.clock.now", lambda: CALLED)
    return set_up()


# ------------------------------------------------------------------------------ what there is


def test_every_route_has_a_row() -> None:
    assert without_row(routes(), ROWS) == set()
    paths = {path for _, path in routes()}
    assert {row.path for row in ROWS} <= paths, "a row names a route that is not there"
    assert {len(row.cells) for row in ROWS} == {len(WRITTEN)}
    assert len(routes()) > 75


def test_a_route_that_nobody_wrote_a_row_for_is_found() -> None:
    new = ("POST", f"{API}customers/{{customer_id}}/horoscope")
    assert without_row(routes() | {new}, ROWS) == {new}
    assert len(without_row(routes(), ROWS[1:])) == 1


def test_what_stands_in_front_is_known() -> None:
    paths = (each.path for each in create_app().routes if isinstance(each, Route | Mount))
    assert tuple(paths) == EDGE


# ------------------------------------------------------------------------------- one matrix


@pytest.mark.parametrize("part", range(PARTS))
def test_every_cell_answers_as_the_table_says(company: Company, part: int) -> None:
    problems = Matrix(company).problems(ROWS[part::PARTS])
    assert not problems, "\n".join(problems)


def named(*names: str) -> list[Row]:
    rows = [row for row in ROWS if row.name in names]
    assert len(rows) == len(names)
    return rows


def test_the_matrix_finds_a_read_without_scope(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_sight, "visible", lambda found, _actor, _now: found)
    rows = named(f"GET {API}customers/{{customer_id}}")

    found = [each for each in Matrix(company).problems(rows) if "foreign one" in each]
    assert [each.split(" as ")[1] for each in found] == [
        "manager: 200 for a foreign one",
        "key_account_manager: 200 for a foreign one",
    ]


def test_the_matrix_finds_an_action_without_right(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Actor, "require", lambda _self, _right: None)
    problems = Matrix(company).problems(named(f"POST {API}offers/{{offer_id}}/withdrawal"))
    assert f"POST {API}offers/{{offer_id}}/withdrawal as agent: 404 where it is denied" in problems
    problems = Matrix(company).problems(named(f"POST {API}customers/{{customer_id}}/needs"))
    assert any("denied changed a row" in each for each in problems)


def test_a_method_that_a_route_has_not_changes_nothing(company: Company) -> None:
    matrix = Matrix(company)
    known = {(row.method, row.path) for row in ROWS}
    names = names_of(company, company.own)
    for row in {row.path: row for row in ROWS}.values():
        client = (matrix.by_key if row.is_api else matrix.by_session)[Role.EXECUTIVE]
        for method in _METHODS:
            if (method, row.path) not in known and row.path != "/language/setlang/":
                answer = client.generic(method, row.path.format(**names))
                assert answer.status_code == 405, f"{method} {row.path}"
    assert rows_of_database() == matrix.before


# ------------------------------------------------------------------------------ what is listed


def test_a_managers_lists_hold_their_own_portfolio_only(company: Company) -> None:
    ana, top = company.by_key(company.keys[Role.MANAGER]), company.own.portfolio_id

    def got(path: str) -> Any:
        return ana.get(f"{API}{path}").json()

    statement = got(f"statements/{company.statement_id}")
    behind = got(f"statements/{company.statement_id}/lines/closing/customers?limit=200")
    assert [each["id"] for each in got("portfolios")] == [top]
    assert {each["portfolio_id"] for each in got("gate")["gate"]} == {top}
    assert [each["portfolio_id"] for each in statement["portfolios"]] == [top]
    assert statement["total"]["amounts_minor"] == statement["portfolios"][0]["amounts_minor"]
    assert {each["portfolio_id"] for each in behind["rows"]} <= {top}
    assert {each["portfolio_id"] for each in got("scorecards")} == {top}
    assert got(f"customers?search={company.foreign.customer_id}") == []
    (found,) = got(f"customers?search={company.own.customer_id}")
    assert found["id"] == company.own.customer_id


@pytest.mark.parametrize("role", [Role.MANAGER, Role.EXECUTIVE])
def test_no_answer_to_a_manager_names_a_foreign_customer(company: Company, role: Role) -> None:
    others = Standing.objects.exclude(portfolio_id=company.own.portfolio_id)
    theirs = set(others.values_list("customer_id", flat=True))
    named = {name: theirs & set(re.findall(r"cus_\w+", text)) for name, text in said(company, role)}
    leaks = {name for name, found in named.items() if found}
    assert bool(leaks) == (role is Role.EXECUTIVE), leaks


@pytest.mark.parametrize("role", [Role.OFFER_OWNER, Role.EXECUTIVE])
def test_an_owner_sees_their_teams_offers_and_no_customer(company: Company, role: Role) -> None:
    ids = set(Standing.objects.values_list("customer_id", flat=True))
    others = {company.foreign.offer_id, "Save on cereal"}
    leaks = {
        name
        for name, text in said(company, role)
        if ids & set(re.findall(r"cus_\w+", text)) or any(each in text for each in others)
    }
    assert bool(leaks) == (role is Role.EXECUTIVE), leaks


PROFITABILITY: Final = re.compile(
    r'"(?!face_value)\w*(?:value|margin|risk|score|forgone|stake)\w*_minor": ?-?[\d.]+'
)


@pytest.mark.parametrize("role", [Role.AGENT, Role.ANALYST])
def test_an_agent_never_sees_what_a_customer_is_worth(company: Company, role: Role) -> None:
    latest = LatestValuation.objects.get(customer_id=company.own.customer_id)
    planted = {
        name: 1_234_567_891 + 1_111_111 * place
        for place, name in enumerate(
            name.attname for name in latest._meta.concrete_fields if name.attname.endswith("_minor")
        )
    }
    LatestValuation.objects.update(**planted)
    (worth,) = value_history(SYSTEM, company.own.customer_id, CALLED)[-1:]
    amounts = {worth.value_minor, worth.value_low_minor, worth.value_high_minor, *planted.values()}
    amounts.add(worth.expected_margin_minor)
    leaks = set()
    for name, text in said(company, role):
        shown = {form for amount in amounts for form in written(amount) if form in text}
        if shown or PROFITABILITY.search(text):
            leaks.add((name, *shown))
    assert bool(leaks) == (role is Role.ANALYST), leaks


def written(amount: int) -> set[str]:
    """An amount in minor units as JSON and as pages may write it; too short ones say nothing."""
    major = amount / 100
    forms = {str(amount), f"{major:.2f}", f"{major:,.2f}", f"{round(major):,}", f"{round(major)}"}
    return {each for each in forms if len(each) >= 5}


def said(company: Company, role: Role) -> Iterator[tuple[str, str]]:
    """What every route that a role may use answers about what is in its scope."""
    key, session = company.by_key(company.keys[role]), company.by_session(role)
    for row in ROWS:
        if row.cell(role) not in "as":
            continue
        for headers in ({}, {"HX-Request": "true"}) if not row.is_api else ({},):
            with undone():
                asked = key if row.is_api else session
                answer = ask(company, asked, row, company.own, **headers)
            yield row.name, answer.content.decode()


# ---------------------------------------------------------------------------- decisions by key


@pytest.mark.django_db(transaction=True)
def test_decisions_in_front_keep_the_same_scopes() -> None:
    company = set_up()
    row = next(each for each in ROWS if each.name == f"POST {DECISIONS}")
    things = (company.own, company.foreign, company.absent)
    with serving(create_app(clock=lambda: CALLED), "") as server:
        for role in ROLES:
            before = rows_of_database()
            key = company.keys[role]
            own, foreign, absent = (by_key(server, key, each.customer_id) for each in things)
            cell = row.cell(role)
            statuses = {".": (403, 403, 403), "n": (404, 404, 404), "s": (200, 404, 404)}
            expected = statuses.get(cell, (200, 200, 404))
            assert (own.status, foreign.status, absent.status) == expected, role
            if cell in ".ns":
                texts = [
                    answer.body.replace(each.customer_id.encode(), b"")
                    for answer, each in ((foreign, company.foreign), (absent, company.absent))
                ]
                assert texts[0] == texts[1], role
            if cell in ".n":
                assert rows_of_database() == before, role
        before = rows_of_database()
        assert by_key(server, company.revoked, company.own.customer_id).status == 401
        assert by_key(server, "none", company.own.customer_id).status == 401
        assert rows_of_database() == before


def by_key(server: Served, key: str, customer_id: str) -> Any:
    return server.decide({"customer": customer_id}, Authorization=f"Bearer {key}")
