"""What is the next best action, and why does each other offer lose?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads as customize
from patronage.customize.pages.decisions import Fate, fates
from patronage.customize.reads import NextBestAction
from patronage.customize.words import OUTCOME_TONES, REASON_WORDS
from patronage.vocabulary.company import Company

#: candidates shown before the reader asks for all
FATES_SHOWN: Final = 4

#: What to do, by what would be decided.
ADVICE_WORDS: Final[Mapping[str, Promise]] = {
    "offered": gettext_lazy("Make this offer"),
    "withheld": gettext_lazy("Held out: say nothing"),
    "nothing": gettext_lazy("Leave alone"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The next best action in the reader's words."""

    action: NextBestAction
    outcome: str
    tone: str
    channel: str
    why: str
    first: Sequence[Fate]
    others: Sequence[Fate]


def next_context(
    request: CallerRequest, customer_id: str, company: Company, at: datetime
) -> dict[str, Any]:
    """What the part with the next best action shows."""
    action = customize.next_best_action(request.actor, customer_id, at)
    titles = titles_of(company)
    explained = fates(
        action.candidates, titles, company.currency, customize.named_rulings(action.candidates)
    )
    best = action.best
    return {
        "may_see_value": request.actor.may(Right.SEE_PROFITABILITY),
        "next": Next(
            action=action,
            outcome=str(ADVICE_WORDS[action.outcome]),
            tone=OUTCOME_TONES[action.outcome],
            channel=titles.get(best.channel, best.channel) if best else "",
            why=str(REASON_WORDS[best.reason]) if best else "",
            first=explained[:FATES_SHOWN],
            others=explained[FATES_SHOWN:],
        ),
    }


def titles_of(company: Company) -> dict[str, str]:
    """Channels as the company calls them."""
    return {each.name: each.title for each in company.channels}
