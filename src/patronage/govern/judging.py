"""May this lever be pulled? Pure: facts in, an answer with its reasons out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.utils.translation import gettext_noop as _noop

from patronage.govern.limits import (
    CONCERNS,
    FORBIDDING,
    SUMMED,
    UNITS,
    Bound,
    Held,
    InForce,
    Pull,
    Reason,
    Verdict,
    edges,
    percent,
    price_of,
)
from patronage.govern.said import PER_WORDS, Said, said


def judge(
    pull: Pull,
    bounds: Iterable[Bound],
    held: Sequence[Held],
    *,
    in_force: Sequence[InForce] = (),
    list_price_minor: int | None = None,
) -> Verdict:
    """Say whether a pull is done at once, waits for somebody, or is refused.

    Args:
        pull: what is wanted.
        bounds: the boundaries in force that are or may be about the customer.
        held: the actor's rights to this lever for this customer, the preferred one first.
        in_force: price levers that hold for the customer already.
        list_price_minor: of the product; None: not known.
    """
    against = tuple(_broken(pull, list(bounds), in_force, list_price_minor))
    if against:
        return Verdict(outcome="refused", reasons=against)
    if not held:
        none = Said(
            _noop("There is no right to the lever '%(lever)s' here. Ask an executive to grant it."),
            {"lever": pull.lever},
        )
        return Verdict(outcome="refused", reasons=(Reason(kind="right", id="", said=none),))
    for right in held:
        if right.covers(pull.amount):
            limit = said(right.limit, UNITS[pull.lever], pull.currency)
            within = Said(_noop("Within %(limit)s %(per)s."), {"limit": limit, "per": _per(right)})
            reason = Reason(kind="right", id=right.id, said=within)
            return Verdict(outcome="allowed", reasons=(reason,), grant_id=right.id)
    return Verdict(outcome="waits", reasons=tuple(_too_little(pull, right) for right in held))


def _per(limited: Held | Bound) -> Said:
    return Said(PER_WORDS[limited.per])


def _broken(
    pull: Pull, bounds: list[Bound], in_force: Sequence[InForce], list_price_minor: int | None
) -> Iterable[Reason]:
    for bound in bounds:
        if not bound.is_about(pull.category, pull.product):
            continue
        if pull.lever not in CONCERNS[bound.kind]:
            continue
        why = _why_not(bound, pull, in_force, list_price_minor)
        if why is not None:
            yield Reason(kind="boundary", id=bound.id, said=why)


def _why_not(
    bound: Bound, pull: Pull, in_force: Sequence[InForce], list_price_minor: int | None
) -> Said | None:
    named = {"boundary": bound.name}
    if bound.kind in FORBIDDING:
        if bound.kind == "protected" and pull.lever == "price" and pull.amount <= 0:
            return None
        text = _noop("'%(boundary)s' forbids the lever '%(lever)s'.")
        return Said(text, named | {"lever": pull.lever})
    if bound.kind in SUMMED:
        used = 0 if bound.per == "use" else bound.used
        if used + pull.amount <= (bound.limit or 0):
            return None
        limit, before, more = (
            said(each, bound.unit, pull.currency) for each in (bound.limit or 0, used, pull.amount)
        )
        return Said(
            _noop(
                "'%(boundary)s' allows %(limit)s %(per)s; %(used)s used, %(more)s more asked for."
            ),
            {**named, "limit": limit, "per": _per(bound), "used": before, "more": more},
        )
    if bound.unit == "minor units" and list_price_minor is None:
        text = _noop("'%(boundary)s' cannot be checked: no list price of %(what)s is known.")
        what = Said("%(name)s", {"name": pull.product}) if pull.product else _WHAT_IT_IS_ABOUT
        return Said(text, {**named, "what": what})
    now = InForce(
        id="", lever=pull.lever, amount=pull.amount, category=pull.category, product=pull.product
    )
    asked = price_of(pull.category, pull.product, [*in_force, now], (), None).asked
    low, high = edges([bound], list_price_minor)
    if low and asked < low[0]:
        edge, text = low[0], _NO_LESS
    elif high and asked > high[0]:
        edge, text = high[0], _NO_MORE
    else:
        return None
    return Said(text, named | {"edge": percent(edge), "asked": percent(asked)})


_WHAT_IT_IS_ABOUT: Final = Said(_noop("what it is about"))
_NO_LESS: Final = _noop(
    "'%(boundary)s' allows no less than %(edge)s of the list price, asked %(asked)s."
)
_NO_MORE: Final = _noop(
    "'%(boundary)s' allows no more than %(edge)s of the list price, asked %(asked)s."
)


def _too_little(pull: Pull, right: Held) -> Reason:
    unit = UNITS[pull.lever]
    asked, limit, before = (
        said(each, unit, pull.currency) for each in (abs(pull.amount), right.limit, right.used)
    )
    text = _noop("%(asked)s goes beyond %(limit)s %(per)s, %(used)s of it used.")
    if right.per == "use":
        text = _noop("%(asked)s goes beyond %(limit)s %(per)s.")
    told = Said(text, {"asked": asked, "limit": limit, "per": _per(right), "used": before})
    return Reason(kind="right", id=right.id, said=told)
