"""Writes what a run decided: candidates to the warehouse, the rest in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from patronage.access import audit, datasets
from patronage.access.roles import Right
from patronage.access.transactions import atomic, take_turns
from patronage.customize.contact_policy import lowest_places, places_taken
from patronage.customize.deciding import Bools, Floats, Ints
from patronage.customize.errors import BudgetSpent
from patronage.customize.models import Affinity, DecisionRun
from patronage.customize.planned import Moved, Plan, versions_of_each, with_tests
from patronage.customize.policy import due_at, policy_at, terms_of
from patronage.customize.population import among
from patronage.customize.propensity import drawn
from patronage.customize.recording import (
    ContactColumns,
    DecisionColumns,
    lock_customers,
    record_decisions,
)
from patronage.customize.response import KIND, NAME
from patronage.customize.situations import due_days, month_of
from patronage.customize.stocks import taken_by
from patronage.differentiate.models import ModelVersion
from patronage.govern import fence, memberships
from patronage.govern.errors import CapacityTaken
from patronage.identify import bulk
from patronage.identify.reads import standing_consents
from patronage.science.arbitration import Outcome, Reason
from patronage.vocabulary.ids import IdPrefix, new_id, new_ids
from patronage.warehouse import Manifest, ManifestConflict

#: Reasons of candidates that fell out before it was asked what they are worth.
BEFORE_SCORING = (int(Reason.INELIGIBLE), int(Reason.UNKNOWN), int(Reason.NO_CONSENT))
#: So many customers' candidates are written, and held in memory, at a time.
CUSTOMERS_A_FILE: Final = 20_000
CUSTOMERS_A_BATCH: Final = 5_000
OUTCOMES = {each: each.name.lower() for each in Outcome}
_OUTCOME_NAMES: Final = {int(each): name for each, name in OUTCOMES.items()}


def write_plan(plan: Plan) -> DecisionRun:
    """Write a plan; a run from the same inputs that is there already is returned instead.

    Raises:
        Moved: a place, a consent, a ruling or the budget is not what the plan saw; nothing was
            written.
    """
    run_id = new_id(IdPrefix.RUN)
    try:
        manifest = datasets.warehouse().append_parts(
            "decision_candidates",
            _parts(plan, run_id),
            base=datasets.head("decision_candidates"),
        )
        return _written(plan, run_id, manifest)
    except (datasets.DatasetMoved, ManifestConflict, BudgetSpent, CapacityTaken) as error:
        raise Moved from error


def _written(plan: Plan, run_id: str, manifest: Manifest) -> DecisionRun:
    with atomic():
        take_turns("decision runs")
        known = DecisionRun.objects.filter(input_digest=plan.inputs.digest).first()
        if known is not None:
            return known
        decisions, contacts = _columns(plan)
        if (
            policy_at(plan.inputs.at, plan.inputs.policy.company, acting_at=plan.now).digest
            != plan.inputs.policy.digest
        ):
            raise Moved
        datasets.commit(
            dataset="decision_candidates", manifest=manifest, cause=run_id, now=plan.now
        )
        if _fenced_since(plan):
            raise Moved
        run = _run(plan, run_id, manifest)
        record_decisions(
            at=plan.inputs.at,
            now=plan.now,
            run_id=run_id,
            channel="",
            budget=plan.budget,
            decisions=decisions,
            contacts=contacts,
            presented=False,
            stocks=plan.priced.stocks,
        )
        _keep_figures(plan, run)
        _audit(plan, run)
    return run


def _fenced_since(plan: Plan) -> bool:
    """Whether the fence has changed since the plan was made: nothing changes it from here on."""
    memberships.take_turns_moving()
    ids = plan.population.ids
    return not np.array_equal(plan.people.fenced, among(ids, fence.fenced_now()))


def _parts(plan: Plan, run_id: str) -> Iterator[Iterator[pa.RecordBatch]]:
    """Everybody's candidates, some customers at a time.

    Written and sorted in one go, customers times treatments would take several times the memory
    of the choice itself.
    """
    count = len(plan.population.ids)
    for start in range(0, count or 1, CUSTOMERS_A_FILE):
        yield candidates(plan, run_id, range(start, min(start + CUSTOMERS_A_FILE, count)))


def candidates(plan: Plan, run_id: str, customers: range) -> Iterator[pa.RecordBatch]:
    """Every candidate of these customers, as the dataset `decision_candidates` declares it."""
    for start in range(customers.start, customers.stop, CUSTOMERS_A_BATCH) or [customers.start]:
        part = slice(start, min(start + CUSTOMERS_A_BATCH, customers.stop))
        rows = _candidates(plan, run_id, part).to_arrow()
        yield from rows.to_batches() or [pa.RecordBatch.from_pylist([], schema=rows.schema)]


def _candidates(plan: Plan, run_id: str, part: slice) -> pl.DataFrame:
    chosen, treatments = plan.priced.chosen, plan.inputs.policy.treatments
    reasons, best = chosen.reasons[part], chosen.treatments[part, 0]
    n, k = reasons.shape
    row = np.repeat(np.arange(n), k)
    column = np.tile(np.arange(k), n)
    kept = pl.Series(~np.isin(reasons, BEFORE_SCORING).ravel())

    def figure(values: Floats) -> pl.Expr:
        return pl.when(kept).then(pl.Series(np.ascontiguousarray(values[part]).ravel()))

    ids = plan.population.frame["customer_id"][part]
    return pl.DataFrame({"customer_id": ids.gather(row)}).select(
        decision_run_id=pl.lit(run_id),
        customer_id="customer_id",
        offer_id=pl.Series([each.offer_id for each in treatments]).gather(column),
        treatment_id=pl.Series([each.id for each in treatments]).gather(column),
        channel=pl.Series([each.channel for each in treatments]).gather(column),
        reason=pl.Series(reasons.ravel()),
        ruling_id=_singled_out(plan, part),
        score_minor=figure(chosen.scores),
        response_with=figure(chosen.response_with),
        response_without=figure(chosen.response_without),
        chosen=pl.Series(column == best[row]),
    )


def _singled_out(plan: Plan, part: slice) -> pl.Expr:
    """The ruling that decided each candidate where it is not the portfolio's own, else NULL."""
    policy = plan.inputs.policy
    if not policy.special:
        return pl.lit(None, dtype=pl.String)
    ids = pl.Series([each.id for each in policy.special])
    place = plan.people.special[part][:, policy.offer_of].ravel() // 2
    known = pl.Series(place).cast(pl.Int64)
    return pl.lit(ids.gather(known.set(known < 0, None)))


