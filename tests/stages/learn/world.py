"""Histories whose true effect is planted: what was decided, who was held out, what they bought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from patronage.access import datasets
from patronage.access.transactions import atomic
from patronage.customize.models import Contact, Decision, DecisionRun, Offer
from patronage.identify.models import Consent, Customer
from patronage.science.arbitration import holdout_arm
from patronage.vocabulary.ids import IdPrefix, new_ids

from ..interact.world import AT, LONG_AGO, SALT, SHARE, World, build, consent

#: acts after the window of 91 days has ended
LATER = datetime(2026, 6, 1, 12, tzinfo=UTC)
#: recorded at the instant decided for, so that its contacts can have had an effect
IN_TIME = AT + timedelta(hours=1)
#: last business date of the window
LAST_DAY = date(2026, 4, 1)
#: share of revenue that is margin in the world's company; it has no cost to serve
MARGIN = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A run of decisions, one a customer."""

    world: World
    run: DecisionRun
    customer_ids: list[str]
    held_out: np.ndarray[tuple[int], np.dtype[np.bool_]]


def decide(
    customers: int,
    *,
    seed: int = 1,
    created_at: datetime = IN_TIME,
    held_out: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None,
) -> Decided:
    """Build the company and a run that chose the first offer for everybody."""
    world = build(customers=0, now=created_at)
    DecisionRun.objects.filter(pk=world.run.pk).update(created_at=created_at)
    world.run.refresh_from_db()
    random = np.random.default_rng(seed)
    ids = [f"cus_{number:022d}" for number in random.permutation(10 * customers)[:customers]]
    arm = holdout_arm(ids, SALT, SHARE) if held_out is None else held_out
    Customer.objects.bulk_create(
        Customer(
            id=each,
            kind="household",
            label=each[-6:],
            entry="acquired",
            entered_at=LONG_AGO,
            created_at=LONG_AGO,
        )
        for each in ids
    )
    Decision.objects.bulk_create(
        (
            Decision(
                run=world.run,
                customer_id=each,
                portfolio=world.portfolio,
                at=AT,
                outcome="withheld" if held else "offered",
                treatment=world.treatments["mail"],
                propensity=1.0,
                held_out=bool(held),
            )
            for each, held in zip(ids, arm, strict=True)
        ),
        batch_size=5000,
    )
    return Decided(world=world, run=world.run, customer_ids=ids, held_out=arm)


def send(decided: Decided, *, reserved_minor: int = 60) -> None:
    """Note a sent contact for every offered decision."""
    offered = list(Decision.objects.filter(run=decided.run, outcome="offered"))
    Consent.objects.bulk_create(
        (consent(each.customer_id, "mail", "given", LONG_AGO) for each in offered), batch_size=5000
    )
    consents = dict(Consent.objects.values_list("customer_id", "id"))
    Contact.objects.bulk_create(
        (
            Contact(
                decision=each,
                customer_id=each.customer_id,
                treatment=decided.world.treatments["mail"],
                channel="mail",
                consent_id=consents[each.customer_id],
                ruling=decided.world.ruling,
                budget=decided.world.budget,
                reserved_minor=reserved_minor,
                cap_month="2026-01",
                cap_place=1,
                due_at=AT,
                state="sent",
                state_at=AT,
                terms={"face_value_minor": 50},
            )
            for each in offered
        ),
        batch_size=5000,
    )


def buy(
    customer_ids: list[str], amounts_minor: list[int], *, at: datetime = AT + timedelta(days=30)
) -> pl.DataFrame:
    """Order lines: one order a customer whose amount is above 0."""
    return (
        pl.DataFrame(
            {
                "customer_id": customer_ids,
                "amount_minor": amounts_minor,
            },
            schema={"customer_id": pl.String, "amount_minor": pl.Int64},
        )
        .filter(pl.col("amount_minor") > 0)
        .select(
            customer_id="customer_id",
            order_id=pl.format("ord_{}_{}", "customer_id", pl.lit(at.isoformat())),
            line_number=pl.lit(1),
            product_id=pl.lit("prd_apples"),
            ordered_at=pl.lit(at),
            quantity=pl.lit(1.0),
            amount_minor="amount_minor",
            currency=pl.lit("USD"),
            kind=pl.lit("sale"),
            import_id=pl.lit("imp_tests"),
        )
    )


def last_order() -> pl.DataFrame:
    """An order by somebody who was not decided, so that the history reaches the window's end."""
    day = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 16, tzinfo=UTC)
    return buy([new_ids(IdPrefix.CUSTOMER, 1)[0]], [100], at=day)


def products(categories: dict[str, str]) -> pl.DataFrame:
    """Products by id, each in a category."""
    return pl.DataFrame(
        {
            "product_id": list(categories),
            "department": ["PRODUCE"] * len(categories),
            "category": list(categories.values()),
            "import_id": ["imp_tests"] * len(categories),
        }
    )


def coupons(covered: dict[str, list[str]]) -> pl.DataFrame:
    """Coupons by reference, each on products."""
    pairs = [(ref, product) for ref, each in covered.items() for product in each]
    return pl.DataFrame(
        {
            "offer_ref": [ref for ref, _ in pairs],
            "campaign_id": ["1"] * len(pairs),
            "product_id": [product for _, product in pairs],
            "starts_at": [LONG_AGO] * len(pairs),
            "ends_at": [LATER] * len(pairs),
            "import_id": ["imp_tests"] * len(pairs),
        }
    )


def redemptions(rows: list[tuple[str, str, datetime]]) -> pl.DataFrame:
    """(customer, coupon, instant) of each."""
    return pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "offer_ref": [row[1] for row in rows],
            "redeemed_at": [row[2] for row in rows],
            "import_id": ["imp_tests"] * len(rows),
        },
        schema={
            "customer_id": pl.String,
            "offer_ref": pl.String,
            "redeemed_at": pl.Datetime("us", "UTC"),
            "import_id": pl.String,
        },
    )


def store(dataset: str, *rows: pl.DataFrame) -> None:
    """Make these rows the committed state of a dataset."""
    with atomic():
        manifest = datasets.warehouse().replace(
            dataset, pl.concat(rows).to_arrow(), base=datasets.head(dataset)
        )
        datasets.commit(dataset=dataset, manifest=manifest, cause="tests", now=LATER)


def offers(decided: Decided) -> list[Offer]:
    """The offers of the run, in its order."""
    found = Offer.objects.in_bulk(decided.run.offers)
    return [found[each] for each in decided.run.offers]
