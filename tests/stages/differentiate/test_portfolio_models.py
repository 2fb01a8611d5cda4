"""A portfolio whose own outcomes ask for another model is valued under it; every face says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from django.db.models import F, Q
from ninja.testing import TestClient
from polars.testing import assert_frame_equal

from patronage.access.company import company_of
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import (
    Scope,
    customer_scope,
    memberships_until,
    portfolio_names,
    visible_customers,
)
from patronage.differentiate import backtesting, jobs, reads, registry
from patronage.differentiate.api import router
from patronage.differentiate.levers import LEVERS, price
from patronage.differentiate.models import BacktestRun, ModelVersion, ValuationRun
from patronage.differentiate.pages.backtests import board_context
from patronage.differentiate.reads.backtests import backtest, model_board
from patronage.differentiate.reads.sensitivity import sensitivity
from patronage.differentiate.valuation import fitting
from patronage.differentiate.valuation.scoring import Window
from patronage.science.lifetime.group_choice import LEADS, NO_LEAD
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS

from ..cli.conftest import Verb, verb
from ..remembered import Remembered
from .history import NOW, generate_families, store

__all__ = ["verb"]

AS_OF = date(2025, 6, 23)
TWO = {name: PURCHASE_MODELS[name] for name in ("Pareto/NBD", "CNBD-k")}
FAMILIES = generate_families()
IDS = FAMILIES.customer_ids
REGULAR, CHANCE = IDS[:500], IDS[500:]
START = datetime(2023, 12, 31, tzinfo=UTC)
NAMES = [("prt_chance", "By chance"), ("prt_regular", "Regular")]
NAMES_OF_ROWS = ["customer_id", "portfolio_id", "at"]
MANAGER = Actor(id="usr_manager", name="Manager", roles=frozenset({Role.MANAGER}))
ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))


def by_family(_until: datetime) -> Sequence[tuple[str, str, datetime]]:
    return [
        *((customer, "prt_regular", START) for customer in REGULAR),
        *((customer, "prt_chance", START) for customer in CHANCE),
    ]


def at_random(_until: datetime) -> Sequence[tuple[str, str, datetime]]:
    return [(each, NAMES[place % 2][0], START) for place, each in enumerate(IDS)]


def names_in(scope: Scope) -> Sequence[tuple[str, str]]:
    return [each for each in NAMES if scope.holds(each[0])]


def backtested(now: datetime = NOW) -> BacktestRun:
    return jobs.backtest(actor=SYSTEM, now=now, as_of=AS_OF)


def valued(now: datetime = NOW) -> ValuationRun:
    return jobs.value(actor=SYSTEM, now=now, as_of=AS_OF)


def build() -> None:
    store(FAMILIES)
    with pytest.MonkeyPatch.context() as patch, memberships_until.answered_by(by_family):
        patch.setattr(backtesting, "PURCHASE_MODELS", TWO)
        backtested()


_TESTED = Remembered(build)


@pytest.fixture
def families(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[BacktestRun]:
    """A backtest of two portfolios, one of either kind of customer."""
    monkeypatch.setattr(backtesting, "PURCHASE_MODELS", TWO)
    with memberships_until.answered_by(by_family), portfolio_names.answered_by(names_in):
        _TESTED()
        yield BacktestRun.objects.get()


def test_each_customer_is_valued_under_the_model_of_their_portfolio(families: BacktestRun) -> None:
    run = valued()
    rows = reads.valuations(run)
    own = ModelVersion.objects.get(pk=run.portfolio_models["prt_regular"])
    named = dict(zip(rows["customer_id"], rows["model_version"], strict=True))

    assert (families.champion, own.name) == ("Pareto/NBD", "CNBD-k")
    assert own.calibration == families.alternates["CNBD-k"]
    assert {named[each] for each in REGULAR} == {own.id}
    assert {named[each] for each in CHANCE} == {run.purchase_model_id}
    assert rows["customer_id"].to_list() == sorted(IDS)


def test_a_row_is_what_a_valuation_under_that_model_alone_gives(
    families: BacktestRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = reads.valuations(valued())
    alone: dict[str, pl.DataFrame] = {}
    for champion, calibration in (
        ("Pareto/NBD", families.calibration),
        ("CNBD-k", families.alternates["CNBD-k"]),
    ):
        BacktestRun.objects.update(champion=champion, calibration=calibration, alternates={})
        ValuationRun.objects.update(input_digest=F("id"))
        alone[champion] = reads.valuations(valued(NOW + timedelta(minutes=len(alone) + 1)))
    judged = ["customer_id", "value_minor", "probability_of_purchase", "expected_margin_minor"]

    for champion, theirs in (("CNBD-k", REGULAR), ("Pareto/NBD", CHANCE)):
        of_them = pl.col("customer_id").is_in(theirs)
        assert_frame_equal(
            rows.filter(of_them).select(judged), alone[champion].filter(of_them).select(judged)
        )
    assert rows["value_minor"].to_list() != alone["Pareto/NBD"]["value_minor"].to_list()


def test_customers_put_together_at_random_choose_nothing_and_change_no_bit(
    families: BacktestRun,
) -> None:
    BacktestRun.objects.update(input_digest=F("id"))
    with memberships_until.answered_by(at_random):
        later = NOW + timedelta(minutes=1)
        run = backtested(later)
        mixed = valued(later)
    found = backtest(SYSTEM, run.id, NOW)

    assert [each.reason for each in found.choices] == [NO_LEAD, NO_LEAD]
    assert (run.alternates, mixed.portfolio_models) == ({}, {})
    assert reads.valuations(mixed)["model_version"].unique().to_list() == [mixed.purchase_model_id]


def test_where_the_own_model_cannot_be_fitted_the_portfolio_goes_with_everybody(
    families: BacktestRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fitting.fit_purchases

    def fails(frame: pl.DataFrame, name: str = "Pareto/NBD") -> fitting.Fit:
        fit = real(frame, name)
        if name != "CNBD-k":
            return fit
        return fitting.Fit(
            kind=fit.kind, name=name, parameters=fit.parameters, standard_errors={},
            log_likelihood=None, customers=0, fault="did not settle",
        )  # fmt: skip

    monkeypatch.setattr(jobs, "fit_purchases", fails)
    run = valued()

    assert run.portfolio_models == {}
    assert [each.reason for each in model_board(SYSTEM, NOW).failures] == ["did not settle"]


def test_a_hand_over_before_the_date_is_another_valuation(families: BacktestRun) -> None:
    """Who is in which portfolio is among what the figures hang on."""
    run = valued()
    moved = REGULAR[0]

    def handed(until: datetime) -> Sequence[tuple[str, str, datetime]]:
        at = datetime(2025, 6, 1, tzinfo=UTC)
        return [*by_family(until), (moved, "prt_chance", at)]

    with memberships_until.answered_by(handed):
        again = valued(NOW + timedelta(minutes=1))
    versions = dict(reads.valuations(again).select("customer_id", "model_version").iter_rows())

    assert valued().pk == run.pk
    assert again.pk != run.pk
    assert versions[moved] == again.purchase_model_id


def test_levers_and_sensitivity_start_from_what_is_published(families: BacktestRun) -> None:
    run = valued()
    rows = reads.valuations(run)
    placed = pl.DataFrame(by_family(NOW), schema=NAMES_OF_ROWS, orient="row")
    frame = rows.drop("portfolio_id", strict=False).join(
        placed.drop("at").with_columns(acquired=True), on="customer_id"
    )
    window = Window.of(company_of(run.company_version), run.as_of)
    models = registry.models_of(run.purchase_model, run.spend_model)
    priced = price(frame.sort("customer_id"), models, window, others=registry.others_of(run))
    plain = price(frame.sort("customer_id"), models, window)

    assert priced.customers["customer_id"].to_list() == rows["customer_id"].to_list()
    assert {key: each.customers for key, each in priced.levels.items()} == {
        "prt_chance": 1400,
        "prt_regular": 500,
    }
    for name in LEVERS[1:]:
        regular = pl.col("portfolio_id") == "prt_regular"
        ours, theirs = (each.customers.filter(regular)[name].sum() for each in (priced, plain))
        assert ours != theirs
    assert sensitivity(SYSTEM, NOW).total_minor == run.total_minor


def test_every_face_tells_what_each_portfolio_chose_and_why(
    families: BacktestRun, verb: Verb
) -> None:
    valued()
    found = {each.portfolio: each for each in backtest(SYSTEM, families.id, NOW).choices}
    regular, chance = found["Regular"], found["By chance"]
    rival = regular.best_rival

    assert (regular.chosen, regular.is_own, regular.reason) == ("CNBD-k", True, LEADS)
    assert (chance.chosen, chance.is_own, chance.reason) == ("Pareto/NBD", False, NO_LEAD)
    assert rival is not None
    assert rival.model == "CNBD-k"
    assert rival.lead_low is not None
    assert rival.lead_low > 0
    told = TestClient(router).get("/models/board", actor=ANALYST, now=NOW).json()
    assert {each["portfolio"]: each["chosen"] for each in told["backtest"]["choices"]} == {
        "Regular": "CNBD-k",
        "By chance": "Pareto/NBD",
    }
    shown = board_context(model_board(SYSTEM, NOW))["choices"]
    assert shown["own"] == 1
    assert [str(each["why"]) for each in shown["rows"]] == [
        "No other leads beyond chance",
        "Leads beyond chance",
    ]
    said = verb("value", "compare")
    assert (said.status, said.err) == (0, "")
    assert "Regular" in said.out


def test_a_manager_sees_the_choice_of_their_portfolios_alone(families: BacktestRun) -> None:
    mine = Scope(portfolio_ids=frozenset({"prt_regular"}))
    with (
        customer_scope.answered_by(lambda _actor, _now: mine),
        visible_customers.answered_by(lambda _scope: Q(id__in=REGULAR[:1])),
    ):
        found = backtest(MANAGER, families.id, NOW)

    assert [each.portfolio for each in found.choices] == ["Regular"]
