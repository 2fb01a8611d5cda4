"""Builds a small company with contacts that wait to be sent, row by row.

Every row is written here, not by the stages under test below: a contact that should not go out
can be had by changing one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from patronage.access.company import load_company
from patronage.access.models import CompanyVersion, User
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.customize.models import (
    Budget,
    Contact,
    Decision,
    DecisionRun,
    Holdout,
    Offer,
    ProductTeam,
    Ruling,
    Treatment,
)
from patronage.differentiate.models import ModelVersion, ValuationRun
from patronage.govern.models import Accountability, Membership, Portfolio, Standing
from patronage.identify.models import Consent, Customer, Identifier
from patronage.science.arbitration import holdout_arm
from patronage.vocabulary.ids import IdPrefix, new_ids

#: instant decided for: the end of 2025 in New York
AT = datetime(2026, 1, 1, 5, tzinfo=UTC)
AS_OF = date(2025, 12, 31)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CHANNELS = ("mail", "email")
RESERVED = 60
SALT = "world"
SHARE = 0.1

COMPANY = """
name = "Corner Stores"
time_zone = "America/New_York"
currency = "USD"
default_margin = 0.25
holdout_salt = "world"
holdout_share = 0.1
contacts_per_month = 2
quarterly_budget_minor = 1000000
entry_portfolio = "Everybody"

