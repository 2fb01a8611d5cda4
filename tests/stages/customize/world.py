"""A small retailer with portfolios, two product teams, offers, past campaigns and consents.

Shopping is generated as in the valuation's tests; half of the customers were sent coupons, and
took them up the more readily the more they bought of the category. Everything follows from seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from patronage.access.company import current, load_company
from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.customize.actions import Proposal, Wording, create_team, propose_offers
from patronage.customize.models import Offer
from patronage.differentiate.jobs import value
from patronage.govern.actions import set_up_portfolios
from patronage.govern.jobs import assign
from patronage.govern.models import Portfolio
from patronage.identify.actions import create_customers, declare_consents

from ..differentiate.history import NOW, History, commit, generate
from ..remembered import Remembered

AS_OF = date(2024, 12, 31)
#: midnight in New York
END = datetime(2025, 1, 1, 5, tzinfo=UTC)
BEGINNING = datetime(2023, 12, 1, tzinfo=UTC)
PASSWORD = "a long enough phrase"

COMPANY = """
name = "Corner Stores"
time_zone = "America/New_York"
currency = "USD"
default_margin = 0.25
cost_per_basket_minor = 90
holdout_share = 0.10
holdout_salt = "tests"
contacts_per_month = 2
quarterly_budget_minor = {budget}
incrementality_prior = 0.3
fatigue_minor = 1
entry_portfolio = "Everybody else"

[margin_by_department]
PRODUCE = 0.345
GROCERY = 0.2575

[[tiers]]
name = "top"
share = 0.3
[[tiers]]
name = "base"
share = 0.7

[[needs]]
name = "fresh"
title = "Cooks fresh"
departments = ["PRODUCE"]
[[needs]]
name = "family"
title = "Feeds a family"
categories = ["CEREAL"]

[[objectives]]
objective = "grow"
reason = "Room to grow"

[[portfolios]]
name = "Top"
manager = "ana@example.com"
when = "tier = 'top'"
[[portfolios]]
name = "Everybody else"
manager = "ben@example.com"

[[channels]]
name = "mail"
title = "Mail"
cost_minor = 45
[[channels]]
name = "email"
title = "E-mail"
cost_minor = 2
response = 0.7
[[channels]]
name = "app"
title = "App"
cost_minor = 1
response = 0.5
"""

#: category, department, face value, redemption cost, condition, need
CATALOGUE = (
    ("APPLES", "PRODUCE", 100, 10, "said_need IS NULL OR said_need = 'fresh'", "fresh"),
    ("CEREAL", "GROCERY", 150, 15, "said_need IS NULL OR said_need = 'family'", "family"),
    ("SOAP", "HOUSEHOLD", 120, 12, "said_need IS NULL", ""),
    ("TINS", "GROCERY", 80, 8, "said_need IS NULL AND orders_90d >= 1", ""),
)

_GENERATED = generate(customers=160)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who and what there is."""

    history: History
    #: by name
    portfolios: dict[str, Portfolio]
    #: by category
    offers: dict[str, Offer]
    ana: Actor
    ben: Actor
    #: offer owner of the team "Fresh"
    olga: Actor
    #: offer owner of the team "Dry"
    omar: Actor
    agent: Actor
    service: Actor

    @property
    def customers(self) -> list[str]:
        """Those who had come by the as-of date."""
        seen = self.history.lines.filter(pl.col("ordered_at") < END)
        return seen["customer_id"].unique().sort().to_list()


def build(*, budget: int = 100_000, contacts: bool = True) -> World:
    """Set up everything up to valuation and assignment as of `AS_OF`; once a process each way."""
    made = partial(_made, budget=budget, contacts=contacts)
    return _BUILT.setdefault((budget, contacts), Remembered(made))()


_BUILT: Final[dict[tuple[int, bool], Remembered[World]]] = {}


def _made(*, budget: int, contacts: bool) -> World:
    load_company(actor=SYSTEM, now=NOW, text=COMPANY.format(budget=budget), reason="tests")
    people = {name: person(name, role) for name, role in _PEOPLE.items()}
    company = current().company
    set_up_portfolios(actor=SYSTEM, now=NOW, company=company, starts_at=BEGINNING)
    enter(_GENERATED)
    commit("products", _GENERATED.products)
    commit("order_lines", _GENERATED.lines)
    if contacts:
        store_campaigns(_GENERATED)
    declare_consents(
        actor=SYSTEM,
        now=NOW,
        purpose="marketing",
        channels=["mail", "email", "app"],
        source="agreed at the first visit",
        valid_from=BEGINNING,
    )
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assign(actor=SYSTEM, now=NOW, as_of=AS_OF, run=run)
    return World(
        history=_GENERATED,
        portfolios={each.name: each for each in Portfolio.objects.all()},
        offers=propose(people),
        **{name: actor(user, _PEOPLE[name]) for name, user in people.items()},
    )


_PEOPLE = {
    "ana": Role.MANAGER,
    "ben": Role.MANAGER,
    "olga": Role.OFFER_OWNER,
    "omar": Role.OFFER_OWNER,
    "agent": Role.AGENT,
    "service": Role.SERVICE,
}


def person(name: str, role: Role) -> User:
    return create_user(
        actor=SYSTEM,
        now=BEGINNING,
        email=f"{name}@example.com",
        name=name.title(),
        password=PASSWORD,
        roles=[role],
        reason="tests",
    )


