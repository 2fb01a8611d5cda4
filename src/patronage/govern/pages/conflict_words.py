"""How are claims, grounds, criteria and rulings written on the pages of conflicts?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KIND_WORDS: Final[Mapping[str, Promise]] = {
    "ownership": _("Whose customer is this?"),
    "contact": _("Contact, or leave in peace?"),
}
STATE_WORDS: Final[Mapping[str, Promise]] = {
    "waiting": _("Waits"),
    "overdue": _("Overdue"),
    "ruled": _("Ruled on"),
    "withdrawn": _("Withdrawn"),
}
STATE_TONES: Final = {
    "waiting": "info",
    "overdue": "bad",
    "ruled": "good",
    "withdrawn": "neutral",
}
GROUND_WORDS: Final[Mapping[str, Promise]] = {
    "contract": _("A contract says so"),
    "account": _("Part of an account of ours"),
    "region": _("Lives or buys in our region"),
    "need": _("Needs what we serve"),
    "relation": _("Knows us"),
    "holds": _("In charge today"),
    "launch": _("A product launch"),
    "promise": _("We promised it"),
    "complaint": _("A complaint is open"),
    "hardship": _("Is in hardship"),
    "wish": _("Asked for it"),
}
EVIDENCE_WORDS: Final[Mapping[str, Promise]] = {
    "contract": _("Contract"),
    "decision": _("Decision"),
    "order": _("Order"),
    "contact": _("Contact"),
    "fact": _("Fact"),
    "conversation": _("Conversation"),
}
CRITERION_WORDS: Final[Mapping[str, Promise]] = {
    "contract": _("Contract"),
    "value_share": _("Share of the value"),
    "last_decision": _("Last decision"),
    "customer_first": _("The customer's peace first"),
    "judgement": _("Judgement of who ruled"),
}
REASON_WORDS: Final[Mapping[str, Promise]] = {
    "as_ordered": _("As the declared order has it"),
    "precedent": _("As it was ruled before"),
    "customer_wish": _("The customer wants it so"),
    "value": _("Serves the customer's value best"),
    "capacity": _("Only they can look after them"),
    "other": _("Another reason"),
}
RULER_WORDS: Final[Mapping[str, Promise]] = {
    "executive": _("An executive"),
    "administrator": _("An administrator"),
}
END_WORDS: Final[Mapping[str, Promise]] = {
    "upheld": _("Upheld"),
    "not_upheld": _("Not upheld"),
    "withdrawn": _("Withdrawn"),
    "restated": _("Stated anew"),
}


def words_of(table: Mapping[str, Promise], code: str) -> str:
    """The code as people call it; one that no table has stays as it is."""
    return str(table.get(code, code))
