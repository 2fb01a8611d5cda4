"""What the demonstration ends with: value, people in charge, decisions, equity, evidence, time."""

from __future__ import annotations

from collections.abc import Sequence

from patronage.access import company
from patronage.access.roles import SYSTEM
from patronage.cli.call import current
from patronage.cli.demo.steps import QUARTER_ENDS, Done
from patronage.cli.read_outs import show_read_out
from patronage.cli.show import facts, heading, rows, say
from patronage.cli.statement import show_bridge
from patronage.customize.models import DecisionRun
from patronage.differentiate.models import ValuationRun
from patronage.govern.reads import portfolio_summary
from patronage.learn.models import ReadOut
from patronage.steer import reads
from patronage.vocabulary.money import Money


def summarise(done: Sequence[tuple[str, Done, float]], seconds: float) -> None:
    """Print the summary.

    Args:
        done: title, what was done and wall time of each step.
        seconds: wall time of all of them.
    """
    _valued()
    _in_charge()
    _decided()
    _equity()
    _evidence()
    _times(done, seconds)
    if all(each.before for _, each, _ in done):
        say("Everything had been done before: nothing was done twice.")


def _valued() -> None:
    heading("Customers valued")
    rows(
        "",
        [
            {
                "as_of": run.as_of,
                "customers": run.customers,
                "value": Money(run.total_minor, run.currency),
            }
            for run in ValuationRun.objects.filter(as_of__in=QUARTER_ENDS).order_by("as_of")
        ],
    )


def _in_charge() -> None:
    heading("Portfolios and who is in charge")
    currency = company.current().company.currency
    rows(
        "",
        [
            {
                "portfolio": each.portfolio.name,
                "manager": each.portfolio.manager,
                "customers": each.customers,
                "value": Money(each.value_minor, currency),
            }
            for each in portfolio_summary(SYSTEM, current().clock())
        ],
    )


def _decided() -> None:
    heading("Decisions by outcome")
    runs = DecisionRun.objects.filter(as_of__in=QUARTER_ENDS)
    rows(
        "",
        [
            {
                "as_of": run.as_of,
                "offered": run.counts["offered"],
                "held_out": run.counts["withheld"],
                "nothing_permitted_or_worth_it": run.counts["nothing"],
            }
            for run in runs.order_by("as_of", "created_at")
        ],
    )


def _equity() -> None:
    view = reads.statement(SYSTEM, QUARTER_ENDS[-1], current().clock())
    heading(f"Customer equity of {view.head.quarter}, {view.head.state}: opening to closing")
    show_bridge(view.total, view.head.currency)


def _evidence() -> None:
    heading("What decisions led to")
    for as_of in QUARTER_ENDS[-2:]:
        found = ReadOut.objects.filter(run__as_of=as_of).order_by("-read_at", "-id").first()
        if found is not None:
            show_read_out(found)


def _times(done: Sequence[tuple[str, Done, float]], seconds: float) -> None:
    heading("Wall time")
    stages: dict[str, float] = {"import and set-up": 0.0}
    for _, each, took in done:
        for stage in each.stages:
            stages[stage.name] = stages.get(stage.name, 0.0) + stage.seconds
        if not each.stages:
            stages["import and set-up"] += took
    facts("", {name: f"{took:.1f} s" for name, took in {**stages, "all": seconds}.items()})
