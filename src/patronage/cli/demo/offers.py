"""Which offers would the retailer make? Drawn from the coupons that it really issued.

The categories with the most coupons become one offer each. What a customer saves is the median
coupon discount seen on the category's lines; that a redemption costs the company a tenth of it,
since makers reimburse coupons, is an assumption and said to be one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import ibis
import polars as pl

from patronage.access import datasets
from patronage.access.roles import SYSTEM
from patronage.cli.demo_people import TEAMS
from patronage.customize.actions import Proposal, Wording, create_team, propose_offers
from patronage.customize.models import Offer
from patronage.vocabulary.company import Company
from patronage.vocabulary.money import Money

CATEGORIES: Final = 40
#: of these, at least so many answer each need, so that what a customer says can be answered
PER_NEED: Final = 3
#: what a redemption costs the company, as a share of what the customer saves: an assumption
REDEMPTION_SHARE: Final = 0.1
ASSUMPTION: Final = (
    "Assumption: a redemption costs the company a tenth of the face value, since makers "
    "reimburse coupons."
)
#: where the retailer books what it sells nothing of
_NO_CATEGORIES: Final = ("(no category)", "COUPONS/STORE & MFG")
_FRESH_DEPARTMENTS: Final = frozenset(
    {
        "PRODUCE",
        "MEAT",
        "MEAT-PCKGD",
        "SEAFOOD",
        "SEAFOOD-PCKGD",
        "DELI",
        "PASTRY",
        "SALAD BAR",
        "FLORAL",
        "DAIRY DELI",
        "FROZEN GROCERY",
    }
)
_COLD: Final = re.compile(
    r"FRZN|FROZEN|FRZ|ICE CREAM|MILK|CHEESE|YOGURT|EGGS|BUTTER|MARGARINE|REFRGRAT|SOUR CREAM"
)
#: the retailer's abbreviations
_SPELT: Final = {
    "FRZN": "frozen",
    "REFRGRATD": "chilled",
    "DRNKS": "drinks",
    "DRNK": "drink",
    "FLVRD": "flavoured",
    "WTR": "water",
    "BRKFST": "breakfast",
    "WHLSM": "wholesome",
    "FD": "food",
    "TRSH": "trash",
    "BG": "bags",
    "HISPANIC": "hispanic foods",
    "CLEANG": "cleaning",
    "SHERBTS": "sherbets",
}
_WORDS: Final = {
    "mail": "Enclosed is your coupon: save {saving} on {what}.",
    "email": "This month for you: {saving} off {what}. The coupon is in this message.",
    "app": "{saving} off {what}: tap to load the coupon to your card.",
}


def draw() -> pl.DataFrame:
    """Give the categories that had coupons, most coupons first: one query over the history.

    Returns:
        category, department, coupons, face_value_minor (NULL where no coupon was seen on a line),
        starts_at (start of the first campaign).
    """
    products = datasets.read("products")
    # A category stands in several departments; the one with most of its products counts.
    homes = products.group_by("category", "department").aggregate(products=lambda t: t.count())
    first = ibis.row_number().over(
        ibis.window(group_by="category", order_by=[ibis.desc("products"), "department"])
    )
    home = homes.mutate(place=first).filter(lambda t: t.place == 0).drop("place", "products")
    coupons = datasets.read("coupon_products").join(
        products.select("product_id", "category"), "product_id"
    )
    most = (
        coupons.filter(~coupons.category.isin(_NO_CATEGORIES))
        .group_by("category")
        .aggregate(
            coupons=lambda t: t.offer_ref.nunique(),
            starts_at=lambda t: t.starts_at.min(),
        )
    )
    lines = datasets.read("order_lines")
    saved = (
        lines.filter(lines.coupon_discount_minor > 0)
        .join(products.select("product_id", "category"), "product_id")
        .group_by("category")
        .aggregate(face_value_minor=lambda t: t.coupon_discount_minor.median())
    )
    found = most.join(home, "category").left_join(saved, "category").drop("category_right")
    table = datasets.warehouse().polars(found.cast({"starts_at": "timestamp('UTC', 6)"}))
    return table.sort("coupons", "category", descending=[True, False])


def propose(company: Company, now: datetime) -> int:
    """Set up the two product teams and propose their offers; return how many are new."""
    before = Offer.objects.count()
    for team, owner in TEAMS.items():
        create_team(actor=SYSTEM, now=now, name=team, members=[owner])
    propose_offers(actor=SYSTEM, now=now, rows=proposals(draw(), company))
    return Offer.objects.count() - before


def proposals(drawn: pl.DataFrame, company: Company) -> Sequence[Proposal]:
    """Give an offer for each chosen category, with a treatment in every declared channel."""
    needs = [
        _need(category, department, company)
        for category, department in drawn.select("category", "department").iter_rows()
    ]
    ranked = drawn.with_columns(need=pl.Series(needs, dtype=pl.String)).with_row_index("rank")
    needed = ranked.filter(pl.col("need") != "").group_by("need").head(PER_NEED)
    others = ranked.join(needed, on="rank", how="anti").sort("rank")
    chosen = pl.concat([needed.select(ranked.columns), others.head(CATEGORIES - len(needed))])
    # a category whose coupons were never seen on a line saves what is usual
    usual = pl.col("face_value_minor").median()
    filled = chosen.with_columns(pl.col("face_value_minor").fill_null(usual).fill_null(100.0))
    return [_proposal(row, company) for row in filled.sort("rank").iter_rows(named=True)]


def _proposal(row: dict[str, Any], company: Company) -> Proposal:
    category, department, need = row["category"], row["department"], row["need"]
    saves = max(1, round(row["face_value_minor"]))
    saving, what = Money(saves, company.currency).format(), _in_words(category)
    return Proposal(
        ref=f"coupons/{category}",
        team=_team(category, department),
        name=f"{saving} off {what}",
        description=f"Drawn from {row['coupons']} coupons of the retailer. {ASSUMPTION}",
        category=category,
        department=department,
        need=need,
        face_value_minor=saves,
        redemption_cost_minor=round(saves * REDEMPTION_SHARE),
        eligibility=f"said_need IS NULL OR said_need = '{need}'" if need else "said_need IS NULL",
        valid_from=row["starts_at"],
        treatments=[
            Wording(
                channel=channel.name,
                wording=_WORDS.get(channel.name, "{saving} off {what}.").format(
                    saving=saving, what=what
                ),
            )
            for channel in company.channels
        ],
    )


def _in_words(category: str) -> str:
    spelt = [_SPELT.get(word, word) for word in re.split(r"([ /:\\-]+)", category)]
    return re.sub(r"[/:]+", ", ", "".join(spelt)).lower()


def _team(category: str, department: str) -> str:
    fresh, grocery = TEAMS
    return fresh if department in _FRESH_DEPARTMENTS or _COLD.search(category) else grocery


def _need(category: str, department: str, company: Company) -> str:
    """Give the need that the offer answers: by its category first, then by its department."""
    for rule in company.needs:
        if category in rule.categories:
            return rule.name
    for rule in company.needs:
        if department in rule.departments:
            return rule.name
    return ""
