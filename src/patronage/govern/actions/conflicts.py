"""One word settles a conflict: afterwards exactly one portfolio holds the customer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.govern import memberships
from patronage.govern.actions.conditions import stated
from patronage.govern.actions.hand_overs import moved
from patronage.govern.conflicts import (
    conflicts_in_sight,
    is_claimant,
    open_claims,
    pattern_for,
    rules_on,
    suggestion_for,
)
from patronage.govern.errors import CannotRuleOnConflict
from patronage.govern.models import Claim, Conflict, ConflictRuling
from patronage.govern.models.conflicts import RULING_REASONS
from patronage.govern.suggesting import JUDGEMENT, OWNERSHIP
from patronage.identify import merged
from patronage.vocabulary.periods import as_utc


def rule_on_conflict(
    *,
    actor: Actor,
    now: datetime,
    conflict_id: str,
    claim_id: str,
    reason_code: str,
    reason: str = "",
    until: datetime | None = None,
) -> ConflictRuling:
    """Uphold one claim and end the others; what it asks for happens in the same transaction.

    For a portfolio the customer moves there, if they are elsewhere. Left in peace, the offers that
    were claimed against it cannot reach them, until `until` if that is given. For a contact
    nothing stands in its way any more but what stands in everybody's.

    Args:
        reason_code: one of `RULING_REASONS`.
        reason: words; needed for "other" and where the declared order suggests another claim.
        until: exclusive; of a customer left in peace alone.

    Raises:
        NotAllowed: the actor rules on no conflicts.
        NotFound: there is no such conflict in the actor's sight, or no such claim in it.
        CannotRuleOnConflict: it is closed, another role's to rule on, the actor is a claimant, or
            the reason or the date cannot be used.
        DatedBeforeNewest, NoManagerYet: the customer cannot be moved now.
    """
    actor.require(Right.RULE_CONFLICT)
    with atomic():
        memberships.take_turns_moving()
        conflict = _waiting(actor, now, conflict_id)
        claims = open_claims(conflict)
        if is_claimant(actor, claims, now):
            raise CannotRuleOnConflict(
                _(
                    "One of the claims is your own or of a portfolio that you speak for. Somebody "
                    "else must rule on it."
                )
            )
        upheld = next((each for each in claims if each.id == claim_id), None)
        if upheld is None:
            raise NotFound(noun="claim", id=claim_id)
        ruling = _ruling(conflict, claims, upheld, actor, now)
        ruling.reason_code, ruling.reason = _reason(ruling, reason_code, reason)
        ruling.until = _until(upheld, until, now)
        before = _apply(ruling, actor, now)
        _close(ruling, claims, actor, now)
        _record(ruling, actor, now, before)
    return ruling


def _waiting(actor: Actor, now: datetime, conflict_id: str) -> Conflict:
    conflict = conflicts_in_sight(actor, now).filter(pk=conflict_id).first()
    if conflict is None:
        raise NotFound(noun="conflict", id=conflict_id)
    if conflict.closed_at is not None:
        raise CannotRuleOnConflict(
            _("This was closed at %(closed_at)s UTC already. A new claim opens a new conflict.")
            % {"closed_at": f"{conflict.closed_at:%Y-%m-%d %H:%M}"}
        )
    if not rules_on(actor, conflict, now):
        named = "a boundary names" if conflict.boundary_id else "as long as no boundary says else"
        raise CannotRuleOnConflict(
            _(
                "The role %(ruler)s rules on this (%(named)s) until %(due_at)s UTC; from then "
                "on an executive may too."
            )
            % {
                "ruler": conflict.ruler,
                "named": named,
                "due_at": f"{conflict.due_at:%Y-%m-%d %H:%M}",
            }
        )
    return conflict


def _ruling(
    conflict: Conflict, claims: list[Claim], upheld: Claim, actor: Actor, now: datetime
) -> ConflictRuling:
    suggested = suggestion_for(conflict, claims, now)
    followed = suggested.claim_id == upheld.id
    return ConflictRuling(
        conflict=conflict,
        claim=upheld,
        suggested_id=suggested.claim_id or None,
        pattern=pattern_for(conflict, claims),
        grounds=upheld.grounds,
        quiet=upheld.kind == "quiet",
        criterion=suggested.criterion if followed else JUDGEMENT,
        actor_id=actor.id,
        actor_name=actor.name,
        at=now,
    )


def _reason(ruling: ConflictRuling, code: str, words: str) -> tuple[str, str]:
    if code not in RULING_REASONS:
        known = ", ".join(RULING_REASONS)
        raise CannotRuleOnConflict(
            _("A reason is one of %(known)s; found %(code).40r.") % {"known": known, "code": code}
        )
    departs = ruling.suggested_id is not None and ruling.suggested_id != ruling.claim_id
    if departs and code == "as_ordered":
        raise CannotRuleOnConflict(
            _("The declared order suggests another claim. Say why not that.")
        )
    if not words.strip() and (departs or code == "other"):
        raise CannotRuleOnConflict(
            _("Say why in your own words: the next one like it will read it.")
        )
    return code, stated(words) if words.strip() else ""


def _until(upheld: Claim, until: datetime | None, now: datetime) -> datetime | None:
    if until is None:
        return None
    ends = as_utc(until)
    if upheld.kind != "quiet":
        raise CannotRuleOnConflict(_("Only a customer who is left in peace is so until a day."))
    if ends <= now:
        raise CannotRuleOnConflict(_("That day is over. Choose one to come, or none."))
    return ends


def _apply(ruling: ConflictRuling, actor: Actor, now: datetime) -> dict[str, Any]:
    """Move the customer, where that is asked for; give how it was before.

    Who is left in peace needs nothing more: `govern.peace` reads the ruling itself.
    """
    upheld, about = ruling.claim, ruling.conflict.customer_id
    # of somebody who was absorbed meanwhile, it is whom they are now that moves
    customer_id = merged.ends_of([about]).get(about, about)
    if ruling.conflict.kind == OWNERSHIP:
        held = memberships.held([customer_id])
        if customer_id not in held:
            raise NotFound(noun="customer", id=customer_id)
        before = held[customer_id].portfolio_id
        if before != upheld.portfolio_id:
            moved(
                actor=actor,
                now=now,
                wanted=[customer_id],
                held=held,
                to_portfolio_id=upheld.portfolio_id or "",
                starts=now,
                why=f"Ruling on {ruling.conflict_id}. {ruling.reason}".strip()[:400],
                right=Right.RULE_CONFLICT,
            )
        return {"portfolio": before}
    return {}


def _close(ruling: ConflictRuling, claims: list[Claim], actor: Actor, now: datetime) -> None:
    for each in claims:
        each.ended_at, each.ended_by = now, actor.id
        each.end = "upheld" if _stands(each, ruling.claim) else "not_upheld"
        each.end_reason = ruling.reason
        each.save(update_fields=["ended_at", "ended_by", "end", "end_reason"])
    ruling.conflict.closed_at = now
    ruling.conflict.save(update_fields=["closed_at"])
    ruling.save(force_insert=True)


def _stands(claim: Claim, upheld: Claim) -> bool:
    """Whether a claim stands with the one that is upheld: two offers may both be made."""
    return claim.id == upheld.id or (claim.kind == upheld.kind == "contact")


def _record(ruling: ConflictRuling, actor: Actor, now: datetime, before: dict[str, Any]) -> None:
    upheld = ruling.claim
    audit.record(
        actor=actor,
        now=now,
        action="rule on conflict",
        subject_kind="customer",
        subject_id=ruling.conflict.customer_id,
        right=Right.RULE_CONFLICT,
        reason=ruling.reason or ruling.reason_code,
        before=before | {"state": "open"},
        change={
            "conflict": ruling.conflict_id,
            "state": "ruled",
            "claim": upheld.id,
            "kind": upheld.kind,
            "portfolio": upheld.portfolio_id or "",
            "grounds": ruling.grounds,
            "criterion": ruling.criterion,
            "suggested": ruling.suggested_id or "",
            "reason_code": ruling.reason_code,
            "until": "" if ruling.until is None else ruling.until.isoformat(),
        },
    )
