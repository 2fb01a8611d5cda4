"""Which of competing claims goes first by the declared order? Pure: facts in, steps out.

Ownership: a contract that a key account manager answers for; then the largest share of what the
customer brought in; then the portfolio into which the customer was put last. Uses of a customer:
a contract that calls for it; then what leaves the customer in peace. A criterion that does not
tell claims apart passes those it left on to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

OWNERSHIP: Final = "ownership"
CONTACT: Final = "contact"

#: kind of conflict → the criteria, in the order in which they are asked
ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    OWNERSHIP: ("contract", "value_share", "last_decision"),
    CONTACT: ("contract", "customer_first"),
}
#: what is noted where a person decided otherwise than the order, or where it left it open
JUDGEMENT: Final = "judgement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What counts of one claim."""

    claim_id: str
    #: portfolio, contact or quiet
    kind: str
    #: a contract is among its evidence; for ownership a key account manager answers for it too
    has_contract: bool
    #: of what the customer brought in, 0 to 1; None: nothing is known
    value_share: float | None = None
    #: since when the customer was last put into the claiming portfolio; None: never was
    last_decision: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One criterion that was asked."""

    criterion: str
    #: the claims that it left, of those it was asked about
    left: tuple[str, ...]
    #: it left one of several
    decides: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The claim that goes first, and how that came."""

    #: empty where the order does not tell
    claim_id: str
    #: that told; empty where none did
    criterion: str
    steps: tuple[Step, ...]


def suggest(kind: str, claims: Sequence[Facts]) -> Suggestion:
    """Ask the criteria of a kind of conflict in order until one claim is left."""
    left, steps = list(claims), list[Step]()
    for criterion in ORDER[kind]:
        kept = _TESTS[criterion](left) or left
        decides = len(kept) == 1 < len(left)
        steps.append(
            Step(criterion=criterion, left=tuple(each.claim_id for each in kept), decides=decides)
        )
        left = kept
        if decides:
            return Suggestion(claim_id=left[0].claim_id, criterion=criterion, steps=tuple(steps))
    return Suggestion(claim_id="", criterion="", steps=tuple(steps))


def pattern_of(kind: str, grounds: Sequence[str]) -> str:
    """How a conflict is called when another one like it is looked for."""
    return f"{kind}: {' + '.join(sorted(grounds))}"


def _under_contract(claims: list[Facts]) -> list[Facts]:
    return [each for each in claims if each.has_contract]


def _largest_share(claims: list[Facts]) -> list[Facts]:
    known = [each.value_share for each in claims if each.value_share]
    return [each for each in claims if known and each.value_share == max(known)]


def _decided_last(claims: list[Facts]) -> list[Facts]:
    known = [each.last_decision for each in claims if each.last_decision]
    return [each for each in claims if known and each.last_decision == max(known)]


def _in_peace(claims: list[Facts]) -> list[Facts]:
    return [each for each in claims if each.kind == "quiet"]


_TESTS: Final[Mapping[str, Callable[[list[Facts]], list[Facts]]]] = {
    "contract": _under_contract,
    "value_share": _largest_share,
    "last_decision": _decided_last,
    "customer_first": _in_peace,
}