def actor(user: User, role: Role) -> Actor:
    return Actor(id=user.id, name=user.name, roles=frozenset({role}))


def enter(history: History) -> None:
    """Create the customers as of their first purchase."""
    first = (
        history.lines.group_by("customer_id").agg(pl.col("ordered_at").min()).sort("customer_id")
    )
    ids = first["customer_id"].to_list()
    count = len(ids)
    create_customers(
        actor=SYSTEM,
        now=NOW,
        rows=pa.table(
            {
                "customer_id": ids,
                "source_kind": ["household_id"] * count,
                "source_value": ids,
                "kind": ["household"] * count,
                "label": [f"Household {each[-4:]}" for each in ids],
                "entry": ["acquired"] * count,
                "entered_at": first["ordered_at"].to_list(),
            }
        ),
    )


def proposal(category: str, **changes: object) -> Proposal:
    """What the catalogue offers on a category."""
    (row,) = [each for each in CATALOGUE if each[0] == category]
    _, department, face, cost, condition, need = row
    content: dict[str, object] = {
        "ref": f"{category.lower()}-2024",
        "team": "Fresh" if department == "PRODUCE" else "Dry",
        "name": f"Save on {category.lower()}",
        "category": category,
        "department": department,
        "face_value_minor": face,
        "redemption_cost_minor": cost,
        "eligibility": condition,
        "need": need,
        "valid_from": BEGINNING,
        "treatments": [
            Wording(channel=channel, wording=f"Save on {category.lower()} ({channel})")
            for channel in ("mail", "email", "app")
        ],
    }
    return Proposal(**(content | changes))  # type: ignore[arg-type]  # a test's own columns


def propose(people: dict[str, User]) -> dict[str, Offer]:
    create_team(actor=SYSTEM, now=NOW, name="Fresh", members=[people["olga"].email])
    create_team(actor=SYSTEM, now=NOW, name="Dry", members=[people["omar"].email])
    rows = [proposal(row[0]) for row in CATALOGUE]
    offers = propose_offers(actor=SYSTEM, now=NOW, rows=rows)
    return {offer.category: offer for offer in offers}


def store_campaigns(history: History, *, seed: int = 3) -> None:
    """Two campaigns to half of the customers, one coupon a category, and what came of them."""
    random = np.random.default_rng(seed)
    sent = np.array(history.customer_ids)[random.random(len(history.customer_ids)) < 0.5]
    starts = [datetime(2024, month, 1, 4, tzinfo=UTC) for month in (5, 9)]
    contacts = [(who, f"cmp_{place}", at) for place, at in enumerate(starts) for who in sent]
    commit(
        "past_contacts",
        pl.DataFrame(
            {
                "customer_id": [row[0] for row in contacts],
                "campaign_id": [row[1] for row in contacts],
                "contacted_at": [row[2] for row in contacts],
                "ended_at": [row[2] + timedelta(days=45) for row in contacts],
                "import_id": ["imp_tests"] * len(contacts),
            }
        ),
    )
    products = history.products.select("product_id", "category")
    pairs = products.join(pl.DataFrame({"place": range(len(starts))}), how="cross")
    commit(
        "coupon_products",
        pairs.select(
            offer_ref=pl.format("coupon_{}_{}", "place", "category"),
            campaign_id=pl.format("cmp_{}", "place"),
            product_id="product_id",
            starts_at=pl.lit(starts[0]),
            ends_at=pl.lit(starts[-1] + timedelta(days=45)),
            import_id=pl.lit("imp_tests"),
        ),
    )
    commit("redemptions", _redemptions(history, contacts, random))


def _redemptions(
    history: History, contacts: list[tuple[str, str, datetime]], random: np.random.Generator
) -> pl.DataFrame:
    categories = sorted({row[0] for row in CATALOGUE})
    offered = pl.DataFrame(
        {
            "customer_id": [row[0] for row in contacts for _ in categories],
            "campaign_id": [row[1] for row in contacts for _ in categories],
            "contacted_at": [row[2] for row in contacts for _ in categories],
            "category": categories * len(contacts),
        }
    )
    bought = (
        history.lines.join(history.products.select("product_id", "category"), on="product_id")
        .select("customer_id", "category", "ordered_at", "order_id")
        .unique()
    )
    counted = (
        offered.join(bought, on=["customer_id", "category"], how="left")
        .with_columns(
            recent=(pl.col("ordered_at") < pl.col("contacted_at"))
            & (pl.col("ordered_at") >= pl.col("contacted_at") - timedelta(days=90))
        )
        .group_by("customer_id", "campaign_id", "contacted_at", "category")
        .agg(pl.col("recent").sum().fill_null(0))
        .sort("customer_id", "campaign_id", "category")
    )
    chance = 0.03 + 0.05 * np.minimum(counted["recent"].to_numpy(), 8)
    taken = counted.filter(pl.Series(random.random(len(counted)) < chance))
    return taken.select(
        customer_id="customer_id",
        offer_ref=pl.format("coupon_{}_{}", pl.col("campaign_id").str.slice(4), "category"),
        campaign_id="campaign_id",
        redeemed_at=pl.col("contacted_at") + timedelta(days=5),
        import_id=pl.lit("imp_tests"),
    )
