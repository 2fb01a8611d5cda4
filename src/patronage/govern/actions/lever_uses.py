"""A lever is pulled for a customer: at once within one's right, else it waits for another's."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.govern.actions.conditions import stated
from patronage.govern.capacities import return_taken, take
from patronage.govern.errors import CannotRuleOnLever, LeverRefused
from patronage.govern.in_charge import covered_by, portfolios_of
from patronage.govern.judging import judge
from patronage.govern.levers import Situation, managers_rights_to, rights_to, situation_of
from patronage.govern.limits import (
    LEVERS,
    PRICING,
    UNITS,
    WHOLE,
    Held,
    Pull,
    Reason,
    Verdict,
)
from patronage.govern.models import LeverRuling, LeverUse
from patronage.govern.models.levers import RULINGS
from patronage.govern.products import category_of, list_price_of
from patronage.identify.in_sight import require_customer
from patronage.vocabulary.periods import as_utc

MOST: Final = 2**53
LONGEST_SUBJECT: Final = 120


def pull_lever(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    lever: str,
    amount: int,
    reason: str,
    category: str = "",
    product: str = "",
    valid_until: datetime | None = None,
) -> LeverUse:
    """Pull a lever for a customer; what goes beyond the actor's right waits for approval.

    Args:
        amount: in the lever's unit: basis points, minor units or times; only a change of price
            may be below zero.
        category, product: what it is about; both empty: everything.
        valid_until: exclusive; None: until it is taken back.

    Returns:
        The use: done, or waiting for the portfolio's manager or an executive.

    Raises:
        NotAllowed: the actor uses no levers.
        NotFound: there is no such customer in the actor's scope.
        NoReason: no reason is given.
        LeverRefused: the amount cannot be, a boundary forbids it, or the actor has no right to it.
    """
    actor.require(Right.USE_LEVER)
    why = stated(reason)
    until = None if valid_until is None else as_utc(valid_until)
    pull = _checked(lever, amount, category.strip(), product.strip())
    if until is not None and until <= now:
        raise LeverRefused(lever=lever, reasons=[_("It would end before it begins.")])
    with atomic():
        take_turns("levers")
        customer = require_customer(actor, customer_id, now)
        situation = situation_of(customer, now)
        verdict = _judged(pull, situation, rights_to(actor, lever, situation))
        done = verdict.outcome == "allowed"
        use = LeverUse.objects.create(
            customer=customer,
            lever=lever,
            amount=amount,
            currency=pull.currency,
            category=pull.category,
            product=pull.product,
            reason=why,
            made_by=actor.id,
            made_at=now,
            state="done" if done else "waiting",
            waits_for="" if done else _waits_for(actor, pull, situation),
            grant_id=verdict.grant_id or None,
            reasons=_kept(verdict.reasons),
            valid_from=now if done else None,
            valid_until=until,
            capacities=_taken(pull, situation) if done else "",
        )
        _record(actor, now, use, "use lever", Right.USE_LEVER, why, before="")
    return use


def rule_on_lever(
    *, actor: Actor, now: datetime, use_id: str, ruling: str, reason: str
) -> LeverUse:
    """Approve what waits, refuse it, review or question what was done, answer, or take it back.

    The manager of the customer's portfolio (or who stands in) approves what their own right
    covers; beyond that an executive does. Nobody approves or reviews what they pulled themselves;
    everybody answers for what they did, and takes it back. Boundaries are looked at again on
    approval.

    Raises:
        NotAllowed: the actor neither uses nor grants levers.
        NotFound: there is no such use that the actor may rule on.
        NoReason: no reason is given.
        CannotRuleOnLever: it is not theirs to say, or not any more.
        LeverRefused: a boundary forbids it by now.
    """
    right = Right.GRANT_LEVER if actor.may(Right.GRANT_LEVER) else Right.USE_LEVER
    actor.require(right)
    why = stated(reason)
    if ruling not in RULINGS:
        raise CannotRuleOnLever(
            _("%(ruling).40r is none of %(rulings)s.")
            % {"ruling": ruling, "rulings": ", ".join(RULINGS)}
        )
    with atomic():
        take_turns("levers")
        use = LeverUse.objects.select_for_update().filter(pk=use_id).first()
        if use is None:
            raise NotFound(noun="lever use", id=use_id)
        situation = _situation(actor, use, now)
        own = actor.id == use.made_by
        above = right is Right.GRANT_LEVER or actor.id == SYSTEM_ID
        if not (own or above or in_charge_of(actor, situation.portfolio_id, now)):
            raise NotFound(noun="lever use", id=use_id)
        if not own and ruling == "answer":
            raise CannotRuleOnLever(_("Who did it answers. Ask, review it, or take it back."))
        if own and ruling not in ("take_back", "answer"):
            raise CannotRuleOnLever(_("Somebody else must say so: two pairs of eyes see more."))
        before = use.state
        if ruling == "take_back" and use.state == "waiting" and not own:
            raise CannotRuleOnLever(_("This waits for a word: approve or refuse it."))
        _ACTS[ruling](use, situation, above)
        use.save()
        LeverRuling.objects.create(use=use, ruling=ruling, reason=why, actor_id=actor.id, at=now)
        action = f"{ruling.replace('_', ' ')} lever use"
        _record(actor, now, use, action, right, why, before=before)
    return use


def in_charge_of(actor: Actor, portfolio_id: str, now: datetime) -> bool:
    """Whether the actor answers for the portfolio's customers, or stands in for who does."""
    return portfolio_id in portfolios_of(actor.id, now) | covered_by(actor.id, now)