def _columns(plan: Plan) -> tuple[DecisionColumns, ContactColumns]:
    """The rows to write; takes the locks that keep what it read true until they are."""
    chosen, ids = plan.priced.chosen, plan.population.ids
    best = chosen.treatments[:, 0]
    decided = best >= 0
    treatments = np.array([each.id for each in plan.inputs.policy.treatments], dtype=object)
    score = chosen.scores[np.arange(len(best)), best]
    chance = drawn(plan.inputs.policy, plan.people, plan.means, chosen)
    count = len(ids)
    outcomes = pl.Series(chosen.outcome).cast(pl.Int64)
    decisions = DecisionColumns(
        ids=new_ids(IdPrefix.DECISION, count),
        customer_ids=ids,
        portfolio_ids=plan.population.frame["portfolio_id"].to_list(),
        outcomes=outcomes.replace_strict(_OUTCOME_NAMES, return_dtype=pl.String).to_list(),
        treatment_ids=_where(decided, treatments[best]),
        scores=_where(decided, score),
        held_out=plan.people.held_out.tolist(),
        propensities=chance.propensity.tolist(),
        candidates=["[]"] * count,
        versions=with_tests(plan, versions_of_each(plan), chance),
    )
    offered = np.flatnonzero(chosen.outcome == int(Outcome.OFFERED))
    return decisions, _contacts(plan, decisions, offered, best[offered])


def _contacts(plan: Plan, decisions: DecisionColumns, rows: Ints, best: Ints) -> ContactColumns:
    policy = plan.inputs.policy
    lock_customers(plan.population.frame["customer_id"].gather(rows).to_list())
    ruled = _ruled_rows(plan, rows, best)
    days = due_days(policy, plan.inputs.at)[ruled, best]
    months = {day: month_of(date.fromordinal(day)) for day in np.unique(days).tolist()}
    due = {day: due_at(policy, plan.inputs.at, day) for day in months}
    frame = plan.population.frame.select("customer_id", "portfolio_id")[rows].with_columns(
        treatment=pl.Series(best),
        code=pl.Series(plan.people.special[rows, policy.offer_of[best]]),
        channel=pl.Series([each.channel for each in policy.treatments]).gather(best),
        month=pl.Series(days).replace_strict(months, return_dtype=pl.String),
    )
    places = lowest_places(
        places_taken(sorted(set(months.values()))), frame, policy.company.contacts_per_month
    )
    consents = frame.join(
        _consents(plan.inputs.at), on=["customer_id", "channel"], how="left", maintain_order="left"
    )["consent_id"]
    if places.null_count() or consents.null_count():
        raise Moved
    return ContactColumns(
        decision_ids=pl.Series(decisions.ids).gather(rows).to_list(),
        customer_ids=frame["customer_id"].to_list(),
        treatment_ids=pl.Series([each.id for each in policy.treatments]).gather(best).to_list(),
        channels=frame["channel"].to_list(),
        consent_ids=consents.to_list(),
        ruling_ids=_rulings(plan, frame),
        reserved_minor=plan.priced.situation.reserve[rows, best].tolist(),
        takes=taken_by(plan.priced.stocks, best.tolist()),
        cap_months=frame["month"].to_list(),
        cap_places=places.to_list(),
        due_at=_each(days, due),
        terms=_terms(plan, ruled, best),
    )


