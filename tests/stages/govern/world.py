"""Builds a small company: people, portfolios, customers, and valuations with chosen figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
import pyarrow as pa

from patronage.access import datasets
from patronage.access.company import current, load_company
from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.transactions import atomic
from patronage.differentiate.models import ModelVersion, ValuationRun
from patronage.differentiate.projection import project
from patronage.govern.actions import set_up_portfolios
from patronage.govern.models import Portfolio
from patronage.identify.actions import create_customers

#: before this, nobody answers for anybody
START = datetime(2025, 1, 1, 5, tzinfo=UTC)
#: when the tests' customers first came
ENTERED = datetime(2025, 2, 1, 12, tzinfo=UTC)

COMPANY = """
name = "Corner Stores"
time_zone = "America/New_York"
currency = "USD"
default_margin = 0.25
holdout_salt = "tests"
quarterly_budget_minor = 100000
entry_portfolio = "New"

[[tiers]]
name = "top"
share = 0.2
[[tiers]]
name = "middle"
share = 0.3
[[tiers]]
name = "base"
share = 0.5

[[objectives]]
objective = "grow"
reason = "Room to grow"

[[portfolios]]
name = "Top, fresh"
manager = "ana@example.com"
when = "tier = 'top' AND need = 'fresh'"
[[portfolios]]
name = "Top"
manager = "ben@example.com"
when = "tier = 'top'"
[[portfolios]]
name = "Rest"
manager = "cho@example.com"
when = "tier IN ('middle', 'base')"
default_ruling = "block"
[[portfolios]]
name = "New"
manager = "dev@example.com"

