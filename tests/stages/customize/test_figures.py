"""Responses, purchases and spend are found again where the truth is known, and never look ahead."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.customize import history as history_module
from patronage.customize.deciding import Floats
from patronage.customize.figures import credible_mean, purchase_probability
from patronage.customize.history import Seen, answers, band_of, first_seen, purchases
from patronage.customize.response import PRIOR_RATE, ResponseModel, fit_response

from ..differentiate.history import commit
from .world import CATALOGUE, END, World

CATEGORIES = sorted(row[0] for row in CATALOGUE)


def test_without_any_contact_the_assumption_stands() -> None:
    schema = {"category": pl.String, "band": pl.Int64, "offered": pl.Int64, "taken": pl.Int64}

    model = fit_response(pl.DataFrame(schema=schema))

    assert model.overall == (PRIOR_RATE,) * 5
    assert model.rates(["ANY"], np.array([[0], [4]])).tolist() == [[PRIOR_RATE], [PRIOR_RATE]]


def counts(truth: Floats, offered: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    taken = random.binomial(offered, truth)
    rows = [
        (f"C{row}", band, offered, int(taken[row, band]))
        for row in range(truth.shape[0])
        for band in range(truth.shape[1])
    ]
    return pl.DataFrame(rows, schema=["category", "band", "offered", "taken"], orient="row")


def test_shrunk_responses_come_nearer_to_the_truth_than_raw_ones() -> None:
    random = np.random.default_rng(1)
    by_band = np.array([0.004, 0.01, 0.02, 0.03, 0.05])
    truth = np.minimum(by_band * random.gamma(4.0, 1 / 4.0, 60)[:, None], 0.5)
    seen = counts(truth, 150, seed=2)

    model = fit_response(seen)

    names = [f"C{row}" for row in range(60)]
    fitted = np.array([model.by_category[name] for name in names])
    raw = (seen["taken"] / seen["offered"]).to_numpy().reshape(60, 5)
    pooled = np.broadcast_to(raw.mean(axis=0), raw.shape)
    error = ((fitted - truth) ** 2).mean()
    assert error < 0.6 * ((raw - truth) ** 2).mean()
    assert error < 0.6 * ((pooled - truth) ** 2).mean()


def test_with_much_history_a_response_is_what_was_observed() -> None:
    truth = np.array([[0.02, 0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.05, 0.02, 0.01]])
    seen = counts(truth, 1_000_000, seed=3)

    model = fit_response(seen)

    fitted = np.array([model.by_category["C0"], model.by_category["C1"]])
    raw = (seen["taken"] / seen["offered"]).to_numpy().reshape(2, 5)
    assert fitted == pytest.approx(raw, rel=2e-3)


def test_a_stored_model_gives_the_same_responses() -> None:
    model = fit_response(counts(np.full((3, 5), 0.05), 200, seed=4))

    again = ResponseModel.from_parameters(model.parameters())

    assert again == model


def test_purchases_come_as_often_as_said() -> None:
    """Customers with gamma rates, watched 200 days, then counted over the next 30."""
    random = np.random.default_rng(5)
    rate = random.gamma(0.8, 1 / 60.0, (20_000, 1))
    days = random.uniform(20, 365, 20_000)
    baskets = random.poisson(rate * days[:, None]).astype(np.float64)
    bought = random.random((20_000, 1)) < -np.expm1(-rate * 30.0)

    said = purchase_probability(baskets, days, 30.0)

    assert said.mean() == pytest.approx(bought.mean(), abs=0.012)
    order = np.argsort(said[:, 0])
    for part in np.array_split(order, 5):
        assert said[part].mean() == pytest.approx(bought[part].mean(), abs=0.03)


def test_purchase_probability_is_the_closed_form_of_its_prior() -> None:
    """With one rate for all, everybody's probability is 1 − e^(−rate × days)."""
    random = np.random.default_rng(6)
    days = np.full(200_000, 100.0)
    baskets = random.poisson(0.02 * days)[:, None].astype(np.float64)

    said = purchase_probability(baskets, days, 30.0)

    assert said.mean() == pytest.approx(1 - np.exp(-0.6), abs=0.004)
    assert said.std() < 0.03


def test_nobody_observed_buys_nothing() -> None:
    assert purchase_probability(np.zeros((2, 1)), np.zeros(2), 30.0).tolist() == [[0.0], [0.0]]