def _checked(lever: str, amount: int, category: str, product: str) -> Pull:
    def refuse(words: str) -> LeverRefused:
        return LeverRefused(lever=lever[:40], reasons=[words])

    if lever not in LEVERS:
        raise refuse(_("The levers are %(levers)s.") % {"levers": ", ".join(LEVERS)})
    if abs(amount) > MOST or amount == 0 or (amount < 0 and lever != "price"):
        raise refuse(
            _("The amount is a whole number of %(units)s above zero, found %(amount)s.")
            % {"units": UNITS[lever], "amount": amount}
        )
    gives = lever == "discount" or (lever == "price" and amount < 0)
    if gives and abs(amount) > WHOLE:
        raise refuse(
            _("%(points)s basis points are more than the whole price.") % {"points": abs(amount)}
        )
    for text in (category, product):
        if len(text) > LONGEST_SUBJECT or not text.isprintable():
            raise refuse(
                _("A category or product has at most %(longest_subject)s characters.")
                % {"longest_subject": LONGEST_SUBJECT}
            )
    if not product:
        return Pull(lever=lever, amount=amount, category=category, currency=_currency(lever))
    found = category_of(product)
    if found is None:
        raise refuse(_("There is no product %(product)r in the catalogue.") % {"product": product})
    if category not in ("", found):
        raise refuse(
            _("The product %(product)r is of the category %(found)r. Leave that out.")
            % {"product": product, "found": found}
        )
    return Pull(
        lever=lever, amount=amount, category=found, product=product, currency=_currency(lever)
    )


def _currency(lever: str) -> str:
    return current().company.currency if UNITS[lever] == "minor units" else ""


def _judged(pull: Pull, situation: Situation, held: list[Held]) -> Verdict:
    told = list_price_of(pull.product, situation.at) if pull.product else None
    verdict = judge(
        pull,
        situation.bounds(pull.lever),
        held,
        in_force=situation.in_force,
        list_price_minor=None if told is None else told.amount_minor,
    )
    if verdict.outcome == "refused":
        raise LeverRefused(lever=pull.lever, reasons=[each.words for each in verdict.reasons])
    return verdict


def _taken(pull: Pull, situation: Situation) -> str:
    """Take what is granted from every stock or capacity it is about; give the counts' numbers."""
    about = {
        each.id: pull.amount
        for each in situation.bounds(pull.lever)
        if each.kind == "capacity" and each.is_about(pull.category, pull.product)
    }
    rows = [each.row for each in situation.boundaries]
    return " ".join(str(number) for number in take(about, rows, situation.at).values())


def _waits_for(actor: Actor, pull: Pull, situation: Situation) -> str:
    """The manager where their own right covers it and somebody else pulls; else an executive."""
    covered = any(each.covers(pull.amount) for each in managers_rights_to(pull.lever, situation))
    own = in_charge_of(actor, situation.portfolio_id, situation.at)
    return "manager" if covered and not own else "executive"


