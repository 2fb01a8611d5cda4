"""What do a portfolio's rules make of each customer and treatment? Pure: matches in, effects out.

The order in which everything counts, here and nowhere else:

1. boundaries and consent stand above all rules; nothing here can lift them;
2. `not_eligible` wins wherever it matches;
3. of `allow`, `adapt` and `block` the first rule that matches counts; beside a person's ruling on
   the offer the stricter of the two counts, and where the portfolio only has its default ruling
   the rule counts alone;
4. the amounts of all `prefer` rules that match add up, within the company's limit either way;
5. the first `service_tier` and the first `route` that match count.

A rule matches where both of its conditions are surely true: unknown never matches. One customer
and a million go through the same function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from patronage.vocabulary.predicates import Predicate

Bools = NDArray[np.bool_]

#: From the loosest to the strictest.
_STRICTNESS: Final = ("allow", "adapt", "block")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    """A rule of a published version (or of a draft that is tried), read from its trees."""

    name: str
    #: one of `govern.models.policies.EFFECTS`
    effect: str
    #: about the customer and the moment
    when: Predicate
    #: about offer and treatment; None: every one
    offers: Predicate | None
    #: for prefer, minor units
    amount_minor: int = 0
    #: for adapt: face_value_percent, channels, not_before
    adaptation: Mapping[str, Any] | None = None
    #: for service_tier
    service_tier: str = ""
    #: for route: the person's id
    route_to: str = ""
    #: exclusive; None: no end
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesInForce:
    """The rules of one portfolio, in their order."""

    version_id: str
    number: int | None
    rules: tuple[RuleInForce, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEffects:
    """What r rules make of n customers and k treatments."""

    #: ``(n, k)``: a rule says not eligible
    not_eligible: Bools
    #: ``int16 (n, k)``: the first rule of allow, adapt and block that matches; −1: none
    first: NDArray[np.int16]
    #: ``(n, k)``: what all that prefer or mark down add, minor units, within the limit
    preferred: NDArray[np.float64]
    #: ``int16 (n,)``: the first rule that sets the service tier; −1: none
    service_tier: NDArray[np.int16]
    #: ``int16 (n,)``: the first rule that routes to a person; −1: none
    route: NDArray[np.int16]


def effects_of(
    rules: Sequence[RuleInForce], matches: Bools, targets: Bools, *, limit_minor: int
) -> RuleEffects:
    """Apply rules in their order.

    Args:
        rules: r rules; those of several portfolios may stand one after another, for a customer
            matches those of their own only.
        matches: ``(n, r)``: the rule's condition on the customer is surely true.
        targets: ``(r, k)``: its condition on the treatment is surely true.
        limit_minor: how far preferences may go together, either way.
    """
    n, k = len(matches), targets.shape[1]
    not_eligible = np.zeros((n, k), dtype=np.bool_)
    first = np.full((n, k), -1, dtype=np.int16)
    preferred = np.zeros((n, k), dtype=np.float64)
    service_tier, route = (np.full(n, -1, dtype=np.int16) for _ in range(2))
    for place, rule in enumerate(rules):
        rows, columns = np.flatnonzero(matches[:, place]), np.flatnonzero(targets[place])
        if not rows.size:
            continue
        match rule.effect:
            case "service_tier" | "route":
                column = service_tier if rule.effect == "service_tier" else route
                column[rows[column[rows] < 0]] = place
            case "not_eligible":
                not_eligible[np.ix_(rows, columns)] = True
            case "prefer":
                preferred[np.ix_(rows, columns)] += float(rule.amount_minor)
            case _:
                where = np.ix_(rows, columns)
                first[where] = np.where(first[where] < 0, np.int16(place), first[where])
    return RuleEffects(
        not_eligible=not_eligible,
        first=first,
        preferred=np.clip(preferred, -float(limit_minor), float(limit_minor)),
        service_tier=service_tier,
        route=route,
    )


def effect_that_counts(*, ruling: str, by_default: bool, rule: str | None) -> str:
    """Which of allow, adapt and block holds where a ruling and the first matching rule meet.

    Args:
        ruling: the portfolio's word on the offer.
        by_default: nobody ruled; it is the portfolio's default.
        rule: the first rule's effect; None: no rule matches.
    """
    if rule is None:
        return ruling
    if by_default:
        return rule
    return max(ruling, rule, key=_STRICTNESS.index)


def target_record(
    *,
    category: str,
    department: str,
    need: str,
    team: str,
    channel: str,
    face_value_minor: int,
    contact_cost_minor: int,
) -> dict[str, Any]:
    """What a rule may see of a treatment, by field name."""
    return {
        "offer_category": category,
        "offer_department": department,
        "offer_need": need or None,
        "offer_team": team,
        "channel": channel,
        "face_value_minor": face_value_minor,
        "contact_cost_minor": contact_cost_minor,
    }


def targets_of(rules: Sequence[RuleInForce], treatments: Sequence[Mapping[str, Any]]) -> Bools:
    """``(r, k)``: which treatments each rule is about; unknown is none of them."""
    table = np.zeros((len(rules), len(treatments)), dtype=np.bool_)
    for row, rule in enumerate(rules):
        if rule.offers is None:
            table[row] = True
        else:
            asked = rule.offers.evaluate
            table[row] = [asked(each) is True for each in treatments]
    return table
