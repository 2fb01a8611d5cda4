"""Why did a candidate win or lose: one closed list, small numbers for arrays, words for people.

The numbers are written into decision logs, so a number once given is never reused. None is 0:
an array that nobody filled holds no valid reason.
"""

from enum import IntEnum, unique
from types import MappingProxyType
from typing import Final


@unique
class Reason(IntEnum):
    """The first stage at which a candidate fell out; `STAGES` has their order."""

    INELIGIBLE = 1
    UNKNOWN = 2
    NO_CONSENT = 3
    BLOCKED = 4
    BOUNDARY = 5
    CAPPED = 6
    NO_BUDGET = 7
    NOT_WORTH_IT = 8
    OUTSCORED = 9
    CHOSEN = 10
    WITHHELD = 11
    FENCED = 12
    NOT_AVAILABLE = 13


#: The order in which the stages are asked: numbers name a reason and say nothing of its place.
STAGES: Final = (
    Reason.INELIGIBLE,
    Reason.UNKNOWN,
    Reason.NO_CONSENT,
    Reason.FENCED,
    Reason.BLOCKED,
    Reason.BOUNDARY,
    Reason.NOT_AVAILABLE,
    Reason.CAPPED,
    Reason.NO_BUDGET,
    Reason.NOT_WORTH_IT,
    Reason.OUTSCORED,
    Reason.CHOSEN,
    Reason.WITHHELD,
)


@unique
class Outcome(IntEnum):
    """What the decision came to for the customer."""

    OFFERED = 1
    WITHHELD = 2
    NOTHING = 3


REASON_WORDS: Final = MappingProxyType(
    {
        Reason.INELIGIBLE: "The customer does not meet the offer's conditions.",
        Reason.UNKNOWN: "A condition could not be decided: a fact about the customer is missing.",
        Reason.NO_CONSENT: "The customer has given no consent that covers this channel.",
        Reason.FENCED: "The customer is within the fence: no campaign reaches them.",
        Reason.BLOCKED: "The customer's manager has not allowed this offer.",
        Reason.BOUNDARY: "The enterprise forbids this for this customer.",
        Reason.NOT_AVAILABLE: "It is not available: its stock or capacity is used up.",
        Reason.CAPPED: "The customer has been contacted as often as the contact policy allows.",
        Reason.NO_BUDGET: "The budget or the channel's capacity is used up.",
        Reason.NOT_WORTH_IT: "Acting is expected to earn no more than it costs.",
        Reason.OUTSCORED: "Another offer is expected to earn more.",
        Reason.CHOSEN: "This offer is expected to earn the most.",
        Reason.WITHHELD: "This offer won, and is withheld because the customer is held out.",
    }
)

OUTCOME_WORDS: Final = MappingProxyType(
    {
        Outcome.OFFERED: "Offered",
        Outcome.WITHHELD: "Held out",
        Outcome.NOTHING: "Nothing permitted or worth it",
    }
)
