"""What the demonstration's managers say to a few offers before the last decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from patronage.cli.call import act_as
from patronage.customize.actions import rule
from patronage.customize.models import Offer, Ruling
from patronage.govern.models import Portfolio
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

#: from then on the rulings count
FROM: Final = date(2017, 12, 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One manager's word on one offer."""

    portfolio: str
    #: reference of the offer
    offer: str
    effect: str
    reason_code: str
    reason: str
    adaptation: Mapping[str, Any] = field(default_factory=dict)


WORDS: Final = (
    Words(
        portfolio="Top customers, fresh",
        offer="coupons/FRZN MEAT/MEAT DINNERS",
        effect="block",
        reason_code="wrong_customers",
        reason="These customers cook fresh; frozen dinners tell them that we do not know them.",
    ),
    Words(
        portfolio="Top customers, other needs",
        offer="coupons/CHEESE",
        effect="adapt",
        reason_code="channel",
        reason="They read the app, and letters only once a month.",
        adaptation={"channels": ["app", "email"]},
    ),
    Words(
        portfolio="Base",
        offer="coupons/INFANT FORMULA",
        effect="adapt",
        reason_code="price",
        reason="Half the saving is enough here.",
        adaptation={"face_value_minor": 100},
    ),
)


def make(company: Company, now: datetime) -> int:
    """Let each manager rule who has not yet; return how many did."""
    managers = {each.name: each.manager for each in company.portfolios}
    starts_at = BusinessCalendar(company.time_zone).start_of_day(FROM)
    made = 0
    for words in WORDS:
        offer = Offer.objects.get(ref=words.offer)
        portfolio = Portfolio.objects.get(name=words.portfolio)
        if Ruling.objects.filter(offer=offer, portfolio=portfolio, by_default=False).exists():
            continue
        rule(
            actor=act_as(managers[words.portfolio], now),
            now=now,
            offer_id=offer.id,
            portfolio_id=portfolio.id,
            effect=words.effect,
            reason_code=words.reason_code,
            reason=words.reason,
            adaptation=words.adaptation,
            valid_from=starts_at,
        )
        made += 1
    return made
