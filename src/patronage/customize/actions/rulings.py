"""What a manager may do at the gate: allow, adapt or block each offer, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from django.db import IntegrityError

from patronage.access import audit
from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.access.scope import scope_of
from patronage.access.transactions import atomic
from patronage.customize import stakes
from patronage.customize.actions.offers import LONGEST_WORDING
from patronage.customize.errors import RulingRefused
from patronage.customize.models import Offer, Ruling
from patronage.customize.policy import Terms
from patronage.govern.models import Portfolio
from patronage.vocabulary.periods import as_utc

EFFECTS: Final = ("allow", "adapt", "block")

#: Why a manager rules as they do; the offer's owner sees the words.
REASONS: Final = MappingProxyType(
    {
        "fits": "It fits what these customers need.",
        "too_many_contacts": "These customers hear from us often enough.",
        "wrong_customers": "It does not suit these customers.",
        "price": "The saving is too high for what it brings.",
        "channel": "It does not belong in this channel for these customers.",
        "wording": "It has to be said in another way.",
        "timing": "It comes at the wrong time.",
        "better_offer": "Another offer serves these customers better.",
        "quality": "The product or its supply is not good enough at the moment.",
        "other": "As described.",
    }
)
_LONGEST_REASON: Final = 400
_ADAPTABLE: Final = ("face_value_minor", "channels", "wording", "not_before")


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingPreview:
    """What a ruling would cost, before it is made; None where the last run does not say."""

    effect: str
    #: customers of the portfolio for whom the offer would have been worth making
    customers: int | None
    #: best achievable without the ruling less with it
    forgone_minor: int | None
    #: the offer's own positive scores that it stops
    gross_forgone_minor: int | None


def rule(
    *,
    actor: Actor,
    now: datetime,
    offer_id: str,
    portfolio_id: str,
    effect: str,
    reason_code: str,
    reason: str = "",
    adaptation: Mapping[str, Any] | None = None,
    valid_from: datetime | None = None,
) -> Ruling:
    """Rule on an offer for a portfolio; the ruling before it stays on record.

    Args:
        effect: "allow", "adapt" or "block".
        reason_code: one of `REASONS`.
        adaptation: for "adapt": any of `face_value_minor` (at most the proposed one), `channels`,
            `wording` and `not_before` (ISO date).
        valid_from: from when on it counts, at most now; None: now.

    Raises:
        NotAllowed: the actor does not rule on offers.
        NotFound: there is no such offer, or the actor does not answer for the portfolio.
        RulingRefused: effect, reason or adaptation cannot be used.
    """
    actor.require(Right.RULE)
    starts = now if valid_from is None else as_utc(valid_from)
    if starts > now:
        raise RulingRefused(
            f"A ruling counts from now or earlier, found {starts:%Y-%m-%d %H:%M} UTC. "
            "To delay the offer itself, adapt it with `not_before`."
        )
    _check_reason(reason_code, reason)
    with atomic():
        offer, portfolio = _pair(actor, now, offer_id, portfolio_id)
        terms = _checked_terms(offer, effect, adaptation or {})
        preview = _preview(offer, portfolio, terms, now)
        ruling = Ruling(
            offer=offer,
            portfolio=portfolio,
            effect=effect,
            adaptation=dict(adaptation or {}),
            by_default=False,
            reason_code=reason_code,
            reason=reason,
            forgone_minor=preview.forgone_minor,
            gross_forgone_minor=preview.gross_forgone_minor,
            valid_from=starts,
            recorded_at=now,
            actor_id=actor.id,
            actor_name=actor.name,
        )
        _record(ruling, actor, now)
    return ruling


def _record(ruling: Ruling, actor: Actor, now: datetime) -> None:
    earlier = Ruling.objects.filter(
        offer=ruling.offer, portfolio=ruling.portfolio, valid_from__lte=ruling.valid_from
    )
    replaced = earlier.order_by("by_default", "-valid_from", "-recorded_at").first()
    try:
        with atomic():
            ruling.save(force_insert=True)
    except IntegrityError as error:
        raise RulingRefused(
            "The offer was ruled on a moment ago. Look at it again before ruling anew."
        ) from error
    audit.record(
        actor=actor,
        now=now,
        action="rule on offer",
        subject_kind="offer",
        subject_id=ruling.offer_id,
        right=Right.RULE,
        reason=ruling.reason or REASONS[ruling.reason_code],
        before={} if replaced is None else _content(replaced),
        change=_content(ruling),
    )


def _content(ruling: Ruling) -> dict[str, Any]:
    return {
        "ruling": ruling.id,
        "portfolio": ruling.portfolio_id,
        "effect": ruling.effect,
        "adaptation": ruling.adaptation,
        "forgone_minor": ruling.forgone_minor,
    }


def preview_ruling(
    *,
    actor: Actor,
    now: datetime,
    offer_id: str,
    portfolio_id: str,
    effect: str,
    adaptation: Mapping[str, Any] | None = None,
) -> RulingPreview:
    """Say what a ruling would cost, without making it.

    Raises:
        NotFound: there is no such offer, or the actor does not answer for the portfolio.
        RulingRefused: effect or adaptation cannot be used.
    """
    actor.require(Right.RULE)
    offer, portfolio = _pair(actor, now, offer_id, portfolio_id)
    return _preview(offer, portfolio, _checked_terms(offer, effect, adaptation or {}), now)


def _preview(offer: Offer, portfolio: Portfolio, terms: Terms, now: datetime) -> RulingPreview:
    stake = stakes.of_ruling(offer, portfolio.id, terms, now)
    if stake is None:
        return RulingPreview(
            effect=terms.effect, customers=None, forgone_minor=None, gross_forgone_minor=None
        )
    return RulingPreview(
        effect=terms.effect,
        customers=stake.customers,
        forgone_minor=round(stake.net_minor),
        gross_forgone_minor=round(stake.gross_minor),
    )


def _pair(actor: Actor, now: datetime, offer_id: str, portfolio_id: str) -> tuple[Offer, Portfolio]:
    if actor.id != SYSTEM_ID and portfolio_id not in scope_of(actor, now).portfolio_ids:
        raise NotFound(noun="portfolio", id=portfolio_id)
    portfolio = Portfolio.objects.filter(id=portfolio_id).first()
    if portfolio is None:
        raise NotFound(noun="portfolio", id=portfolio_id)
    offer = Offer.objects.filter(id=offer_id).first()
    if offer is None:
        raise NotFound(noun="offer", id=offer_id)
    return offer, portfolio


def _check_reason(code: str, words: str) -> None:
    if code not in REASONS:
        raise RulingRefused(f"{code!r:.60} is none of the reasons ({', '.join(REASONS)}).")
    if len(words) > _LONGEST_REASON or "\x00" in words:
        raise RulingRefused(f"The reason has at most {_LONGEST_REASON} characters.")
    if code == "other" and not words.strip():
        raise RulingRefused("Describe the reason: the offer's owner reads it.")


def _checked_terms(offer: Offer, effect: str, adaptation: Mapping[str, Any]) -> Terms:
    if effect not in EFFECTS:
        raise RulingRefused(f"{effect!r:.40} is no effect. Use {', '.join(EFFECTS)}.")
    if effect != "adapt":
        if adaptation:
            raise RulingRefused(f"To {effect} an offer is not to change it: leave the changes out.")
        return Terms(effect=effect)
    if not adaptation:
        raise RulingRefused(f"Say what is adapted: {', '.join(_ADAPTABLE)}.")
    unknown = sorted(set(adaptation) - set(_ADAPTABLE))
    if unknown:
        raise RulingRefused(
            f"{unknown[0]!r:.60} cannot be adapted. Change {', '.join(_ADAPTABLE)}."
        )
    for name, check in _CHECKS.items():
        if name in adaptation:
            check(offer, adaptation[name])
    return Terms.of(effect, adaptation)


def _check_face_value(offer: Offer, value: object) -> None:
    if type(value) is not int or not 0 <= value <= offer.face_value_minor:
        raise RulingRefused(
            f"The saving is a whole number of minor units from 0 to {offer.face_value_minor}, "
            f"which the owner proposed; found {value!r:.40}."
        )


def _check_channels(offer: Offer, value: object) -> None:
    there = sorted(offer.treatments.values_list("channel", flat=True))
    if (
        not isinstance(value, list)
        or not value
        or any(each not in there for each in value)
        or len(set(value)) < len(value)
    ):
        raise RulingRefused(
            f"Name some of the offer's channels ({', '.join(there)}), each once; "
            f"found {value!r:.80}. To stop all of them, block the offer."
        )


def _check_wording(_offer: Offer, value: object) -> None:
    if (
        not isinstance(value, str)
        or not 0 < len(value.strip()) <= LONGEST_WORDING
        or "\x00" in value
    ):
        raise RulingRefused(f"The wording has 1 to {LONGEST_WORDING} characters.")


def _check_not_before(offer: Offer, value: object) -> None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise RulingRefused(f"`not_before` is a date such as 2017-10-15, found {value!r:.40}.")
    end = offer.valid_until
    zone = current().company.zone()
    if end is not None and day > end.astimezone(zone).date():
        raise RulingRefused(f"The offer ends on {end.astimezone(zone):%Y-%m-%d}, before {day}.")


_CHECKS: Final = {
    "face_value_minor": _check_face_value,
    "channels": _check_channels,
    "wording": _check_wording,
    "not_before": _check_not_before,
}
