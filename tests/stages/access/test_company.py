"""The company's assumptions are versions: what runs used can always be named."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from patronage.access.company import NoCompany, company_of, current, load_company
from patronage.access.errors import NotAllowed, Refused
from patronage.access.models import AuditEntry, CompanyVersion
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.vocabulary.company import parse_company

pytestmark = pytest.mark.django_db
TEXT = """
name = "Grocer"
time_zone = "America/New_York"
currency = "USD"
default_margin = 0.25
entry_portfolio = "everybody"
holdout_salt = "s"
quarterly_budget_minor = 100000
tiers = [{name = "top", share = 0.2}, {name = "rest", share = 0.8}]
objectives = [{objective = "grow", reason = "always"}]
portfolios = [{name = "everybody", manager = "mia@example.com"}]
channels = [{name = "mail", title = "Mail", cost_minor = 40}]
[margin_by_department]
GROCERY = 0.28
"""
HOUR = timedelta(hours=1)


def load(text: str, now: datetime) -> CompanyVersion:
    return load_company(actor=SYSTEM, now=now, text=text, reason="quarterly review")


def test_what_is_loaded_is_in_force(now: datetime) -> None:
    version = load(TEXT, now)
    assert version.number == 1
    assert current().version == version
    assert current().company == parse_company(TEXT)
    assert AuditEntry.objects.get().action == "load company"


def test_the_same_content_again_changes_nothing(now: datetime) -> None:
    first = load(TEXT, now)
    again = load("# another comment\n" + TEXT, now + HOUR)
    assert again == first
    assert again.recorded_at == now
    assert CompanyVersion.objects.count() == 1


def test_a_change_and_its_taking_back_are_versions_of_their_own(now: datetime) -> None:
    first = load(TEXT, now)
    changed = load(TEXT.replace("0.25", "0.30"), now + HOUR)
    assert current().company.default_margin == 0.30
    back = load(TEXT, now + 2 * HOUR)
    assert [v.number for v in (first, changed, back)] == [1, 2, 3]
    assert current().company.default_margin == 0.25
    assert company_of(changed).default_margin == 0.30


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('currency = "USD"', 'currency = "dollars"', "ISO 4217"),
        ('name = "Grocer"', 'nmae = "Grocer"', "nmae"),
        ("share = 0.2", "share = 0.3", "sum to"),
        ('name = "Grocer"', "name = ", "not valid TOML"),
        ("default_margin = 0.25", "default_margin = nan", "default_margin"),
        ('holdout_salt = "s"', "holdout_salt = 2020-01-01", "Write dates as text"),
    ],
)
def test_assumptions_that_cannot_be_used_are_refused_and_not_kept(
    now: datetime, old: str, new: str, message: str
) -> None:
    assert old in TEXT
    with pytest.raises(Refused, match=message):
        load(TEXT.replace(old, new), now)
    assert not CompanyVersion.objects.exists()


def test_nothing_is_assumed_before_anything_is_declared(db: None) -> None:
    with pytest.raises(NoCompany, match=r"company\.toml"):
        current()


def test_only_administrators_declare(now: datetime) -> None:
    actor = Actor(id="usr_1", name="X", roles=frozenset(Role) - {Role.ADMINISTRATOR})
    with pytest.raises(NotAllowed):
        load_company(actor=actor, now=now, text=TEXT, reason="")
