"""Reads decisions out once the window that follows them is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from patronage.access import audit, datasets
from patronage.access.company import company_of
from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.customize.models import DecisionRun, Holdout, Offer
from patronage.learn.errors import NoDecisions
from patronage.learn.figures import comparison, hits, verdict
from patronage.learn.models import ReadOut
from patronage.learn.outcomes import (
    History,
    outcomes,
    redeemed_categories,
    redemptions_before,
)
from patronage.learn.windows import WINDOW_DAYS, OutcomeWindow, history_ends, is_over
from patronage.vocabulary.company import Company
from patronage.vocabulary.ids import IdPrefix, new_id
from patronage.vocabulary.periods import BusinessCalendar

_ARMS = {"offered": "treated", "withheld": "held out", "nothing": "nothing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """One run of decisions to read out."""

    run: DecisionRun
    window: OutcomeWindow
    company: Company
    history: History

    @property
    def replayed(self) -> bool:
        """Whether the decisions came too late to have caused what the window holds."""
        return self.run.created_at >= self.window.ends_at


def read_out(*, actor: Actor, now: datetime, as_of: date, progress: Progress = silent) -> ReadOut:
    """Read out the newest decisions as of a date; what was read out once never changes.

    While the history does not reach the end of the window the state is "pending": outcomes
    pending, no figures.

    Raises:
        NotAllowed: the actor may not read out.
        NoDecisions: nobody was decided as of the date.
    """
    actor.require(Right.READ_OUT)
    run = DecisionRun.objects.filter(as_of=as_of).order_by("-created_at", "-id").first()
    if run is None:
        raise NoDecisions(as_of=as_of)
    known = ReadOut.objects.filter(run=run).first()
    if known is not None and known.state == "read":
        return known
    question = _question(run)
    newest = history_ends(question.history.order_lines)
    if not is_over(question.window, newest, now):
        return _pending(actor, now, question, newest)
    progress(0.1, "Reading what customers did")
    found = outcomes(run, question.window, question.history, question.company)
    progress(0.6, "Comparing")
    figures = _figures(question, found)
    progress(0.8, "Writing outcomes")
    return _write(actor, now, question, found, figures)


def _question(run: DecisionRun) -> _Question:
    company = company_of(run.company_version)
    calendar = BusinessCalendar(company.time_zone)
    return _Question(
        run=run,
        window=OutcomeWindow(as_of=run.as_of, calendar=calendar),
        company=company,
        history=History.now(),
    )


def _pending(actor: Actor, now: datetime, question: _Question, newest: datetime | None) -> ReadOut:
    reach = "there is no history"
    if newest is not None:
        reach = f"the history reaches {question.window.calendar.date_of(newest)}"
    text = f"outcomes pending: the window ends with {question.window.last_day}, {reach}"
    with atomic():
        take_turns("outcomes")
        return _save(actor, now, question, state="pending", figures={"verdict": text})


def _figures(question: _Question, found: pl.DataFrame) -> dict[str, Any]:
    window, history = question.window, question.history
    share = Holdout.objects.order_by("starts_at").values_list("share", flat=True).first()
    compared = comparison(
        found,
        question.company.holdout_share if share is None else share,
        replayed=question.replayed,
    )
    return {
        "verdict": verdict(compared, replayed=question.replayed),
        "currency": question.company.currency,
        "window_days": WINDOW_DAYS,
        **compared,
        "hit_rate": hits(
            found,
            redeemed_categories(window, history),
            _offers(question.run),
            redemptions_before(window, history),
        ),
    }


def _offers(run: DecisionRun) -> pl.DataFrame:
    """The offers that the run chose among."""
    rows = Offer.objects.filter(pk__in=run.offers).order_by("pk").values_list("pk", "category")
    schema = {"offer_id": pl.String, "category": pl.String}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def _write(
    actor: Actor, now: datetime, question: _Question, found: pl.DataFrame, figures: dict[str, Any]
) -> ReadOut:
    """Commit the outcomes and their figures together, unless somebody else did just now."""
    pending = ReadOut.objects.filter(run=question.run).first()
    read_out_id = pending.id if pending is not None else new_id(IdPrefix.READOUT)
    rows = _rows(read_out_id, question, found).to_arrow()
    manifest = datasets.warehouse().append("outcomes", rows, base=datasets.head("outcomes"))
    with atomic():
        take_turns("outcomes")
        known = ReadOut.objects.filter(run=question.run, state="read").first()
        if known is not None:
            return known
        datasets.commit(dataset="outcomes", manifest=manifest, cause=read_out_id, now=now)
        return _save(
            actor,
            now,
            question,
            id=read_out_id,
            state="read",
            figures=figures,
            manifest=manifest.number,
        )


def _rows(read_out_id: str, question: _Question, found: pl.DataFrame) -> pl.DataFrame:
    return found.select(
        outcome_run_id=pl.lit(read_out_id),
        decision_run_id=pl.lit(question.run.id),
        decision_id="decision_id",
        customer_id="customer_id",
        offer_id="offer_id",
        treatment_id="treatment_id",
        arm=pl.col("outcome").replace_strict(_ARMS, return_dtype=pl.String),
        window_starts_at=pl.lit(question.window.starts_at),
        window_ends_at=pl.lit(question.window.ends_at),
        purchases=pl.col("purchases").cast(pl.Int32),
        revenue_minor="revenue_minor",
        margin_minor="margin_minor",
        currency=pl.lit(question.company.currency),
        redeemed="redeemed",
    )


def _save(actor: Actor, now: datetime, question: _Question, **content: Any) -> ReadOut:
    read, _ = ReadOut.objects.update_or_create(
        run=question.run,
        defaults={
            "window_starts_at": question.window.starts_at,
            "window_ends_at": question.window.ends_at,
            "replayed": question.replayed,
            "read_at": now,
            **content,
        },
    )
    audit.record(
        actor=actor,
        now=now,
        action="read out decisions",
        subject_kind="decision run",
        subject_id=question.run.id,
        right=Right.READ_OUT,
        before={},
        change={"read_out": read.id, "state": read.state},
    )
    return read
