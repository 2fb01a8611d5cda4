"""Which customers does the address ask for, in which order, from where on?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.http import urlencode

from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.differentiate.reads.customer_base import Chosen
from patronage.differentiate.reads.worth_list import SORTS, Sort

_TEXTS: Final = ("portfolio", "tier", "objective", "need", "cohort")
_AMOUNTS: Final = ("from", "below")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What stands in the address of the value page."""

    chosen: Chosen
    sort: Sort
    after: str
    #: filters as they stand in the address, those not given left out
    given: Mapping[str, str]

    @classmethod
    def by(cls, request: CallerRequest) -> Asked:
        """Read the address; an order that does not exist is the usual one.

        Raises:
            Refused: an end of the range of values is no amount.
        """
        texts = {name: request.GET.get(name, "").strip() for name in (*_TEXTS, *_AMOUNTS)}
        asked = request.GET.get("sort", "")
        sort: Sort = next((each for each in SORTS if each == asked), "value")
        chosen = Chosen(
            portfolio_id=texts["portfolio"],
            tier=texts["tier"],
            objective=texts["objective"],
            need=texts["need"],
            cohort=texts["cohort"],
            from_minor=_amount(texts["from"]),
            below_minor=_amount(texts["below"]),
        )
        given = {name: text for name, text in texts.items() if text}
        if request.as_of is not None:
            given["as_of"] = request.as_of.isoformat()
        return cls(chosen=chosen, sort=sort, after=request.GET.get("after", ""), given=given)

    def address(self, without: Sequence[str] = (), **changed: str | int | None) -> str:
        """The same page with some of it changed; the place in the list does not go along."""
        kept = {name: text for name, text in self.given.items() if name not in without}
        if self.sort != "value" and "sort" not in changed:
            kept["sort"] = self.sort
        kept |= {name.rstrip("_"): str(text) for name, text in changed.items() if text is not None}
        text = urlencode({name: text for name, text in kept.items() if text})
        return f"{reverse('differentiate:value')}{'?' if text else ''}{text}"


def _amount(text: str) -> int | None:
    if not text:
        return None
    try:
        amount = int(text)
    except ValueError:
        amount = None
    if amount is None or not -(2**63) <= amount < 2**63:
        raise Refused(f"{text!r} is no amount. Write it in minor units, such as 12000.")
    return amount
