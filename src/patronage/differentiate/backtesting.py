"""Would the valuations have been right? Backtest the purchase models on the company's history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from patronage.access.audit import record
from patronage.access.company import CurrentCompany
from patronage.access.progress import Progress
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.differentiate import reads, registry
from patronage.differentiate.errors import HistoryTooShort
from patronage.differentiate.models import (
    BacktestChoice,
    BacktestOrigin,
    BacktestRun,
    BacktestScore,
)
from patronage.differentiate.panels import NamedPanel, date_of, day_number, panel_of
from patronage.differentiate.placing import Placing
from patronage.differentiate.valuation.levelled import Levelled
from patronage.differentiate.valuation.scoring import Window
from patronage.science.lifetime.backtest import (
    BASELINES,
    IN_USE,
    Backtest,
    OriginResult,
    Rolling,
    compared,
)
from patronage.science.lifetime.blend import CALIBRATED, CHALLENGER
from patronage.science.lifetime.events import BUYS_NEXT_QUARTER, Event
from patronage.science.lifetime.forecast_scores import (
    Difference,
    brier_scores,
    log_scores,
    reliability,
)
from patronage.science.lifetime.group_choice import GroupChoice, group_choices
from patronage.science.lifetime.level import path_calibration
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS
from patronage.science.lifetime.rolling import Origin, origins_of, rolling_origins, stretches_of
from patronage.science.lifetime.spend_models import SPEND_MODELS
from patronage.science.lifetime.totals import LevelResult, interval_levels, levels

#: Raised whenever the same inputs would give other scores than before.
METHOD_VERSION: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that a backtest's figures depend on."""

    as_of: date
    manifests: reads.Manifests
    declared: CurrentCompany
    #: who was in which portfolio, when
    placing: Placing

    @property
    def digest(self) -> str:
        """The same for the same inputs."""
        content = {
            "as_of": self.as_of.isoformat(),
            "order_lines": self.manifests.order_lines,
            "products": self.manifests.products,
            "company": self.declared.version.digest,
            "models": list(PURCHASE_MODELS),
            "placing": self.placing.digest,
            "method": METHOD_VERSION,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tested:
    """What a backtest found, before it is stored."""

    found: Backtest
    levels: tuple[LevelResult, ...]
    #: corrections of the champion, as known at the end of the history
    levelled: Levelled
    #: what the outcomes of each portfolio say, by its id
    choices: dict[str, GroupChoice]
    #: corrections of the models that portfolios chose beside the champion, by model
    alternates: dict[str, Levelled]
    #: fits that did not converge
    failures: list[dict[str, str]]
    #: discounted value of the horizon by model, minor units
    horizon_totals_minor: dict[str, int]


def tested(inputs: Inputs, progress: Progress) -> Tested:
    """Forecast from past dates up to `as_of`, and score; nothing later is read.

    Raises:
        HistoryTooShort: there is no past date with a history and an outcome.
    """
    event = BUYS_NEXT_QUARTER
    progress(0.05, "Reading the history")
    named = panel_of(inputs.manifests, inputs.declared.company, inputs.as_of)
    panel, last_day = named.panel, day_number(inputs.as_of)
    days = rolling_origins(panel, last_day=last_day, horizon_days=event.horizon_days)
    if not days:
        raise HistoryTooShort(as_of=inputs.as_of, horizon_days=event.horizon_days)
    origins = []
    for origin in origins_of(panel, (*days, last_day), PURCHASE_MODELS, SPEND_MODELS):
        origins.append(origin)
        progress(0.1 + 0.6 * len(origins) / (len(days) + 1), f"Fitting as of {date_of(origin.day)}")
    *past, now = origins
    progress(0.75, "Scoring what was forecast")
    rng = np.random.default_rng(0)
    found = Rolling(panel=panel, event=event, challenger=True, rng=rng).run(past)
    if found.learnt is None:
        raise HistoryTooShort(as_of=inputs.as_of, horizon_days=event.horizon_days)
    champions = {each.day: each.champion for each in found.origins}
    kept = [origin for origin in past if origin.day in champions]
    champion = found.learnt.champion
    choices = _choices(inputs, named, found)
    own = sorted({each.chosen for each in choices.values()} - {champion})
    known = stretches_of(panel, kept, {*champions.values(), champion, *own}, last_day=last_day)

    def corrections(name: str, came: tuple[LevelResult, ...]) -> Levelled:
        cuts = interval_levels(came, horizon_days=event.horizon_days, known_on=last_day)
        return Levelled(
            path=path_calibration(known[name], known_on=last_day),
            buying=found.calibration_of(name),
            purchases=cuts[0],
            spend=cuts[1],
        )

    came = levels(panel, kept, champions, known)
    return Tested(
        found=found,
        levels=came,
        levelled=corrections(champion, came),
        choices=choices,
        alternates={
            name: corrections(name, levels(panel, kept, dict.fromkeys(champions, name), known))
            for name in own
        },
        failures=_failures(origins),
        horizon_totals_minor=_horizon_totals(inputs, now),
    )


def _choices(inputs: Inputs, named: NamedPanel, found: Backtest) -> dict[str, GroupChoice]:
    """What the outcomes of each portfolio's customers say of the models, by its id."""
    portfolios = inputs.placing.portfolios
    if found.learnt is None or len(portfolios) < 2:
        return {}
    chosen = group_choices(
        found.origins,
        {
            each.day: inputs.placing.labels(date_of(each.day), named.customer_id)
            for each in found.origins
        },
        models=list(PURCHASE_MODELS),
        choice=found.learnt.champion,
    )
    return {portfolios[each.group]: each for each in chosen}


def store(actor: Actor, now: datetime, inputs: Inputs, made: Tested) -> BacktestRun:
    """Keep a backtest with its scores and dates, in one transaction."""
    learnt = made.found.learnt
    if learnt is None:
        raise ValueError("a backtest without an origin has nothing to store")
    with atomic():
        take_turns("backtests")
        known = BacktestRun.objects.filter(input_digest=inputs.digest).first()
        if known is not None:
            return known
        run = BacktestRun.objects.create(
            as_of=inputs.as_of,
            input_digest=inputs.digest,
            company_version=inputs.declared.version,
            order_lines_manifest=inputs.manifests.order_lines,
            products_manifest=inputs.manifests.products,
            horizon_days=made.found.event.horizon_days,
            origins=len(made.found.origins),
            champion=learnt.champion,
            is_challenger_promoted=learnt.promoted,
            challenger_lead=_lead(learnt.lead),
            calibration=made.levelled.stored(),
            alternates={name: each.stored() for name, each in made.alternates.items()},
            failures=made.failures,
            horizon_totals_minor=made.horizon_totals_minor,
            created_at=now,
        )
        if learnt.promoted:
            registry.save_challenger(actor=actor, now=now, backtest=run, learnt=learnt)
        BacktestScore.objects.bulk_create(_scores(run, made.found))
        BacktestChoice.objects.bulk_create(
            _choice(run, portfolio_id, each) for portfolio_id, each in made.choices.items()
        )
        unit = Window.of(inputs.declared.company, inputs.as_of).minor_per_major
        BacktestOrigin.objects.bulk_create(_dates(run, made, unit))
        record(
            actor=actor,
            now=now,
            action="backtest models",
            subject_kind="backtest",
            subject_id=run.id,
            right=Right.VALUE,
            before={},
            change={
                "as_of": run.as_of.isoformat(),
                "origins": run.origins,
                "champion": run.champion,
                "challenger_promoted": run.is_challenger_promoted,
                "failures": len(run.failures),
            },
        )
    return run


def _choice(run: BacktestRun, portfolio_id: str, choice: GroupChoice) -> BacktestChoice:
    return BacktestChoice(
        run=run,
        portfolio_id=portfolio_id,
        chosen=choice.chosen,
        reason=choice.reason,
        origins=choice.origins,
        customers=choice.customers,
        bought=choice.happened,
        did_not=choice.did_not,
        scores={
            name: {"log_score": score, "lead": _lead(choice.leads.get(name))}
            for name, score in choice.scores.items()
        },
    )


def _lead(lead: Difference | None) -> dict[str, float] | None:
    if lead is None:
        return None
    return {"mean": lead.mean, "low": lead.low, "high": lead.high}


def _scores(run: BacktestRun, found: Backtest) -> list[BacktestScore]:
    """One row a forecaster, over the dates at which all of them spoke, beside what is in use."""
    by_role = {
        "model": [name for name in PURCHASE_MODELS if found.scored(name)],
        "calibrated": [CALIBRATED],
        "challenger": [CHALLENGER],
        "baseline": list(BASELINES),
    }
    spoken = [name for names in by_role.values() for name in names if found.scored(name)]
    common = found.scored(*spoken) or found.scored(CALIBRATED) or list(found.origins)
    in_use = run.champion
    if all(CALIBRATED in each.said for each in common):
        in_use = CHALLENGER if run.is_challenger_promoted else CALIBRATED
    return [
        _score(run, found.event, common, name=name, role=role, in_use=in_use)
        for role, names in by_role.items()
        for name in names
        if all(name in each.said for each in common)
    ]


def _score(
    run: BacktestRun,
    event: Event,
    rows: Sequence[OriginResult],
    *,
    name: str,
    role: str,
    in_use: str,
) -> BacktestScore:
    happened = np.concatenate([each.happened for each in rows])
    said = np.concatenate([each.said[name] for each in rows])
    log, brier = compared(rows, in_use, name)
    seen = reliability(said, happened)
    return BacktestScore(
        run=run,
        event=event.name,
        forecaster=name,
        role=role,
        origins=len(rows),
        rows=happened.size,
        log_score=float(log_scores(said, happened).mean()),
        brier_score=float(brier_scores(said, happened).mean()),
        calibration_error=seen.calibration_error,
        resolution=seen.resolution,
        log_behind=log.mean,
        log_behind_low=log.low,
        log_behind_high=log.high,
        brier_behind=brier.mean,
        brier_behind_low=brier.low,
        brier_behind_high=brier.high,
        deciles=asdict(seen),
    )


def _dates(run: BacktestRun, made: Tested, unit: int) -> list[BacktestOrigin]:
    return [
        BacktestOrigin(
            run=run,
            as_of=date_of(level.day),
            champion=origin.champion,
            customers=origin.happened.size,
            purchases_fitted=level.purchases.fitted,
            purchases_expected=level.purchases.calibrated,
            purchases_repeated=level.purchases.repeated,
            purchases_came=level.purchases.came,
            margin_fitted_minor=round(level.margin.fitted * unit),
            margin_expected_minor=round(level.margin.calibrated * unit),
            margin_repeated_minor=round(level.margin.repeated * unit),
            margin_came_minor=round(level.margin.came * unit),
            probability_expected=float(origin.said[IN_USE].mean()),
            share_bought=float(origin.happened.mean()),
            log_score=float(log_scores(origin.said[IN_USE], origin.happened).mean()),
            purchases_covered=level.purchases_covered,
            spend_covered=level.spend_covered,
        )
        for origin, level in zip(made.found.origins, made.levels, strict=True)
    ]


def _failures(origins: Sequence[Origin]) -> list[dict[str, str]]:
    return [
        {"model": name, "as_of": date_of(origin.day).isoformat(), "reason": reason}
        for origin in origins
        for name, reason in origin.failed.items()
    ]


def _horizon_totals(inputs: Inputs, now: Origin) -> dict[str, int]:
    """What the base is worth over the horizon under each model that converged today."""
    window = Window.of(inputs.declared.company, inputs.as_of)
    unit: Any = now.unit_spend() * now.seen.margin_rate * window.minor_per_major
    totals = {}
    for name, model in now.models.items():
        if name in now.failed:
            continue
        purchases = model.discounted_expected_purchases(
            *now.seen.past,
            horizon_days=window.horizon_days,
            annual_discount_rate=window.annual_discount_rate,
        )
        totals[name] = round(float(purchases @ unit))
    return totals
