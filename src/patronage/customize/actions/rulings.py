"""What a manager may do at the gate: allow, adapt or block each offer, with a reason.

A ruling is on the whole portfolio, on a segment of it or on one customer, and may end by itself.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.db import IntegrityError
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.asking import in_words
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.access.scope import scope_of
from patronage.access.transactions import atomic
from patronage.customize import stakes
from patronage.customize.actions.adaptations import EFFECTS, checked_terms
from patronage.customize.errors import RulingRefused
from patronage.customize.fields import FIELDS
from patronage.customize.models import Offer, Ruling, RulingEnd
from patronage.customize.standing import standing
from patronage.govern.models import Portfolio
from patronage.govern.rule_reading import read_rule
from patronage.identify.in_sight import customers_in_sight
from patronage.vocabulary.periods import as_utc
from patronage.vocabulary.predicates import Predicate, PredicateError

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
#: A block may be lifted for at most this share of its customers, to learn what it costs.
MOST_TESTED: Final = 0.05

__all__ = [
    "EFFECTS",
    "MOST_TESTED",
    "REASONS",
    "RulingPreview",
    "preview_ruling",
    "rule",
    "take_back_ruling",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingPreview:
    """What a ruling would cost, before it is made; None where the last run does not say."""

    effect: str
    #: customers for whom it would decide
    covered: int | None
    #: of those, for whom the offer would have been worth making
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
    when: str = "",
    customer_id: str | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    test_share: float = 0.0,
) -> Ruling:
    """Rule on an offer for a portfolio; the ruling before it stays on record.

    Args:
        effect: "allow", "adapt" or "block".
        reason_code: one of `REASONS`.
        adaptation: for "adapt": any of `face_value_minor` (at most the proposed one), `channels`,
            `wording`, `not_before` (ISO date) and `options` (names of those kept).
        when: a predicate: the ruling is on the customers of the portfolio for whom it is true.
        customer_id: the ruling is on this one customer, while they are in the portfolio.
        valid_from: from when on it counts, at most now; None: now.
        valid_until: exclusive; then what held before it holds again. None: until the next ruling.
        test_share: of a block, 0 to `MOST_TESTED`: for this share of its customers, drawn by a
            salted hash, it is lifted. Consent, boundaries and rules are not.

    Raises:
        NotAllowed: the actor does not rule on offers.
        NotFound: there is no such offer, or the actor does not answer for the portfolio, or the
            customer is not in it.
        RulingRefused: effect, reason, adaptation, segment, dates or share cannot be used.
    """
    actor.require(Right.RULE)
    starts = now if valid_from is None else as_utc(valid_from)
    ends = None if valid_until is None else as_utc(valid_until)
    _check_dates(starts, ends, now)
    _check_reason(reason_code, reason)
    with atomic():
        ruling = _drafted(
            actor,
            now,
            offer_id=offer_id,
            portfolio_id=portfolio_id,
            effect=effect,
            adaptation=adaptation or {},
            when=when,
            customer_id=customer_id,
            test_share=test_share,
        )
        ruling.valid_from, ruling.valid_until = starts, ends
        ruling.reason_code, ruling.reason = reason_code, reason
        preview = _preview(ruling, now)
        ruling.forgone_minor = preview.forgone_minor
        ruling.gross_forgone_minor = preview.gross_forgone_minor
        _record(ruling, actor, now)
    return ruling


def preview_ruling(
    *,
    actor: Actor,
    now: datetime,
    offer_id: str,
    portfolio_id: str,
    effect: str,
    adaptation: Mapping[str, Any] | None = None,
    when: str = "",
    customer_id: str | None = None,
    test_share: float = 0.0,
) -> RulingPreview:
    """Say what a ruling would cost, without making it.

    Raises:
        NotFound: there is no such offer, or the actor does not answer for the portfolio, or the
            customer is not in it.
        RulingRefused: effect, adaptation, segment or share cannot be used.
    """
    actor.require(Right.RULE)
    ruling = _drafted(
        actor,
        now,
        offer_id=offer_id,
        portfolio_id=portfolio_id,
        effect=effect,
        adaptation=adaptation or {},
        when=when,
        customer_id=customer_id,
        test_share=test_share,
    )
    return _preview(ruling, now)


def take_back_ruling(*, actor: Actor, now: datetime, ruling_id: str, reason: str) -> Ruling:
    """End a person's ruling now; what held before it holds again.

    Raises:
        NotAllowed: the actor does not rule on offers.
        NotFound: there is no such ruling in a portfolio that the actor answers for.
        RulingRefused: it is the portfolio's default, or has ended already, or no reason is given.
    """
    actor.require(Right.RULE)
    if not reason.strip() or len(reason) > _LONGEST_REASON or "\x00" in reason:
        raise RulingRefused(
            _("Say why, in 1 to %(longest_reason)s characters: the owner reads it.")
            % {"longest_reason": _LONGEST_REASON}
        )
    with atomic():
        found = Ruling.objects.select_for_update(of=("self",)).filter(id=ruling_id)
        ruling = found.select_related("offer", "portfolio").first()
        if ruling is None or not _answers_for(actor, now, ruling.portfolio_id):
            raise NotFound(noun="ruling", id=ruling_id)
        if ruling.by_default:
            raise RulingRefused(_("A portfolio's default is not taken back. Rule on the offer."))
        if not standing(now).filter(id=ruling.id).exists():
            raise RulingRefused(_("The ruling has ended already."))
        RulingEnd.objects.create(
            ruling=ruling, at=now, reason=reason, actor_id=actor.id, actor_name=actor.name
        )
        _audit(ruling, actor, now, "take back ruling", reason, _content(ruling), {"ended": True})
    return ruling


def _drafted(
    actor: Actor,
    now: datetime,
    *,
    offer_id: str,
    portfolio_id: str,
    effect: str,
    adaptation: Mapping[str, Any],
    when: str,
    customer_id: str | None,
    test_share: float,
) -> Ruling:
    """A ruling as asked for, checked and not written yet."""
    offer, portfolio = _pair(actor, now, offer_id, portfolio_id)
    checked_terms(offer, effect, adaptation)
    _check_test(effect, test_share)
    ruling = Ruling(
        offer=offer,
        portfolio=portfolio,
        effect=effect,
        adaptation=dict(adaptation),
        test_share=float(test_share),
        by_default=False,
        recorded_at=now,
        actor_id=actor.id,
        actor_name=actor.name,
    )
    if customer_id is not None and when.strip():
        raise RulingRefused(
            _("A ruling is on a segment or on one customer: leave one of them out.")
        )
    if customer_id is not None:
        inside = customers_in_sight(actor, now).filter(standing__portfolio=portfolio)
        ruling.customer = inside.filter(id=customer_id).first()
        if ruling.customer is None:
            raise NotFound(noun="customer", id=customer_id)
        ruling.about = customer_id
    if when.strip():
        segment = _segment(actor, when)
        ruling.when, ruling.when_tree = segment.text, json.loads(segment.to_json())
        ruling.about = f"seg_{hashlib.sha256(segment.to_json().encode()).hexdigest()[:32]}"
    return ruling


def _segment(actor: Actor, when: str) -> Predicate:
    try:
        return read_rule(when, FIELDS, actor=actor)
    except PredicateError as error:
        raise RulingRefused(
            _("The segment cannot be used: %(error)s") % {"error": in_words(error)}
        ) from error


def _record(ruling: Ruling, actor: Actor, now: datetime) -> None:
    same = Ruling.objects.filter(offer=ruling.offer, portfolio=ruling.portfolio, about=ruling.about)
    earlier = standing(ruling.valid_from).filter(id__in=same.values("id"))
    replaced = earlier.order_by("by_default", "-valid_from", "-recorded_at", "-id").first()
    try:
        with atomic():
            ruling.save(force_insert=True)
    except IntegrityError as error:
        raise RulingRefused(
            _("The offer was ruled on a moment ago. Look at it again before ruling anew.")
        ) from error
    before = {} if replaced is None else _content(replaced)
    why = ruling.reason or REASONS[ruling.reason_code]
    _audit(ruling, actor, now, "rule on offer", why, before, _content(ruling))


def _audit(
    ruling: Ruling,
    actor: Actor,
    now: datetime,
    action: str,
    reason: str,
    before: dict[str, Any],
    change: dict[str, Any],
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="offer",
        subject_id=ruling.offer_id,
        right=Right.RULE,
        reason=reason,
        before=before,
        change=change,
    )


def _content(ruling: Ruling) -> dict[str, Any]:
    content = {
        "ruling": ruling.id,
        "portfolio": ruling.portfolio_id,
        "effect": ruling.effect,
        "adaptation": ruling.adaptation,
        "forgone_minor": ruling.forgone_minor,
    }
    if ruling.about:
        content["about"] = ruling.when or ruling.customer_id
    if ruling.valid_until is not None:
        content["valid_until"] = ruling.valid_until.isoformat()
    if ruling.test_share:
        content["test_share"] = ruling.test_share
    return content


def _preview(ruling: Ruling, now: datetime) -> RulingPreview:
    stake = stakes.of_ruling(ruling, now)
    if stake is None:
        return RulingPreview(
            effect=ruling.effect,
            covered=None,
            customers=None,
            forgone_minor=None,
            gross_forgone_minor=None,
        )
    return RulingPreview(
        effect=ruling.effect,
        covered=stake.covered,
        customers=stake.customers,
        forgone_minor=round(stake.net_minor),
        gross_forgone_minor=round(stake.gross_minor),
    )


def _answers_for(actor: Actor, now: datetime, portfolio_id: str) -> bool:
    return actor.id == SYSTEM_ID or portfolio_id in scope_of(actor, now).portfolio_ids


def _pair(actor: Actor, now: datetime, offer_id: str, portfolio_id: str) -> tuple[Offer, Portfolio]:
    portfolio = Portfolio.objects.filter(id=portfolio_id).first()
    if portfolio is None or not _answers_for(actor, now, portfolio_id):
        raise NotFound(noun="portfolio", id=portfolio_id)
    offer = Offer.objects.filter(id=offer_id).first()
    if offer is None:
        raise NotFound(noun="offer", id=offer_id)
    return offer, portfolio


def _check_dates(starts: datetime, ends: datetime | None, now: datetime) -> None:
    if starts > now:
        raise RulingRefused(
            _(
                "A ruling counts from now or earlier, found %(starts)s UTC. To delay the offer "
                "itself, adapt it with `not_before`."
            )
            % {"starts": f"{starts:%Y-%m-%d %H:%M}"}
        )
    if ends is not None and ends <= now:
        raise RulingRefused(
            _("A ruling ends in the future or not at all, found %(ends)s UTC.")
            % {"ends": f"{ends:%Y-%m-%d %H:%M}"}
        )


def _check_test(effect: str, share: object) -> None:
    if type(share) not in (int, float) or not math.isfinite(float(str(share))):
        raise RulingRefused(_("The test share is a number, found %(share).40r.") % {"share": share})
    number = float(str(share))
    if not 0.0 <= number <= MOST_TESTED:
        raise RulingRefused(
            _("The test share is 0 to %(most_tested)s, found %(number)s.")
            % {"most_tested": f"{MOST_TESTED:g}", "number": f"{number:g}"}
        )
    if number and effect != "block":
        raise RulingRefused(_("Only a block has a test share: nothing else keeps an offer back."))


def _check_reason(code: str, words: str) -> None:
    if code not in REASONS:
        raise RulingRefused(
            _("%(code).60r is none of the reasons (%(reasons)s).")
            % {"code": code, "reasons": ", ".join(REASONS)}
        )
    if len(words) > _LONGEST_REASON or "\x00" in words:
        raise RulingRefused(
            _("The reason has at most %(longest_reason)s characters.")
            % {"longest_reason": _LONGEST_REASON}
        )
    if code == "other" and not words.strip():
        raise RulingRefused(_("Describe the reason: the offer's owner reads it."))
