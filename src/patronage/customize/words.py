"""How are effects, reasons and outcomes called on screen, in the reader's language?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
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
    "resubmitted": _("The version before was not let through; this one waits for a ruling."),
    "unanswered": _("Nobody ruled in time; the portfolio's default stands."),
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
    "fenced": _("The customer is within the fence: no campaign reaches them."),
    "blocked": _("The customer's manager has not allowed this offer."),
    "boundary": _("The enterprise forbids this for this customer."),
    "not_available": _("It is not available: its stock or capacity is used up."),
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
    "fenced": _("Within the fence"),
    "blocked": _("Not allowed"),
    "boundary": _("Forbidden"),
    "not_available": _("Not available"),
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
    held_back = {
        "fenced", "blocked", "boundary", "no_consent", "not_available", "capped", "no_budget"
    }  # fmt: skip
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

#: What kind of value a field has.
FIELD_KIND_WORDS: Final[Mapping[str, Promise]] = {
    "int": _("whole number"),
    "float": _("number"),
    "Decimal": _("number"),
    "money": _("amount of money"),
    "str": _("text"),
    "bool": _("yes or no"),
    "date": _("date"),
}

#: How a condition builder says what is asked of a field; dates have words of their own.
OPERATOR_WORDS: Final[Mapping[str, Promise]] = {
    "=": _("is"),
    "<>": _("is not"),
    "<": _("is less than"),
    "<=": _("is at most"),
    ">": _("is more than"),
    ">=": _("is at least"),
    "in": _("is one of"),
    "not in": _("is none of"),
    "between": _("is from … to …"),
    "not between": _("is not from … to …"),
    "begins with": _("begins with"),
    "does not begin with": _("does not begin with"),
    "holds": _("holds"),
    "does not hold": _("does not hold"),
    "is unknown": _("is unknown"),
    "is known": _("is known"),
    "date:<": _("is before"),
    "date:<=": _("is on or before"),
    "date:>": _("is after"),
    "date:>=": _("is on or after"),
    "str:<": _("comes before"),
    "str:<=": _("is, or comes before"),
    "str:>": _("comes after"),
    "str:>=": _("is, or comes after"),
}


def freshness_words(age: timedelta | None) -> str:
    """How old a field's value may be, in words; empty where nothing is promised."""
    if age is None:
        return ""
    if age <= timedelta(minutes=1):
        return gettext("as of now")
    days = max(1, round(age / timedelta(days=1)))
    return ngettext("at most %(n)s day old", "at most %(n)s days old", days) % {"n": days}


#: What the condition builder says besides.
BUILDER_WORDS: Final[Mapping[str, Promise]] = {
    "match": _("How many of these conditions must hold"),
    "all": _("All of these hold"),
    "any": _("At least one of these holds"),
    "none": _("None of these holds"),
    "group": _("Group"),
    "condition": _("Condition"),
    "add": _("Add a condition"),
    "addGroup": _("Add a group"),
    "remove": _("Remove the condition"),
    "removeGroup": _("Remove the group"),
    "field": _("What is asked about"),
    "choose": _("Choose what to ask about …"),
    "operator": _("What must hold of it"),
    "value": _("Value"),
    "chooseValue": _("Choose …"),
    "from": _("From"),
    "to": _("To"),
    "addValue": _("Add a value"),
    "removeValue": _("Remove the value"),
    "true": _("yes"),
    "false": _("no"),
    "asText": _("Part as text"),
    "onlyText": _("This part can only be written as text."),
    "staysText": _("It stays as text:"),
    "reads": _("It reads:"),
    "unfinished": _("Choose what to ask about."),
    "everybody": _("Without conditions: for all."),
}