def _rulings(plan: Plan, frame: pl.DataFrame) -> list[str]:
    """Which ruling lets each of these customers' treatments through."""
    policy = plan.inputs.policy
    by = ["portfolio_id", "treatment", "code"]
    words = frame.select(by).unique()
    ruled = words.with_columns(
        ruling_id=pl.Series(
            [
                policy.permission(portfolio_id, place, code)
                for portfolio_id, place, code in words.iter_rows()
            ],
            dtype=pl.String,
        )
    )
    joined = frame.join(ruled, on=by, how="left", maintain_order="left")
    return joined["ruling_id"].to_list()


def _terms(plan: Plan, ruled: Ints, best: Ints) -> list[dict[str, Any]]:
    """Under which terms each treatment goes out; equal ones are one object."""
    width = max(len(plan.inputs.policy.treatments), 1)
    code = ruled * width + best
    told = {
        each: terms_of(plan.inputs.policy, each // width, each % width)
        for each in np.unique(code).tolist()
    }
    return _each(code, told)


def _each(keys: Ints, told: Mapping[int, Any]) -> list[Any]:
    """What is told of each key, in the order of the keys."""
    known, place = np.unique(keys, return_inverse=True)
    values = np.empty(len(known), dtype=object)
    values[:] = [told[key] for key in known.tolist()]
    listed: list[Any] = values[place].tolist()
    return listed


def _ruled_rows(plan: Plan, rows: Ints, best: Ints) -> Ints:
    """Under which terms of the gate each of these customers gets this treatment."""
    people = plan.people
    found = plan.inputs.policy.applied(
        people.portfolio[rows], people.matches[rows], people.special[rows]
    ).row
    whole = np.broadcast_to(found, (len(rows), len(plan.inputs.policy.treatments)))
    return np.asarray(whole[np.arange(len(rows)), best], dtype=np.int64)


def _where(there: Bools, values: NDArray[Any]) -> list[Any]:
    filled = values.astype(object)
    filled[~there] = None
    listed: list[Any] = filled.tolist()
    return listed


def _consents(at: datetime) -> pl.DataFrame:
    table = pl.DataFrame(standing_consents(at))
    return table.select("customer_id", "channel", "consent_id")


def _run(plan: Plan, run_id: str, manifest: Manifest) -> DecisionRun:
    inputs, outcome = plan.inputs, plan.priced.chosen.outcome
    return DecisionRun.objects.create(
        id=run_id,
        as_of=inputs.as_of,
        input_digest=inputs.digest,
        company_version=inputs.declared.version,
        valuation_run=inputs.run,
        response_model=_model_version(plan),
        budget=plan.budget,
        policy_digest=inputs.policy.digest,
        offers=[offer.id for offer in inputs.policy.offers],
        prices=plan.priced.prices,
        certificate=plan.priced.certificate,
        counts={name: int((outcome == int(each)).sum()) for each, name in OUTCOMES.items()},
        manifest=manifest.number,
        created_at=plan.now,
    )


def _model_version(plan: Plan) -> ModelVersion:
    """The response model as a version; the same parameters for the same date are one version."""
    parameters = plan.model.parameters()
    same = ModelVersion.objects.filter(kind=KIND, name=NAME, as_of=plan.inputs.as_of)
    for known in same.order_by("-fitted_at"):
        if known.parameters == parameters:
            return known
    return ModelVersion.objects.create(
        kind=KIND,
        name=NAME,
        as_of=plan.inputs.as_of,
        parameters=parameters,
        converged=True,
        customers=plan.contacted,
        fitted_at=plan.now,
    )


def _keep_figures(plan: Plan, run: DecisionRun) -> None:
    """Leave everybody's figures for decisions in the moment, unless a later date's are there."""
    if DecisionRun.objects.filter(as_of__gt=run.as_of).exists():
        return
    kept = np.ascontiguousarray(plan.people.figures, dtype="<f4")
    n = len(kept)
    rows = kept.reshape(n, -1).view(f"V{kept[0].nbytes}").ravel().tolist() if n else []
    bulk.insert(
        Affinity,
        {"customer": plan.population.ids, "run": [run.id] * n, "figures": rows},
        on_conflict=(
            "ON CONFLICT (customer_id) DO UPDATE SET run_id = excluded.run_id,"
            " figures = excluded.figures"
        ),
    )


def _audit(plan: Plan, run: DecisionRun) -> None:
    audit.record(
        actor=plan.actor,
        now=plan.now,
        action="decide customers",
        subject_kind="decision run",
        subject_id=run.id,
        right=Right.DECIDE_EVERYBODY,
        before={},
        change={
            "as_of": run.as_of.isoformat(),
            "counts": run.counts,
            "prices": run.prices,
            "manifest": run.manifest,
            "input_digest": run.input_digest,
        },
    )
