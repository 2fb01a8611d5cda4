"""How are effects, reasons and outcomes called on screen, in the reader's language?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: What a manager made of an offer.
EFFECT_WORDS: Final[Mapping[str, Promise]] = {
    "allow": _("Allowed"),
    "adapt": _("Adapted"),
    "block": _("Blocked"),
}
#: The same as a button says it.
EFFECT_VERBS: Final[Mapping[str, Promise]] = {
    "allow": _("Allow"),
    "adapt": _("Adapt"),
    "block": _("Block"),
}
EFFECT_TONES: Final = {"allow": "good", "adapt": "info", "block": "bad"}

#: Why a manager ruled so, by reason code; "default" is the reason of a ruling nobody made.
RULING_WORDS: Final[Mapping[str, Promise]] = {
    "fits": _("It fits what these customers need."),
    "too_many_contacts": _("These customers hear from us often enough."),
    "wrong_customers": _("It does not suit these customers."),
    "price": _("The saving is too high for what it brings."),
    "channel": _("It does not belong in this channel for these customers."),
    "wording": _("It has to be said in another way."),
    "timing": _("It comes at the wrong time."),
    "better_offer": _("Another offer serves these customers better."),
    "quality": _("The product or its supply is not good enough at the moment."),
    "other": _("As described."),
    "default": _("The portfolio's default; nobody has ruled yet."),
}
#: The reasons that each effect has ready, the likeliest first.
REASONS_READY: Final[Mapping[str, tuple[str, ...]]] = {
    "allow": ("fits", "other"),
    "adapt": ("price", "channel", "wording", "timing", "other"),
    "block": (
        "wrong_customers",
        "better_offer",
        "too_many_contacts",
        "price",
        "timing",
        "quality",
        "other",
    ),
}

#: Why a candidate won or lost.
REASON_WORDS: Final[Mapping[str, Promise]] = {
    "ineligible": _("The customer does not meet the offer's conditions."),
    "unknown": _("A condition could not be decided: a fact about the customer is missing."),
    "no_consent": _("The customer has given no consent that covers this channel."),
    "blocked": _("The customer's manager has not allowed this offer."),
    "boundary": _("The enterprise forbids this for this customer."),
    "capped": _("The customer has been contacted as often as the contact policy allows."),
    "no_budget": _("The budget or the channel's capacity is used up."),
    "not_worth_it": _("Acting is expected to earn no more than it costs."),
    "outscored": _("Another offer is expected to earn more."),
    "chosen": _("This offer is expected to earn the most."),
    "withheld": _("This offer won, and is withheld because the customer is held out."),
}
#: The same in a word or two, for charts and headings.
REASON_NAMES: Final[Mapping[str, Promise]] = {
    "ineligible": _("Condition not met"),
    "unknown": _("Fact missing"),
    "no_consent": _("No consent"),
    "blocked": _("Not allowed"),
    "boundary": _("Forbidden"),
    "capped": _("Contacted enough"),
    "no_budget": _("Budget used up"),
    "not_worth_it": _("Not worth it"),
    "outscored": _("Another earned more"),
    "chosen": _("Chosen"),
    "withheld": _("Held out"),
}

OUTCOME_WORDS: Final[Mapping[str, Promise]] = {
    "offered": _("Offered"),
    "withheld": _("Held out"),
    "nothing": _("Nothing permitted or worth it"),
}
OUTCOME_TONES: Final = {"offered": "good", "withheld": "info", "nothing": "neutral"}

CONTACT_WORDS: Final[Mapping[str, Promise]] = {
    "queued": _("Planned"),
    "sending": _("Being sent"),
    "sent": _("Sent"),
    "cancelled": _("Cancelled"),
}
CONTACT_TONES: Final = {"queued": "info", "sending": "info", "sent": "good", "cancelled": "neutral"}


def reason_tone(reason: str) -> str:
    """The tone in which a candidate's fate is shown."""
    won = {"chosen": "good", "withheld": "info"}
    held_back = {"blocked", "boundary", "no_consent", "capped", "no_budget"}
    return won.get(reason, "warning" if reason in held_back else "neutral")


#: What a portfolio's rule does.
RULE_EFFECT_WORDS: Final[Mapping[str, Promise]] = {
    "not_eligible": _("Not eligible"),
    "allow": _("Allow"),
    "adapt": _("Adapt"),
    "block": _("Block"),
    "prefer": _("Prefer by an amount"),
    "service_tier": _("Serve in a tier"),
    "route": _("Route to a person"),
}

#: How a version of a portfolio's rules stands.
RULE_STATE_WORDS: Final[Mapping[str, Promise]] = {
    "draft": _("draft"),
    "in force": _("in force"),
    "before": _("before"),
    "discarded": _("thrown away"),
}

#: What the author of a rule should look at, by `vocabulary.predicates.analysis.Problem`.
_PROBLEMS: Final[Mapping[str, Promise]] = {
    "never true": _("It is true for nobody: it contradicts itself."),
    "always true": _("It is true for everybody, whatever is unknown of them."),
    "never false": _("It is false for nobody; it holds for everybody of whom enough is known."),
    "hidden": _("Whoever it is true for, an earlier rule decides first: it never counts."),
    "undetermined": _("Whether it ever counts could not be found out."),
}
FINDING_WORDS: Final[Mapping[str, Promise]] = {
    **_PROBLEMS,
    "never true (offers)": _("No offer is ever what it is about: it contradicts itself."),
    "always true (offers)": _("It is about every offer, whatever is unknown of it."),
    "never false (offers)": _("It is about every offer of which enough is known."),
    "undetermined (offers)": _("Whether it is about any offer could not be found out."),
}
