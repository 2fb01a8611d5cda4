"""Somebody claims a customer: for a portfolio, for a contact, or to be left in peace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.govern import memberships
from patronage.govern.actions.conditions import stated
from patronage.govern.conflicts import (
    claims_in_sight,
    customer_to_claim,
    deadline_of,
    open_offers,
    portfolios_to_claim_for,
)
from patronage.govern.errors import ClaimRefused
from patronage.govern.models import Accountability, Claim, Conflict, Portfolio
from patronage.govern.models.conflicts import EVIDENCE, GROUNDS
from patronage.govern.suggesting import CONTACT, OWNERSHIP
from patronage.identify.models import Customer

#: the grounds that are entered for whoever is in charge
HOLDS: Final = "holds"
_MOST_EVIDENCE: Final = 20
_LONGEST_WORDS: Final = 400
_LONGEST_ID: Final = 120
#: kind of claim → the kinds it competes with
_AGAINST: Final = {"portfolio": ("portfolio",), "contact": ("quiet",), "quiet": ("contact",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvidence:
    """What speaks for a claim, and where to find it."""

    #: contract, decision, order, contact, fact or conversation
    kind: str
    #: what it is called where it is kept, such as a decision's id or a contract's number
    id: str
    words: str = ""


def make_claim(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    kind: str,
    grounds: str,
    words: str = "",
    portfolio_id: str = "",
    offer_id: str = "",
    evidence: Sequence[NewEvidence] = (),
) -> Claim:
    """Claim a customer; with a second claim that cannot stand beside it a conflict opens.

    A claim for a portfolio that does not hold the customer competes with the one that does: the
    claim of whoever is in charge is entered for them until they state their own.

    Args:
        customer_id: in the actor's sight, or once in a portfolio that they speak for.
        kind: portfolio, contact or quiet.
        grounds: one of `GROUNDS` of the kind; "holds" is entered, never claimed.
        portfolio_id: of a claim for a portfolio: one that the actor speaks for, or any for whoever
            sees every customer.
        offer_id: of a claim to a contact: the offer to be made.

    Raises:
        NotAllowed: the actor may not claim customers.
        NotFound: customer, portfolio or offer are absent, or out of the actor's sight.
        ClaimRefused: kind, grounds, words or evidence cannot be used, or it is claimed already.
    """
    actor.require(Right.CLAIM)
    _check(kind, grounds)
    said, kept = _words(words), [_evidence(each) for each in evidence]
    if len(kept) > _MOST_EVIDENCE:
        raise ClaimRefused(
            _("A claim names at most %(most_evidence)s pieces of evidence.")
            % {"most_evidence": _MOST_EVIDENCE}
        )
    with atomic():
        # one at a time with hand-overs and rulings: who is in charge does not change meanwhile
        memberships.take_turns_moving()
        customer = customer_to_claim(actor, customer_id, now)
        if customer is None:
            raise NotFound(noun="customer", id=customer_id)
        claim = Claim(
            customer=customer,
            kind=kind,
            portfolio=_portfolio(actor, now, portfolio_id) if kind == "portfolio" else None,
            grounds=grounds,
            words=said,
            evidence=kept,
            claimed_by=actor.id,
            claimed_by_name=actor.name,
            claimed_at=now,
        )
        if kind == "contact":
            claim.offer_id, claim.offer_name = offer_id, _offer(actor, now, offer_id)
        _make_room(claim, now)
        claim.save(force_insert=True)
        _record(claim, "claim customer", actor, now, said or grounds, before={})
        _open_conflict(claim, now)
    return claim


def withdraw_claim(*, actor: Actor, now: datetime, claim_id: str, reason: str) -> Claim:
    """Take back a claim of one's own, or of a portfolio that one speaks for.

    A conflict in which no two claims are left that compete closes with it.

    Raises:
        NotFound: there is no such claim in the actor's sight.
        NoReason: no reason is given.
        ClaimRefused: it is over already, or was only entered for whoever is in charge.
    """
    actor.require(Right.CLAIM)
    why = stated(reason)
    with atomic():
        memberships.take_turns_moving()
        claim = claims_in_sight(actor, now).filter(pk=claim_id).first()
        if claim is None:
            raise NotFound(noun="claim", id=claim_id)
        if claim.ended_at is not None:
            raise ClaimRefused(_("This claim is over already."))
        if claim.entered:
            raise ClaimRefused(
                _("This only says who is in charge. To give the customer up, hand them over.")
            )
        _end(claim, "withdrawn", why, actor.id, now)
        _record(claim, "withdraw claim", actor, now, why, before={"end": ""})
        _close_if_settled(claim, actor, now, why)
    return claim


def _check(kind: str, grounds: str) -> None:
    if kind not in GROUNDS:
        raise ClaimRefused(
            _("%(kind).40r is none of %(grounds)s.") % {"kind": kind, "grounds": ", ".join(GROUNDS)}
        )
    known = [each for each in GROUNDS[kind] if each != HOLDS]
    if grounds not in known:
        raise ClaimRefused(
            _("Grounds of a claim of this kind are %(known)s; found %(grounds).40r.")
            % {"known": ", ".join(known), "grounds": grounds}
        )


def _words(text: str, longest: int = _LONGEST_WORDS) -> str:
    said = " ".join(text.split())
    if len(said) > longest or not said.isprintable():
        raise ClaimRefused(
            _("Words have at most %(longest)s printable characters; found %(length)s.")
            % {"longest": longest, "length": len(said)}
        )
    return said


def _evidence(given: NewEvidence) -> dict[str, str]:
    if given.kind not in EVIDENCE:
        raise ClaimRefused(
            _("Evidence is one of %(evidence)s; found %(kind).40r.")
            % {"evidence": ", ".join(EVIDENCE), "kind": given.kind}
        )
    found = {name: _words(text, _LONGEST_ID) for name, text in asdict(given).items()}
    if not found["id"]:
        raise ClaimRefused(_("Say which %(kind)s: its id or its number.") % {"kind": given.kind})
    return found


def _portfolio(actor: Actor, now: datetime, portfolio_id: str) -> Portfolio:
    found = portfolios_to_claim_for(actor, now).filter(pk=portfolio_id).first()
    if found is None:
        raise NotFound(noun="portfolio", id=portfolio_id)
    return found


def _offer(actor: Actor, now: datetime, offer_id: str) -> str:
    name = dict(open_offers.ask(actor, now)).get(offer_id)
    if name is None:
        raise NotFound(noun="offer", id=offer_id)
    return name[:200]


def _make_room(claim: Claim, now: datetime) -> None:
    """Let a stated claim take the place of an entered one; refuse a second of the same."""
    same = Claim.objects.filter(
        customer=claim.customer,
        kind=claim.kind,
        portfolio=claim.portfolio,
        offer_id=claim.offer_id,
        ended_at__isnull=True,
    ).first()
    if same is None:
        return
    if not same.entered:
        raise ClaimRefused(
            _(
                "%(claimed_by_name)s claimed this on %(claimed_at)s already. Withdraw that "
                "claim first to state it anew."
            )
            % {"claimed_by_name": same.claimed_by_name, "claimed_at": f"{same.claimed_at:%Y-%m-%d}"}
        )
    claim.conflict = same.conflict
    _end(same, "restated", "Stated by who is in charge", claim.claimed_by, now)


def _open_conflict(claim: Claim, now: datetime) -> None:
    if claim.conflict is not None:
        return
    if claim.kind == "portfolio":
        _enter_holder(claim, now)
    others = _competing(claim)
    if not others:
        return
    kind = OWNERSHIP if claim.kind == "portfolio" else CONTACT
    conflict = Conflict.objects.filter(
        customer=claim.customer, kind=kind, closed_at__isnull=True
    ).first()
    if conflict is None:
        conflict = _opened(claim.customer, kind, now)
    ids = [claim.id, *(each.id for each in others)]
    Claim.objects.filter(pk__in=ids).update(conflict=conflict)
    claim.conflict = conflict


def _opened(customer: Customer, kind: str, now: datetime) -> Conflict:
    limits = deadline_of(customer, now)
    return Conflict.objects.create(
        customer=customer,
        kind=kind,
        opened_at=now,
        due_at=limits.due_at,
        ruler=limits.ruler,
        boundary_id=limits.boundary_id,
    )


def _enter_holder(claim: Claim, now: datetime) -> None:
    """Enter the claim of whoever is in charge, against one for another portfolio."""
    held = memberships.held([claim.customer_id])[claim.customer_id]
    stands = Claim.objects.filter(
        customer=claim.customer, portfolio=held.portfolio_id, ended_at__isnull=True
    )
    if held.portfolio_id == claim.portfolio_id or stands.exists():
        return
    started = Accountability.objects.filter(portfolio=held.portfolio_id, starts_at__lte=now)
    manager: User = started.latest("starts_at").manager
    Claim.objects.create(
        customer=claim.customer,
        kind="portfolio",
        portfolio_id=held.portfolio_id,
        grounds=HOLDS,
        entered=True,
        claimed_by=manager.id,
        claimed_by_name=manager.name,
        claimed_at=now,
    )


def _competing(claim: Claim) -> list[Claim]:
    found = Claim.objects.filter(
        customer=claim.customer, kind__in=_AGAINST[claim.kind], ended_at__isnull=True
    ).exclude(pk=claim.pk)
    if claim.kind == "contact":
        # a second offer joins the one conflict that there is about contacts
        return list(found)
    return list(found.filter(~Q(portfolio=claim.portfolio) | Q(portfolio__isnull=True)))


def _close_if_settled(claim: Claim, actor: Actor, now: datetime, why: str) -> None:
    conflict = claim.conflict
    if conflict is None or conflict.closed_at is not None:
        return
    left = list(conflict.claims.filter(ended_at__isnull=True))
    if any(each.kind in _AGAINST[other.kind] for each in left for other in left if each != other):
        return
    for each in left:
        if each.entered:
            _end(each, "withdrawn", why, actor.id, now)
        else:
            each.conflict = None
            each.save(update_fields=["conflict"])
    conflict.closed_at = now
    conflict.save(update_fields=["closed_at"])


def _end(claim: Claim, end: str, why: str, actor_id: str, now: datetime) -> None:
    claim.ended_at, claim.end, claim.end_reason, claim.ended_by = now, end, why, actor_id
    claim.save(update_fields=["ended_at", "end", "end_reason", "ended_by"])


def _record(
    claim: Claim, action: str, actor: Actor, now: datetime, why: str, *, before: dict[str, Any]
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="customer",
        subject_id=claim.customer_id,
        right=Right.CLAIM,
        reason=why,
        before=before,
        change={
            "claim": claim.id,
            "kind": claim.kind,
            "portfolio": claim.portfolio_id or "",
            "offer": claim.offer_id,
            "grounds": claim.grounds,
            "end": claim.end,
        },
    )