def _situation(actor: Actor, use: LeverUse, now: datetime) -> Situation:
    try:
        customer = require_customer(actor, use.customer_id, now)
    except NotFound as error:
        raise NotFound(noun="lever use", id=use.id) from error
    return situation_of(customer, now)


def _approve(use: LeverUse, situation: Situation, above: bool) -> None:
    if use.state != "waiting":
        raise CannotRuleOnLever(
            _("This does not wait for approval: it is %(state)s.") % {"state": _state(use)}
        )
    if use.valid_until is not None and use.valid_until <= situation.at:
        raise CannotRuleOnLever(_("It would have ended by now. Refuse it."))
    pull = Pull(
        lever=use.lever,
        amount=use.amount,
        category=use.category,
        product=use.product,
        currency=use.currency,
    )
    held = managers_rights_to(use.lever, situation)
    if above:
        held.append(Held(id="", limit=MOST, per="use"))
    verdict = _judged(pull, situation, held)
    if verdict.outcome != "allowed":
        words = " ".join(each.words for each in verdict.reasons)
        raise CannotRuleOnLever(
            _("This is beyond your own right; an executive must say so. %(words)s")
            % {"words": words}
        )
    use.state, use.waits_for = "approved", ""
    use.grant_id, use.valid_from = verdict.grant_id or None, situation.at
    use.capacities = _taken(pull, situation)


def _refuse(use: LeverUse, _situation: Situation, _above: bool) -> None:
    if use.state != "waiting":
        raise CannotRuleOnLever(
            _("This does not wait for approval: it is %(state)s.") % {"state": _state(use)}
        )
    use.state, use.waits_for = "refused", ""


def _review(use: LeverUse, _situation: Situation, _above: bool) -> None:
    if use.state != "done":
        raise CannotRuleOnLever(
            _("Only what was done at once is reviewed; this is %(state)s.") % {"state": _state(use)}
        )
    if use.rulings.filter(ruling="review").exists():
        raise CannotRuleOnLever(_("This was reviewed already."))


def _question(use: LeverUse, situation: Situation, above: bool) -> None:
    _review(use, situation, above)
    if use.rulings.filter(ruling="question").exists():
        raise CannotRuleOnLever(
            _("A question about this was asked already. Its answer stands here.")
        )


def _answer(use: LeverUse, _situation: Situation, _above: bool) -> None:
    if not use.rulings.filter(ruling="question").exists():
        raise CannotRuleOnLever(_("Nobody asked about this."))
    if use.rulings.filter(ruling="answer").exists():
        raise CannotRuleOnLever(_("This was answered already."))


def _take_back(use: LeverUse, situation: Situation, _above: bool) -> None:
    if use.state in ("refused", "taken_back"):
        raise CannotRuleOnLever(
            _("There is nothing to take back: it is %(state)s already.") % {"state": _state(use)}
        )
    use.state, use.waits_for = "taken_back", ""
    return_taken([(use.capacities, use.amount)])
    if use.lever in PRICING and use.valid_from is not None:
        use.valid_until = situation.at


_ACTS: Final = {
    "approve": _approve,
    "refuse": _refuse,
    "review": _review,
    "question": _question,
    "answer": _answer,
    "take_back": _take_back,
}


def _state(use: LeverUse) -> str:
    return _(use.state.replace("_", " "))


def _kept(reasons: tuple[Reason, ...]) -> list[dict[str, Any]]:
    return [{"kind": each.kind, "id": each.id, **each.said.to_json()} for each in reasons]


def _record(
    actor: Actor,
    now: datetime,
    use: LeverUse,
    action: str,
    right: Right,
    why: str,
    *,
    before: str,
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="customer",
        subject_id=use.customer_id,
        right=right,
        reason=why,
        before={"state": before} if before else {},
        change={
            "use": use.id,
            "lever": use.lever,
            "amount": use.amount,
            "currency": use.currency,
            "category": use.category,
            "product": use.product,
            "state": use.state,
            "waits_for": use.waits_for,
            "grant": use.grant_id,
        },
    )
