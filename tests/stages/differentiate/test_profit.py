"""A customer's account: every driver charged once, discounts shown, divisions adding up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.access.company import load_company
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate import reads, registry
from patronage.differentiate.jobs import value
from patronage.differentiate.models import LatestValuation
from patronage.differentiate.reads.divisions import customer_divisions, leading_divisions
from patronage.differentiate.replay import realised
from patronage.differentiate.valuation.divisions import divided
from patronage.differentiate.valuation.keeping import months_kept
from patronage.differentiate.valuation.scoring import Histories, Window, expected_margin
from patronage.identify.models import Customer
from patronage.science.lifetime import ParetoNBD
from patronage.vocabulary.company import CompanyError, parse_company

from .history import COMPANY, NOW, History, commit, line

AS_OF = date(2024, 12, 31)
BOSS = Actor(id="usr_boss", name="Boss", roles=frozenset({Role.EXECUTIVE}))
AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))

COSTS = """
acquisition_cost_minor = 1500
[serving]
per_contact_minor = 70
per_case_minor = 400
per_visit_minor = 15
per_month_minor = 120
[[service_models]]
name = "app"
title = "By app only"
cost_per_basket_minor = 20
per_month_minor = 10
"""


def with_costs(costs: str = COSTS) -> str:
    """The company of these tests with more declared costs; tables go last in TOML."""
    single = "\n".join(line for line in costs.splitlines() if line.startswith("acquisition"))
    return f"{single}\n{COMPANY}\n{costs.replace(single, '')}"


def commit_service(customer_id: str) -> None:
    """Two contacts and one case in the quarter, one contact before, one after the date."""
    whens = [datetime(2024, 10, 5, tzinfo=UTC), datetime(2024, 11, 5, tzinfo=UTC)]
    whens += [datetime(2024, 5, 5, tzinfo=UTC), datetime(2025, 1, 5, 6, tzinfo=UTC)]
    commit(
        "past_contacts",
        pl.DataFrame(
            {
                "customer_id": [customer_id] * 4,
                "campaign_id": ["cmp_1"] * 4,
                "contacted_at": whens,
                "import_id": ["imp_tests"] * 4,
            }
        ),
    )
    commit(
        "cases",
        pl.DataFrame(
            {
                "customer_id": [customer_id],
                "case_id": ["case_1"],
                "opened_at": [whens[1]],
                "import_id": ["imp_tests"],
            }
        ),
    )


# --- the account ----------------------------------------------------------------------------------


def test_every_driver_is_charged_once_and_the_account_adds_up(history: History) -> None:
    load_company(actor=SYSTEM, now=NOW, text=with_costs(), reason="costs")
    customer_id = history.lines.filter(
        pl.col("ordered_at").is_between(
            datetime(2024, 10, 2, tzinfo=UTC), datetime(2024, 12, 30, tzinfo=UTC)
        )
    )["customer_id"].mode()[0]
    commit_service(customer_id)
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)

    account = reads.profit_and_loss(BOSS, customer_id, NOW)
    lines = history.lines.filter(
        (pl.col("customer_id") == customer_id)
        & (pl.col("ordered_at") >= datetime(2024, 10, 1, 4, tzinfo=UTC))
        & (pl.col("ordered_at") < datetime(2025, 1, 1, 5, tzinfo=UTC))
    )
    sales = lines.filter(kind="sale")
    day = pl.col("ordered_at").dt.convert_time_zone("America/New_York").dt.date()
    drivers = {each.driver: each for each in account.serving}

    assert drivers["orders"].count == sales["order_id"].n_unique()
    assert drivers["orders"].amount_minor == 90 * drivers["orders"].count
    assert drivers["visits"].count == sales.select(day).n_unique()
    assert drivers["visits"].amount_minor == 15 * drivers["visits"].count
    assert (drivers["contacts"].count, drivers["contacts"].amount_minor) == (2, 140)
    assert (drivers["cases"].count, drivers["cases"].amount_minor) == (1, 400)
    kept = drivers["months"].count * 120 * 12 / 365
    assert abs(drivers["months"].amount_minor - kept) < 1
    assert sum(each.amount_minor for each in account.serving) == account.cost_to_serve_minor
    assert account.margin_minor == (
        account.revenue_minor - account.cost_of_goods_minor - account.cost_to_serve_minor
    )
    assert account.acquisition_cost_minor in (0, 1500)


def test_months_sum_to_the_companys_to_the_cent(history: History) -> None:
    load_company(actor=SYSTEM, now=NOW, text=with_costs(), reason="costs")
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    rows = reads.valuations(run)
    days = rows.select(pl.min_horizontal(pl.col("age_days") + 1, pl.lit(92.0)).sum()).item()
    exact = days * (120 * 12 * 10**6 // 365) / 10**6
    assert rows["quarter_keeping_minor"].sum() == round(exact)


def test_winning_a_customer_is_charged_in_the_quarter_they_came_and_only_if_known(
    history: History,
) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert reads.valuations(run)["quarter_acquisition_cost_minor"].null_count() == run.customers
    some = LatestValuation.objects.all()[0].customer_id
    assert reads.profit_and_loss(BOSS, some, NOW).profit_minor is None

    load_company(actor=SYSTEM, now=NOW, text=with_costs(), reason="costs")
    panel = reads.valuations(run).filter(pl.col("age_days") < 60)["customer_id"][0]
    Customer.objects.filter(id=panel).update(entry="panel")
    again = reads.valuations(value(actor=SYSTEM, now=NOW, as_of=AS_OF))
    won = again.filter(pl.col("quarter_acquisition_cost_minor") == 1500)
    assert 0 < len(won) < len(again)
    assert (won["age_days"] < 92).all()
    others = again.filter(pl.col("quarter_acquisition_cost_minor") == 0)
    assert (others.filter(pl.col("customer_id") != panel)["age_days"] >= 92).all()
    assert panel in others["customer_id"]


def test_discounts_are_shown_and_not_subtracted_twice(history: History) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    before = reads.valuations(run)
    dear = history.lines.with_columns(
        list_discount_minor=pl.lit(30, pl.Int64), coupon_discount_minor=pl.lit(12, pl.Int64)
    )
    commit("order_lines", dear)
    after = reads.valuations(value(actor=SYSTEM, now=NOW, as_of=AS_OF))

    assert after["value_minor"].to_list() == before["value_minor"].to_list()
    assert after["quarter_sales_minor"].to_list() == before["quarter_sales_minor"].to_list()
    assert before["quarter_discounts_minor"].sum() == 0
    assert after["quarter_discounts_minor"].sum() % 42 == 0
    assert after["quarter_discounts_minor"].sum() > 0


# --- divisions ------------------------------------------------------------------------------------


def test_divisions_sum_to_the_customer_and_the_largest_margin_leads(history: History) -> None:
    load_company(actor=SYSTEM, now=NOW, text=with_costs(), reason="costs")
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    led: dict[str, int] = {}
    for row in LatestValuation.objects.order_by("-quarter_revenue_minor")[:25]:
        found = customer_divisions(BOSS, row.customer_id, NOW)
        account = reads.profit_and_loss(BOSS, row.customer_id, NOW)
        for measure in ("revenue", "cost_of_goods", "cost_to_serve", "margin"):
            total = sum(getattr(each, f"{measure}_minor") for each in found.divisions)
            assert total == getattr(account, f"{measure}_minor"), measure
        assert found.divisions[0].margin_minor == max(x.margin_minor for x in found.divisions)
        assert [each.is_lead for each in found.divisions].count(True) == 1
        assert found.lead is not None
        led[found.lead] = led.get(found.lead, 0) + 1

    everybody = leading_divisions(BOSS, NOW)
    bought = LatestValuation.objects.exclude(quarter_sales_minor=0, quarter_returns_minor=0)
    assert sum(each.leads for each in everybody) == bought.count() < LatestValuation.objects.count()
    total = sum(LatestValuation.objects.values_list("quarter_margin_minor", flat=True))
    assert sum(each.margin_minor for each in everybody) == total
    leads = {each.division: each.leads for each in everybody}
    assert all(leads[name] >= count for name, count in led.items())


def test_a_line_without_product_is_in_a_division_of_its_own_and_not_lost(
    history: History,
) -> None:
    stranger = line(
        history.customer_ids[0], datetime(2024, 11, 1, 15, tzinfo=UTC), 777, product_id="prd_none"
    )
    commit("order_lines", pl.concat([history.lines, stranger], how="diagonal_relaxed"))
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    found = customer_divisions(BOSS, history.customer_ids[0], NOW)
    (unknown,) = [each for each in found.divisions if not each.division]
    assert unknown.revenue_minor == 777


def test_rounding_each_division_alone_loses_cents() -> None:
    """Broken twin: a third of a cent in each of three divisions."""
    earned = pl.DataFrame(
        {
            "customer_id": ["cus_1"] * 3,
            "department": ["A", "B", "C"],
            "revenue_minor": [10, 10, 10],
            "cost_parts": [333_333, 333_333, 333_334],
            "sale_lines": [1, 1, 1],
        }
    )
    customer = pl.DataFrame(
        {"customer_id": ["cus_1"], "cost_of_goods_minor": [1], "cost_to_serve_minor": [100]}
    )
    rows = divided(earned, customer)
    assert rows["cost_of_goods_minor"].sum() == 1
    assert rows["cost_to_serve_minor"].sum() == 100
    assert sum(round(parts / 10**6) for parts in earned["cost_parts"]) == 0


def test_who_may_not_see_profitability_sees_no_division(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    with pytest.raises(NotAllowed):
        customer_divisions(AGENT, history.customer_ids[0], NOW)
    with pytest.raises(NotFound):
        customer_divisions(BOSS, "cus_nobody", NOW)


# --- forward --------------------------------------------------------------------------------------


def test_months_kept_are_those_of_the_closed_form_and_of_a_simulation() -> None:
    """P(alive) ((β+T)/(s-1)) (1 - ((β+T)/(β+T+h))^(s-1)) days, Pareto/NBD, undiscounted."""
    model = ParetoNBD.from_parameters(r=0.6, alpha=70.0, s=1.7, beta=300.0)
    x, t_x, age = np.array([0.0, 4, 30]), np.array([0.0, 200, 350]), np.array([100.0, 300, 360])
    months = months_kept(model, (x, t_x, age), horizon_days=1095, annual_discount_rate=0.0)
    edge = 300.0 + age
    days = edge / 0.7 * (1 - (edge / (edge + 1095)) ** 0.7)
    expected = model.probability_alive(x, t_x, age) * days * 12 / 365
    assert months == pytest.approx(expected, rel=1e-5)

    random = np.random.default_rng(5)
    left = random.exponential(1 / random.gamma(1.7, 1 / edge, (400_000, 3)))
    simulated = np.minimum(left, 1095) * model.probability_alive(x, t_x, age) * 12 / 365
    error = simulated.std(axis=0) / np.sqrt(len(simulated))
    assert (np.abs(months - simulated.mean(axis=0)) < 4 * error).all()


def test_months_of_two_windows_add_up() -> None:
    model = ParetoNBD.from_parameters(r=0.6, alpha=70.0, s=1.7, beta=300.0)
    past = (np.array([4.0]), np.array([200.0]), np.array([300.0]))
    near, far, whole = (
        months_kept(model, past, start_days=start, horizon_days=end, annual_discount_rate=0.1)
        for start, end in ((0, 91), (91, 1095), (0, 1095))
    )
    assert near + far == pytest.approx(whole, rel=1e-9)


def test_what_keeping_costs_is_taken_off_and_nothing_stops_a_value_below_0(
    history: History,
) -> None:
    free = reads.valuations(value(actor=SYSTEM, now=NOW, as_of=AS_OF))
    load_company(actor=SYSTEM, now=NOW, text=with_costs(), reason="costs")
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    rows = reads.valuations(run)
    models = registry.models_of(run.purchase_model, run.spend_model)
    months = months_kept(
        models.purchase,
        (rows["frequency"].to_numpy(), rows["recency_days"], rows["age_days"]),
        horizon_days=1095,
        annual_discount_rate=0.10,
    )
    visits = models.purchase.discounted_expected_purchases(
        rows["frequency"].to_numpy(),
        rows["recency_days"],
        rows["age_days"],
        horizon_days=1095,
        annual_discount_rate=0.10,
    )
    expected = free["value_minor"].to_numpy() - 120 * months - 15 * visits
    assert np.abs(rows["value_minor"].to_numpy() - expected).max() <= 1.0
    assert (rows["value_low_minor"] <= free["value_low_minor"]).all()

    dear = with_costs(COSTS.replace("per_month_minor = 120", "per_month_minor = 9000"))
    load_company(actor=SYSTEM, now=NOW, text=dear, reason="dear")
    below = reads.valuations(value(actor=SYSTEM, now=NOW, as_of=AS_OF))
    assert (below["value_minor"] < 0).sum() > len(below) / 2
    assert (below["expected_margin_minor"] < 0).any()
    assert below["share_of_customer"].null_count() >= (below["value_minor"] <= 0).sum()


def test_a_stretch_without_a_purchase_bears_what_keeping_and_serving_cost_in_it(
    history: History,
) -> None:
    load_company(actor=SYSTEM, now=NOW, text=with_costs(), reason="costs")
    after, until = date(2024, 10, 31), date(2024, 11, 10)
    on = pl.col("ordered_at").dt.convert_time_zone("America/New_York").dt.date()
    there = history.lines.filter(on <= after)["customer_id"]
    busy = history.lines.filter((on > after) & (on <= until))["customer_id"]
    idle = sorted(set(there) - set(busy))[0]
    commit_service(idle)
    closing = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    windows = pl.DataFrame(
        {"key": ["k"], "customer_id": [idle], "after": [after], "until": [until]}
    )

    (row,) = realised(closing, windows).to_dicts()

    months = round(120 * 12 / 365 * 10)
    assert row == {
        "key": "k",
        "realised_revenue_minor": 0,
        "realised_margin_minor": -(70 + 400 + months),
    }


def test_the_frozen_statistics_give_the_frozen_value_again(history: History) -> None:
    text = with_costs()
    load_company(actor=SYSTEM, now=NOW, text=text, reason="costs")
    commit_service(history.customer_ids[3])
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    rows = reads.valuations(run)
    window = Window.of(parse_company(text), AS_OF)
    again = expected_margin(
        Histories.of(rows, 100),
        registry.models_of(run.purchase_model, run.spend_model),
        seen_on=AS_OF,
        after=AS_OF,
        until=AS_OF + timedelta(days=window.horizon_days),
        annual_discount_rate=0.10,
    )
    assert np.rint(again * 100).astype(int).tolist() == rows["value_minor"].to_list()
    helped = rows.filter(customer_id=history.customer_ids[3])
    assert helped["keeping_minor"][0] > rows["keeping_minor"].median()


def test_a_cheaper_service_model_is_worth_what_it_saves(history: History) -> None:
    load_company(actor=SYSTEM, now=NOW, text=with_costs(), reason="costs")
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    rows = reads.valuations(run)
    assert (rows["value_if_converted_minor"] >= rows["value_minor"]).all()
    assert (rows["service_model"] == "app").all()

    cheap = with_costs(COSTS).replace("cost_per_basket_minor = 90", "cost_per_basket_minor = 20")
    cheap = cheap.replace("per_month_minor = 120", "per_month_minor = 10")
    load_company(actor=SYSTEM, now=NOW, text=cheap, reason="everybody by app")
    served = reads.valuations(value(actor=SYSTEM, now=NOW, as_of=AS_OF))
    apart = served["value_minor"].to_numpy() - rows["value_if_converted_minor"].to_numpy()
    assert np.abs(apart).max() <= 1


# --- what may be declared -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[serving]\nper_month_minor = -1", "serving.per_month_minor is -1"),
        ("[serving]\nper_moon_minor = 1", "unknown key 'per_moon_minor'"),
        ("[serving]\nper_case_minor = 1.5", "whole number"),
        ("[look_alikes]\nquantile = 1.0", "look_alikes.quantile"),
        ("[look_alikes]\nsmallest_group = 1", "look_alikes.smallest_group"),
        ("[[provenance]]\nassumption = 'weather'", "none of the assumptions"),
        ("[[provenance]]\nassumption = 'costs'\napproved_on = 'soon'", "not a date"),
        ("[[provenance]]\nassumption = 'costs'\napproved_on = 2026-01-31", "written as text"),
        ("[[service_models]]\nname = 'a'\ntitle = 'A'\nper_visit_minor = -3", "per_visit_minor"),
    ],
)
def test_what_cannot_be_an_assumption_is_refused_by_name(more: str, said: str) -> None:
    with pytest.raises(CompanyError, match=said):
        parse_company(f"{COMPANY}\n{more}\n")


def test_old_files_stay_valid_and_say_that_nobody_approved() -> None:
    company = parse_company(COMPANY)
    assert company.acquisition_cost_minor is None
    assert not company.provenance_of("margins").is_approved
    text = f"{COMPANY}\n[[provenance]]\nassumption = 'margins'\nowner = 'CFO'\n"
    known = parse_company(
        f"{text}approved_by = 'Board'\napproved_on = '2026-01-31'\nsource = 'Plan'\n"
    )
    assert known.provenance_of("margins").is_approved
    assert not parse_company(text).provenance_of("margins").is_approved