[[channels]]
name = "mail"
title = "Mail"
cost_minor = 45
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the tests act in."""

    now: datetime
    #: portfolio ids by name
    portfolios: dict[str, str]
    #: people by first name: ana, ben, cho, dev (managers), eve (executive), gus (agent)
    people: dict[str, User]

    def actor(self, name: str) -> Actor:
        user = self.people[name]
        roles = {"eve": Role.EXECUTIVE, "gus": Role.AGENT}
        return Actor(id=user.id, name=user.name, roles=frozenset({roles.get(name, Role.MANAGER)}))


def build(now: datetime) -> World:
    """Declare the company, add its people, set up its portfolios."""
    load_company(actor=SYSTEM, now=now, text=COMPANY, reason="tests")
    people = {name: add_person(name, Role.MANAGER, now) for name in ("ana", "ben", "cho", "dev")}
    people["eve"] = add_person("eve", Role.EXECUTIVE, now)
    people["gus"] = add_person("gus", Role.AGENT, now)
    made = set_up_portfolios(actor=SYSTEM, now=now, company=current().company, starts_at=START)
    return World(now=now, portfolios={each.name: each.id for each in made}, people=people)


def add_person(name: str, role: Role, now: datetime) -> User:
    """Add a person who holds one role."""
    return create_user(
        actor=SYSTEM,
        now=now,
        email=f"{name}@example.com",
        name=name.title(),
        password="a long enough phrase",
        roles=[role],
        reason="tests",
    )


def add_customers(
    count: int, now: datetime, *, entered_at: datetime = ENTERED, first: int = 0
) -> list[str]:
    """Create customers through identify, so that they enter as they do in the product."""
    numbers = range(first, first + count)
    rows = pa.table(
        {
            "source_kind": ["card"] * count,
            "source_value": [f"card-{number:07d}" for number in numbers],
            "kind": ["household"] * count,
            "label": [f"Household {number:07d}" for number in numbers],
            "entry": ["acquired"] * count,
            "entered_at": pa.array([entered_at] * count, pa.timestamp("us", "UTC")),
        }
    )
    made = create_customers(actor=SYSTEM, now=now, rows=rows)
    ids: list[str] = made["customer_id"].to_pylist()
    return ids


def value(figures: pl.DataFrame, *, as_of: date, now: datetime, digest: str = "1") -> ValuationRun:
    """Store a valuation with these figures, as the job of differentiate would.

    Args:
        figures: `customer_id`, `value_minor`, `probability`, `tier` and `need` (NULL for none).
    """
    model = ModelVersion.objects.create(
        kind="purchase",
        name="chosen",
        as_of=as_of,
        parameters={},
        converged=True,
        customers=len(figures),
        fitted_at=now,
    )
    run = ValuationRun(
        as_of=as_of,
        input_digest=f"{as_of}-{digest}",
        purchase_model=model,
        spend_model=model,
        company_version=current().version,
        horizon_days=1095,
        history_days=365,
        customers=len(figures),
        total_minor=int(figures["value_minor"].sum()),
        currency="USD",
        manifest=0,
        order_lines_manifest=0,
        created_at=now,
    )
    with atomic():
        manifest = datasets.warehouse().append(
            "valuations", _valuations(figures, run).to_arrow(), base=datasets.head("valuations")
        )
        datasets.commit(dataset="valuations", manifest=manifest, cause=run.id, now=now)
        run.manifest = manifest.number
        run.save(force_insert=True)
        project(_appraised(figures), run)
    return run


def _valuations(figures: pl.DataFrame, run: ValuationRun) -> pl.DataFrame:
    money = pl.col("value_minor")
    return figures.select(
        "customer_id",
        as_of=pl.lit(run.as_of),
        run_id=pl.lit(run.id),
        model_version=pl.lit(run.purchase_model_id),
        value_minor=money,
        value_low_minor=money,
        value_high_minor=money,
        currency=pl.lit("USD"),
        probability_alive=pl.lit(0.9),
        probability_of_purchase="probability",
        expected_margin_minor=pl.lit(0, pl.Int64),
        expected_purchases=pl.lit(1.0),
        tier="tier",
        objective=pl.lit("grow"),
        need="need",
        frequency=pl.lit(3, pl.Int32),
        recency_days=pl.lit(80.0),
        age_days=pl.lit(100.0),
        orders_90d=pl.lit(3, pl.Int32),
        quarter_sales_minor=pl.lit(0, pl.Int64),
        quarter_returns_minor=pl.lit(0, pl.Int64),
        quarter_cost_of_goods_minor=pl.lit(0, pl.Int64),
        quarter_cost_to_serve_minor=pl.lit(0, pl.Int64),
        quarter_baskets=pl.lit(0, pl.Int32),
    )


def _appraised(figures: pl.DataFrame) -> pl.DataFrame:
    zero = pl.lit(0, pl.Int64)
    money = pl.col("value_minor")
    zeros: Sequence[str] = (
        "expected_margin_minor",
        "revenue_minor",
        "margin_minor",
        "sales_minor",
        "returns_minor",
        "cost_of_goods_minor",
        "cost_to_serve_minor",
        "period_baskets",
        "discounts_minor",
        "period_visits",
        "period_contacts",
        "period_cases",
        "keeping_cost_minor",
    )
    unknown: Sequence[str] = (
        "acquisition_cost_minor",
        "potential_minor",
        "share_of_customer",
        "value_if_converted_minor",
    )
    return figures.select(
        "customer_id",
        value_minor=money,
        value_low_minor=money,
        value_high_minor=money,
        probability_alive=pl.lit(0.9),
        probability_of_purchase="probability",
        expected_purchases=pl.lit(1.0),
        tier="tier",
        need="need",
        objective=pl.lit("grow"),
        objective_reason=pl.lit("Room to grow"),
        objective_since=pl.lit(date(2024, 1, 1)),
        objective_asked=pl.lit("grow"),
        objective_asked_times=pl.lit(1, pl.Int32),
        service_model=pl.lit(None, pl.String),
        **dict.fromkeys(unknown, pl.lit(None, pl.Int64)),
        orders_90d=pl.lit(3, pl.Int64),
        days_since_purchase=pl.lit(20, pl.Int64),
        age_days=pl.lit(100.0),
        **dict.fromkeys(zeros, zero),
    )


def figures(rows: Sequence[tuple[str, int, str, str | None]]) -> pl.DataFrame:
    """Give the frame that `value` takes from (customer, value, tier, need); P(buys) is 0.75."""
    schema = {
        "customer_id": pl.String,
        "value_minor": pl.Int64,
        "tier": pl.String,
        "need": pl.String,
    }
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_columns(probability=pl.lit(0.75))


def portfolio_named(name: str) -> Portfolio:
    return Portfolio.objects.get(name=name)
