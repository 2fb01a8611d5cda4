"""Everybody is valued once: figures add up, repeat to the same run, and say where they are from."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from patronage.access.company import load_company
from patronage.access.errors import NotAllowed
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate import jobs, reads
from patronage.differentiate.errors import (
    DateNotOver,
    NothingToValue,
    NoUsableModel,
    OtherCurrency,
    RuleRefused,
    UnknownCustomers,
)
from patronage.differentiate.fields import FIELDS
from patronage.differentiate.jobs import value
from patronage.differentiate.models import LatestValuation, ModelVersion, ValuationRun
from patronage.differentiate.valuation import fitting
from patronage.identify.models import Customer

from .history import COMPANY, NOW, History, commit, create_customers, line, store

AS_OF = date(2024, 12, 31)


def valued(as_of: date = AS_OF, now: datetime = NOW) -> ValuationRun:
    return value(actor=SYSTEM, now=now, as_of=as_of)


def quarter_of(history: History, start: datetime, end: datetime) -> pl.DataFrame:
    """The plain way: New York midnights given by hand, one line at a time."""
    inside = (pl.col("ordered_at") >= start) & (pl.col("ordered_at") < end)
    return history.lines.filter(inside).join(history.products, on="product_id")


def test_the_same_inputs_give_the_same_run(history: History) -> None:
    first = valued()
    later = valued(now=NOW + timedelta(days=1))

    assert later.id == first.id
    assert ValuationRun.objects.count() == 1
    assert AuditEntry.objects.filter(action="value customers").count() == 1


def test_another_assumption_gives_another_run(history: History) -> None:
    first = valued()
    dearer = COMPANY.replace("annual_discount_rate = 0.10", "annual_discount_rate = 0.20")
    load_company(actor=SYSTEM, now=NOW, text=dearer, reason="what if")

    second = valued()

    assert second.id != first.id
    assert 0 < second.total_minor < first.total_minor


def test_every_buyer_is_valued_and_the_total_is_their_sum(history: History) -> None:
    run = valued()
    rows = reads.valuations(run)
    end = datetime(2025, 1, 1, 5, tzinfo=NOW.tzinfo)
    buyers = history.lines.filter(pl.col("ordered_at") < end)["customer_id"].unique()

    assert set(rows["customer_id"]) == set(buyers)
    assert run.customers == len(rows) > 100
    assert run.total_minor == rows["value_minor"].sum()
    assert (rows["value_low_minor"] <= rows["value_high_minor"]).all()
    assert rows["probability_of_purchase"].is_between(0, 1).all()


def test_the_quarters_profit_and_loss_ties_to_the_lines_to_the_cent(history: History) -> None:
    rows = reads.valuations(valued())
    lines = quarter_of(
        history,
        datetime(2024, 10, 1, 4, tzinfo=NOW.tzinfo),
        datetime(2025, 1, 1, 5, tzinfo=NOW.tzinfo),
    )
    sold = lines.filter(kind="sale")
    # Margins 0.345, 0.2575 and 0.25 leave costs that are no whole cents: exact in ten-thousandths.
    cost = {"PRODUCE": 6550, "GROCERY": 7425, "HOUSEHOLD": 7500}
    exact = sum(
        amount * cost[department]
        for amount, department in lines.select("amount_minor", "department").iter_rows()
    )
    baskets = sold["order_id"].n_unique()

    assert rows["quarter_sales_minor"].sum() == sold["amount_minor"].sum()
    assert rows["quarter_returns_minor"].sum() == lines.filter(kind="return")["amount_minor"].sum()
    assert rows["quarter_cost_of_goods_minor"].sum() == round(exact / 10_000)
    assert rows["quarter_baskets"].sum() == baskets
    assert rows["quarter_cost_to_serve_minor"].sum() == 90 * baskets


def test_the_statistics_of_one_customer_are_those_counted_by_hand(history: History) -> None:
    days = [date(2024, 3, 1), date(2024, 3, 1), date(2024, 3, 11), date(2024, 4, 20)]
    amounts = [1000, 500, 2000, 4000]
    bought = [
        line(
            "cus_known", datetime(day.year, day.month, day.day, 18, index, tzinfo=NOW.tzinfo), sum_
        )
        for index, (day, sum_) in enumerate(zip(days, amounts, strict=True))
    ]
    returned = line("cus_known", datetime(2024, 4, 25, 18, tzinfo=NOW.tzinfo), -1000)
    create_customers(["cus_known"])
    commit("order_lines", pl.concat([history.lines, *bought, returned]))

    (row,) = reads.valuations(valued()).filter(customer_id="cus_known").to_dicts()

    assert row["frequency"] == 2
    assert row["recency_days"] == 50
    assert row["age_days"] == 305
    assert row["average_spend_minor"] == (2000 + 4000 - 1000) / 2
    assert row["cost_to_serve_minor"] == 90 * 4 / 3
    assert row["need"] == "fresh"


def test_tiers_hold_the_declared_shares_from_the_most_valuable_down(history: History) -> None:
    rows = reads.valuations(valued()).sort("value_minor", descending=True)
    size = dict(rows.group_by("tier").len().iter_rows())
    lowest_top = rows.filter(tier="top")["value_minor"].min()
    highest_base = rows.filter(tier="base")["value_minor"].max()

    assert size["top"] == round(0.2 * len(rows))
    assert size["top"] + size["middle"] == round(0.5 * len(rows))
    assert isinstance(lowest_top, int)
    assert isinstance(highest_base, int)
    assert lowest_top >= highest_base


def test_everybody_has_the_first_objective_that_is_true_of_them(history: History) -> None:
    rows = reads.valuations(valued())
    young = rows.filter(pl.col("age_days") < 90)
    rest = rows.filter(pl.col("age_days") >= 90, pl.col("value_minor") >= 0)

    assert len(young) > 3
    assert set(young["objective"]) == {"acquire"}
    assert set(rest.filter(tier="top")["objective"]) == {"retain"}
    unlikely = rest.filter(pl.col("tier") != "top", pl.col("probability_of_purchase") < 0.5)
    assert set(unlikely["objective"]) == {"convert"}
    assert rows["objective_reason"].null_count() == 0


def test_an_objective_may_ask_how_the_customer_entered(history: History) -> None:
    Customer.objects.filter(id__in=history.customer_ids[::2]).update(entry="panel")
    only_acquired = COMPANY.replace("age_days < 90", "age_days < 90 AND entry = 'acquired'")
    load_company(actor=SYSTEM, now=NOW, text=only_acquired, reason="panel entry is no acquisition")
    rows = reads.valuations(valued()).filter(pl.col("age_days") < 90)
    panel = rows["customer_id"].is_in(history.customer_ids[::2])

    assert panel.any()
    assert ((rows["objective"] == "acquire") == ~panel).all()


def test_an_objective_rule_with_an_unknown_field_is_refused_by_name(history: History) -> None:
    broken = COMPANY.replace('when = "value_minor < 0"', 'when = "vallue_minor < 0"')
    load_company(actor=SYSTEM, now=NOW, text=broken, reason="typo")

    with pytest.raises(RuleRefused, match="vallue_minor"):
        valued()
    assert not ValuationRun.objects.exists()
    assert not LatestValuation.objects.exists()


def test_the_projection_equals_the_dataset(history: History) -> None:
    run = valued()
    projected = {
        row.customer_id: (row.value_minor, row.tier, row.need or None, row.objective, row.age_days)
        for row in LatestValuation.objects.all()
    }
    frozen = {
        row["customer_id"]: (
            row["value_minor"],
            row["tier"],
            row["need"],
            row["objective"],
            int(row["age_days"]),
        )
        for row in reads.valuations(run).to_dicts()
    }

    assert projected == frozen


def test_an_older_date_valued_afterwards_is_not_the_latest(history: History) -> None:
    newer = valued()
    older = valued(date(2024, 9, 30))

    assert reads.run_at(date(2024, 9, 30)) == older
    assert reads.previous_run(newer) == older
    assert set(LatestValuation.objects.values_list("run_id", flat=True)) == {newer.id}


def test_features_name_what_rules_ask_about(history: History) -> None:
    features = reads.features(valued())
    latest = {row.customer_id: row for row in LatestValuation.objects.all()}

    assert set(features.columns) == {"customer_id", *FIELDS}
    for row in features.to_dicts():
        stored = latest[row["customer_id"]]
        assert row["recency_days"] == stored.recency_days
        assert row["quarter_margin_minor"] == stored.quarter_margin_minor
        assert row["orders_90d"] == stored.orders_90d
        assert reads.field_values(row["customer_id"], NOW) == {
            key: value for key, value in row.items() if key != "customer_id"
        }


def test_values_agree_with_a_simulation_of_what_follows(history: History) -> None:
    """Expected purchases of the next quarter against the shopping days that then came."""
    run = valued()
    rows = reads.valuations(run)
    following = quarter_of(
        history,
        datetime(2025, 1, 1, 5, tzinfo=NOW.tzinfo),
        datetime(2025, 4, 1, 4, tzinfo=NOW.tzinfo),
    ).filter(kind="sale")
    local = pl.col("ordered_at").dt.convert_time_zone("America/New_York")
    came = following.group_by("customer_id").agg(days=local.dt.date().n_unique())
    seen = rows.join(came, on="customer_id", how="left").with_columns(pl.col("days").fill_null(0))
    expected, found = seen["expected_purchases"].to_numpy(), seen["days"].to_numpy()

    assert abs(found.sum() / expected.sum() - 1) < 0.15
    assert np.corrcoef(expected, found)[0, 1] > 0.8


def test_a_fit_that_fails_leaves_the_last_good_model_in_use(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = valued(date(2024, 9, 30))

    def failed(kind: str, *_: object) -> fitting.Fit:
        return fitting.Fit(
            kind=kind,
            name=fitting.NAMES[kind],
            parameters={"r": 1e9, "alpha": 1.0, "s": 1.0, "beta": 1.0},
            standard_errors={},
            log_likelihood=None,
            customers=1,
            fault="The search ran away.",
        )

    monkeypatch.setattr(
        "patronage.differentiate.jobs.fit_purchases", lambda frame: failed("purchase", frame)
    )
    run = valued()

    assert run.purchase_model == good.purchase_model
    assert run.spend_model != good.spend_model
    assert ModelVersion.objects.filter(converged=False, kind="purchase").count() == 1


def test_without_an_earlier_model_a_fit_that_fails_is_refused(db: None) -> None:
    once = [
        line(f"cus_{number}", datetime(2024, 5, 1 + number, 15, tzinfo=NOW.tzinfo), 1000)
        for number in range(6)
    ]
    empty = pl.concat(once)
    store(History(lines=empty, products=products_of_one()))

    with pytest.raises(NoUsableModel, match="bought again"):
        valued()
    assert not ValuationRun.objects.exists()


def products_of_one() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "product_id": ["prd_00"],
            "department": ["PRODUCE"],
            "category": ["APPLES"],
            "import_id": ["imp_tests"],
        }
    )


def test_a_model_fitted_on_later_data_never_stands_in(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    valued()

    monkeypatch.setattr(
        "patronage.differentiate.jobs.fit_purchases",
        lambda frame: fitting.Fit(
            kind="purchase",
            name="Pareto/NBD",
            parameters=None,
            standard_errors={},
            log_likelihood=None,
            customers=0,
            fault="No search was possible.",
        ),
    )
    with pytest.raises(NoUsableModel):
        valued(date(2024, 9, 30))


def test_a_day_that_is_not_over_is_refused(history: History) -> None:
    with pytest.raises(DateNotOver):
        valued(NOW.date())


def test_a_date_before_the_first_purchase_is_refused(history: History) -> None:
    with pytest.raises(NothingToValue):
        valued(date(2023, 12, 1))


def test_lines_of_another_currency_are_refused(history: History) -> None:
    euros = line(
        history.customer_ids[0], datetime(2024, 6, 1, tzinfo=NOW.tzinfo), 100, currency="EUR"
    )
    commit("order_lines", pl.concat([history.lines, euros]))

    with pytest.raises(OtherCurrency, match="1 order lines are not in USD"):
        valued()


def test_lines_of_a_customer_who_is_not_on_record_are_refused(history: History) -> None:
    stranger = line("cus_nobody", datetime(2024, 6, 1, tzinfo=NOW.tzinfo), 100)
    commit("order_lines", pl.concat([history.lines, stranger]))

    with pytest.raises(UnknownCustomers, match="cus_nobody"):
        valued()


def test_an_erased_customer_is_not_valued(history: History) -> None:
    gone = history.customer_ids[0]
    Customer.objects.filter(id=gone).update(erased_at=NOW)

    assert gone not in reads.valuations(valued())["customer_id"]


def test_only_those_who_may_value_customers_do(history: History) -> None:
    agent = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))

    with pytest.raises(NotAllowed):
        value(actor=agent, now=NOW, as_of=AS_OF)


def test_two_dates_valued_at_once_both_stand(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another date is stored between this one's files and its transaction."""
    prepare = jobs._prepare

    def overtaken(*arguments: Any) -> jobs.Prepared:
        prepared = prepare(*arguments)
        monkeypatch.setattr(jobs, "_prepare", prepare)
        valued(date(2024, 9, 30))
        return prepared

    monkeypatch.setattr(jobs, "_prepare", overtaken)
    run = valued()
    other = reads.run_at(date(2024, 9, 30))

    assert other is not None
    assert len(reads.valuations(run)) == run.customers
    assert len(reads.valuations(other)) == other.customers
