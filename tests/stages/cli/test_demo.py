"""The demonstration's own choices: people, offers from coupons, nothing done twice."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from patronage.access.models import RoleGrant, User
from patronage.access.roles import Role
from patronage.cli import demo_people as people
from patronage.cli.demo import offers
from patronage.vocabulary.company import Company, parse_company

from ..differentiate.history import NOW


@pytest.fixture
def company() -> Company:
    """The demonstration company."""
    text = (resources.files("patronage.cli.demo") / "company.toml").read_text(encoding="utf-8")
    return parse_company(text)


def drawn(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    """What a query over coupons gives, most coupons first."""
    return pl.DataFrame(
        {
            "category": [category for category, _, _ in rows],
            "coupons": list(range(len(rows), 0, -1)),
            "starts_at": [datetime(2017, 2, 8, tzinfo=UTC)] * len(rows),
            "department": [department for _, department, _ in rows],
            "face_value_minor": [face for _, _, face in rows],
        },
        schema_overrides={"face_value_minor": pl.Float64},
    )


@pytest.mark.django_db
def test_everybody_logs_in_with_the_one_password_and_is_added_once(
    company: Company, tmp_path: Path
) -> None:
    password = people.password_of(tmp_path)
    assert people.password_of(tmp_path) == password
    assert stat.S_IMODE((tmp_path / "demo_password").stat().st_mode) == 0o600
    everybody = people.everybody(company)
    assert people.add(everybody, password=password, now=NOW) == len(everybody)
    assert people.add(everybody, password=password, now=NOW) == 0
    assert User.objects.get(email=people.EXECUTIVE).check_password(password)
    managers = RoleGrant.objects.filter(role=Role.MANAGER.value).count()
    assert managers == len(company.portfolios)


def test_an_offer_saves_the_median_and_costs_a_declared_tenth(company: Company) -> None:
    frame = drawn(
        ("CHEESE", "GROCERY", 50.0), ("SOAP", "DRUG GM", 150.0), ("RICE", "GROCERY", None)
    )
    cheese, soap, rice = offers.proposals(frame, company)
    assert (cheese.face_value_minor, cheese.redemption_cost_minor) == (50, 5)
    assert (soap.face_value_minor, soap.redemption_cost_minor) == (150, 15)
    # no coupon was seen on a line: the median of the others
    assert rice.face_value_minor == 100
    assert all("Assumption" in each.description for each in (cheese, soap, rice))
    assert {each.channel for each in cheese.treatments} == {c.name for c in company.channels}


def test_an_expressed_need_comes_first(company: Company) -> None:
    frame = drawn(("SALAD", "PRODUCE", 100.0), ("RICE", "GROCERY", 100.0))
    salad, rice = offers.proposals(frame, company)
    assert (salad.need, salad.eligibility) == ("fresh", "said_need IS NULL OR said_need = 'fresh'")
    assert (rice.need, rice.eligibility) == ("", "said_need IS NULL")
    assert (salad.team, rice.team) == tuple(people.TEAMS)


def test_forty_categories_answer_every_need_that_coupons_answer(company: Company) -> None:
    common = [(f"TINS {number}", "GROCERY", 100.0) for number in range(60)]
    rare = [(f"SALAD {number}", "PRODUCE", 100.0) for number in range(5)]
    chosen = offers.proposals(drawn(*common, *rare), company)
    assert len(chosen) == offers.CATEGORIES
    assert sum(each.need == "fresh" for each in chosen) == offers.PER_NEED
    assert chosen[0].category == "TINS 0"