def test_spend_is_weighed_by_the_credibility_that_its_variances_give() -> None:
    """Mean 900 apart by 100, each basket apart by 300: one basket counts 1/(1 + 9)."""
    random = np.random.default_rng(7)
    level = random.normal(900, 100, 4000)
    k = random.integers(1, 30, 4000).astype(np.float64)
    each = [random.normal(level[row], 300, int(k[row])) for row in range(4000)]
    spend = np.array([values.sum() for values in each])[:, None]
    squares = np.array([(values**2).sum() for values in each])[:, None]

    found = credible_mean(k[:, None], spend, squares)[:, 0]

    raw = spend[:, 0] / k
    expected = 900 + k / (k + 9.0) * (raw - 900)
    assert found == pytest.approx(expected, abs=25)
    assert ((found - level) ** 2).mean() < 0.6 * ((raw - level) ** 2).mean()


def test_spend_in_a_category_nobody_bought_is_not_known() -> None:
    nothing = np.zeros((3, 1))

    assert np.isnan(credible_mean(nothing, nothing, nothing)).all()


def test_customers_who_spend_alike_keep_to_the_mean() -> None:
    k = np.array([[1.0], [5.0], [0.0]])

    assert credible_mean(k, k * 700, k * 700**2) == pytest.approx(np.full((3, 1), 700.0))


def test_bands_begin_at_their_edges() -> None:
    frame = pl.DataFrame({"n": [0, 1, 2, 3, 4, 7, 8, 100]})

    assert frame.select(band_of(pl.col("n")))["n"].to_list() == [0, 1, 2, 2, 3, 3, 4, 4]


def seen_figures() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    seen = Seen.before(END)
    return (
        purchases(seen, CATEGORIES).sort("customer_id", "category"),
        first_seen(seen).sort("customer_id"),
        answers(seen),
    )


def corrupt_what_is_later(world: World) -> None:
    """Make every later line, contact, coupon and redemption wildly different."""
    lines = world.history.lines
    later = pl.col("ordered_at") >= END
    commit(
        "order_lines",
        lines.with_columns(
            amount_minor=pl.when(later)
            .then(pl.col("amount_minor") * 1000)
            .otherwise("amount_minor"),
            product_id=pl.when(later).then(pl.lit("prd_00")).otherwise("product_id"),
        ),
    )
    when = END + timedelta(days=1)
    somebody = world.customers[0]
    for dataset, row in {
        "past_contacts": {"customer_id": somebody, "campaign_id": "cmp_0", "contacted_at": when},
        "redemptions": {
            "customer_id": somebody,
            "offer_ref": "coupon_0_SOAP",
            "campaign_id": "cmp_0",
            "redeemed_at": when,
        },
        "coupon_products": {
            "offer_ref": "coupon_0_SOAP",
            "campaign_id": "cmp_0",
            "product_id": "prd_00",
            "starts_at": when,
            "ends_at": when,
        },
    }.items():
        add_rows(dataset, pl.DataFrame([row] * 50 if dataset != "redemptions" else [row]))


def add_rows(dataset: str, rows: pl.DataFrame) -> None:
    from patronage.access import datasets

    there = datasets.warehouse().polars(datasets.read(dataset))
    more = rows.with_columns(import_id=pl.lit("imp_later"))
    more = more.with_columns(pl.col(name).cast(there.schema[name]) for name in more.columns)
    commit(dataset, pl.concat([there, more], how="diagonal"))


def test_nothing_that_comes_later_is_seen(world: World) -> None:
    before = seen_figures()

    corrupt_what_is_later(world)

    for old, new in zip(before, seen_figures(), strict=True):
        assert len(old) > 10 or old.columns[0] == "category"
        assert_frame_equal(old, new, check_row_order=False, rel_tol=1e-12)


def test_figures_that_peek_are_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: sales are read to the end."""
    monkeypatch.setattr(
        history_module,
        "_sales",
        lambda seen: seen.table("order_lines").filter(lambda line: line.kind == "sale"),
    )
    before = seen_figures()

    corrupt_what_is_later(world)

    with pytest.raises(AssertionError):
        assert_frame_equal(before[0], seen_figures()[0], check_row_order=False, rel_tol=1e-12)


def test_responses_rise_with_affinity_as_the_campaigns_did(world: World) -> None:
    """The world's customers take a coupon up with chance .03 + .05 × recent baskets."""
    model = fit_response(answers(Seen.before(END)))

    assert model.offered > 200
    assert model.overall[0] == pytest.approx(0.03, abs=0.03)
    assert model.overall[0] < model.overall[2] < model.overall[4]
    assert model.overall[2] == pytest.approx(0.155, abs=0.06)