[[tiers]]
name = "all"
share = 1.0
[[needs]]
name = "fresh"
title = "Cooks fresh"
departments = ["PRODUCE"]
[[objectives]]
objective = "grow"
reason = "Room to grow"
[[portfolios]]
name = "Everybody"
manager = "ana@example.com"
[[channels]]
name = "mail"
title = "Mail"
cost_minor = 45
[[channels]]
name = "email"
title = "E-mail"
cost_minor = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What was built."""

    version: CompanyVersion
    manager: User
    portfolio: Portfolio
    team: ProductTeam
    offer: Offer
    treatments: dict[str, Treatment]
    ruling: Ruling
    budget: Budget
    run: DecisionRun
    customer_ids: list[str]

    @property
    def agent(self) -> Actor:
        """Somebody with a caller on the line."""
        return Actor(id="usr_agent", name="Gil Agent", roles=frozenset({Role.AGENT}))

    @property
    def managing(self) -> Actor:
        """The manager, acting."""
        return Actor(id=self.manager.id, name=self.manager.name, roles=frozenset({Role.MANAGER}))


def build(*, customers: int = 20, now: datetime) -> World:
    """Build the company with one contact a customer, by mail and by e-mail in turn."""
    version = load_company(actor=SYSTEM, now=now, text=COMPANY, reason="tests")
    manager = User.objects.create(email="ana@example.com", name="Ana", created_at=now)
    portfolio = Portfolio.objects.create(
        name="Everybody", default_ruling="allow", position=0, created_at=LONG_AGO
    )
    Accountability.objects.create(
        portfolio=portfolio,
        manager=manager,
        starts_at=LONG_AGO,
        reason="first",
        actor_id="system",
        recorded_at=LONG_AGO,
    )
    Holdout.objects.create(name="universal", salt=SALT, share=SHARE, starts_at=LONG_AGO)
    team = ProductTeam.objects.create(name="Fresh")
    offer = add_offer(team, "apples")
    world = World(
        version=version,
        manager=manager,
        portfolio=portfolio,
        team=team,
        offer=offer,
        treatments={each.channel: each for each in offer.treatments.all()},
        ruling=rule(offer, portfolio, "allow", LONG_AGO),
        budget=Budget.objects.create(period="2026-Q1", amount_minor=1_000_000_000, currency="USD"),
        run=add_run(version, AS_OF, offers=[offer.id], created_at=now),
        customer_ids=customer_ids(customers, held_out=False),
    )
    add_customers(world.customer_ids, portfolio)
    add_contacts(world, world.customer_ids)
    return world


def customer_ids(count: int, *, held_out: bool) -> list[str]:
    """Ids of customers who are, or are not, in the holdout."""
    drawn = new_ids(IdPrefix.CUSTOMER, max(200, 15 * count if held_out else 2 * count))
    arm = holdout_arm(drawn, SALT, SHARE)
    return sorted(each for each, held in zip(drawn, arm, strict=True) if held == held_out)[:count]


def add_customers(ids: list[str], portfolio: Portfolio) -> None:
    """Put customers on record: known, in the portfolio, and agreeing to every channel."""
    Customer.objects.bulk_create(
        Customer(
            id=each,
            kind="household",
            label=f"Household {number}",
            entry="acquired",
            entered_at=LONG_AGO,
            created_at=LONG_AGO,
        )
        for number, each in enumerate(ids)
    )
    Identifier.objects.bulk_create(
        Identifier(customer_id=each, kind="household_id", value=each[-8:], recorded_at=LONG_AGO)
        for each in ids
    )
    Membership.objects.bulk_create(
        Membership(
            customer_id=each,
            portfolio=portfolio,
            starts_at=LONG_AGO,
            cause="entry",
            reason="first",
            actor_id="system",
            recorded_at=LONG_AGO,
        )
        for each in ids
    )
    Standing.objects.bulk_create(
        Standing(customer_id=each, portfolio=portfolio, label=f"Household {number}")
        for number, each in enumerate(ids)
    )
    Consent.objects.bulk_create(
        consent(each, channel, "given", LONG_AGO) for each in ids for channel in CHANNELS
    )


def consent(customer_id: str, channel: str, state: str, at: datetime) -> Consent:
    """A consent row that is not saved yet."""
    return Consent(
        customer_id=customer_id,
        purpose="marketing",
        channel=channel,
        state=state,
        source="tests",
        valid_from=at,
        recorded_at=at,
        actor_id="system",
    )


def add_offer(team: ProductTeam, category: str, *, ref: str = "") -> Offer:
    """An offer with a treatment in each channel."""
    offer = Offer.objects.create(
        ref=ref or category,
        team=team,
        name=f"Half off {category}",
        category=category.upper(),
        department="PRODUCE",
        face_value_minor=100,
        redemption_cost_minor=10,
        currency="USD",
        valid_from=LONG_AGO,
        proposed_by="system",
        proposed_at=LONG_AGO,
    )
    Treatment.objects.bulk_create(
        Treatment(offer=offer, channel=channel, wording=f"Try {category}", cost_minor=cost)
        for channel, cost in zip(CHANNELS, (45, 1), strict=True)
    )
    return offer


def rule(
    offer: Offer,
    portfolio: Portfolio,
    effect: str,
    at: datetime,
    adaptation: dict[str, object] | None = None,
) -> Ruling:
    """A ruling from an instant on."""
    return Ruling.objects.create(
        offer=offer,
        portfolio=portfolio,
        effect=effect,
        adaptation=adaptation or {},
        by_default=False,
        reason_code="tests",
        valid_from=at,
        recorded_at=at,
        actor_id="system",
        actor_name="System",
    )


def add_run(
    version: CompanyVersion, as_of: date, *, offers: list[str], created_at: datetime
) -> DecisionRun:
    """A decision run with all that it refers to."""
    models = [
        ModelVersion.objects.create(
            kind=kind,
            name=kind,
            as_of=as_of,
            parameters={},
            converged=True,
            customers=1,
            fitted_at=created_at,
        )
        for kind in ("purchase", "spend", "response")
    ]
    valuation = ValuationRun.objects.create(
        as_of=as_of,
        input_digest=f"valuation {as_of}",
        purchase_model=models[0],
        spend_model=models[1],
        company_version=version,
        horizon_days=1095,
        history_days=365,
        customers=0,
        total_minor=0,
        currency="USD",
        manifest=1,
        order_lines_manifest=1,
        created_at=created_at,
    )
    budget, _ = Budget.objects.get_or_create(
        period=f"after {as_of}", defaults={"amount_minor": 1_000_000, "currency": "USD"}
    )
    return DecisionRun.objects.create(
        as_of=as_of,
        input_digest=f"decisions {as_of}",
        company_version=version,
        valuation_run=valuation,
        response_model=models[2],
        budget=budget,
        policy_digest="tests",
        offers=offers,
        prices={},
        certificate={},
        counts={},
        manifest=1,
        created_at=created_at,
    )


def add_contacts(world: World, ids: list[str], *, place: int = 1) -> list[Contact]:
    """A decision and a queued contact for each customer, its budget reserved."""
    budget = world.budget
    decisions = Decision.objects.bulk_create(
        Decision(
            run=world.run if place == 1 else None,
            customer_id=each,
            portfolio=world.portfolio,
            at=AT,
            outcome="offered",
            treatment=world.treatments[CHANNELS[number % 2]],
            score_minor=10.0,
            propensity=1.0,
            held_out=False,
        )
        for number, each in enumerate(ids)
    )
    consents = {
        (each.customer_id, each.channel): each for each in Consent.objects.filter(customer__in=ids)
    }
    contacts = Contact.objects.bulk_create(
        Contact(
            decision=decision,
            customer_id=decision.customer_id,
            treatment=world.treatments[CHANNELS[number % 2]],
            channel=CHANNELS[number % 2],
            consent=consents[decision.customer_id, CHANNELS[number % 2]],
            ruling=world.ruling,
            budget=budget,
            reserved_minor=RESERVED,
            cap_month="2026-01",
            cap_place=place,
            due_at=AT,
            terms={"face_value_minor": 100, "wording": "Try apples"},
            state_at=AT,
        )
        for number, decision in enumerate(decisions)
    )
    budget.refresh_from_db()
    budget.reserved_minor += RESERVED * len(contacts)
    budget.save()
    return contacts
