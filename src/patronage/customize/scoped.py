"""Which ruling on an offer is about this customer? The most specific: customer, segment, portfolio.

Among rulings on the same kind of scope the newest counts. Rulings on whole portfolios stand in the
gate's tables by themselves; here are those that single somebody out: rulings on one customer, on a
segment, and blocks that are lifted for a randomised share of their customers. Their conditions are
compiled once a policy; one customer and a million come to the same answer.

What decides is given as a number for each customer and offer: -1 for the portfolio's own ruling,
else twice the place of the ruling in `Scopes.rulings`, plus one where the customer is in its test
share, so that the block is lifted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.customize.deciding import Bools, Ints
from patronage.customize.fields import FIELDS
from patronage.customize.models import Ruling
from patronage.science.arbitration import holdout_arm
from patronage.vocabulary.predicates import Policy, Predicate

Codes = NDArray[np.int32]

#: the portfolio's own ruling decides
PORTFOLIO: Final = -1


@dataclass(frozen=True, kw_only=True)
class Scopes:
    """The rulings that single somebody out, from the least to the most specific, oldest first."""

    rulings: tuple[Ruling, ...]
    #: ids of all portfolios, as in the policy
    portfolios: tuple[str, ...]
    #: ids of the open offers, as in the policy
    offers: tuple[str, ...]

    @cached_property
    def conditions(self) -> Policy:
        """The different segments, compiled into one function."""
        return Policy.compile(dict.fromkeys(each for each in self._segments if each is not None))

    @cached_property
    def column(self) -> list[int]:
        """The offer that each ruling is about."""
        place = {offer_id: column for column, offer_id in enumerate(self.offers)}
        return [place[each.offer_id] for each in self.rulings]

    @cached_property
    def row(self) -> list[int]:
        """The portfolio that each ruling holds in."""
        place = {portfolio_id: row for row, portfolio_id in enumerate(self.portfolios)}
        return [place[each.portfolio_id] for each in self.rulings]

    @cached_property
    def _segments(self) -> list[Predicate | None]:
        known: dict[str, Predicate] = {}
        return [
            None
            if each.when_tree is None
            else known.setdefault(each.about, Predicate.from_json(each.when_tree, FIELDS))
            for each in self.rulings
        ]

    @cached_property
    def _answer(self) -> list[int]:
        """Which of the conditions each ruling asks; -1: none."""
        place = {each: column for column, each in enumerate(self.conditions.predicates)}
        return [-1 if each is None else place[each] for each in self._segments]

    @cached_property
    def _in_portfolio(self) -> dict[int, list[int]]:
        """Rulings on segments and whole portfolios, by row of the portfolio."""
        found: dict[int, list[int]] = {}
        for place, each in enumerate(self.rulings):
            if each.customer_id is None:
                found.setdefault(self.row[place], []).append(place)
        return found

    @cached_property
    def _on_customer(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, each in enumerate(self.rulings):
            if each.customer_id is not None:
                found.setdefault(each.customer_id, []).append(place)
        return found

    def everybody(self, frame: pl.DataFrame, portfolio: Ints) -> Codes:
        """``int32 (n, m)``: what decides for each customer and offer.

        Args:
            frame: `customer_id` and the fields that segments ask about, one row a customer.
            portfolio: ``(n,)``: row of the customer's portfolio.
        """
        shape = (len(frame), len(self.offers))
        if not self.rulings:
            return np.broadcast_to(np.int32(PORTFOLIO), shape)
        codes = np.full(shape, PORTFOLIO, dtype=np.int32)
        answers = [
            frame.select("customer_id", told=each.to_polars().fill_null(False))["told"].to_numpy()
            for each in self.conditions.predicates
        ]
        for place, ruling in enumerate(self.rulings):
            if ruling.customer_id is None:
                about: Bools = np.asarray(portfolio == self.row[place])
                if self._answer[place] >= 0:
                    about = about & answers[self._answer[place]]
                rows = np.flatnonzero(about)
                codes[rows, self.column[place]] = 2 * place + self._lifted(
                    ruling, frame["customer_id"], rows
                )
        self._customers(codes, frame, portfolio)
        return codes

    def _customers(self, codes: Codes, frame: pl.DataFrame, portfolio: Ints) -> None:
        """Put rulings on one customer above the others."""
        pairs = [(who, place) for who, places in self._on_customer.items() for place in places]
        schema = {"customer_id": pl.String, "place": pl.Int64}
        wanted = pl.DataFrame(pairs, schema=schema, orient="row")
        found = frame.select("customer_id").with_row_index("row").join(wanted, on="customer_id")
        for row, place in found.select("row", "place").sort("place").rows():
            if portfolio[row] == self.row[place]:
                ruling, one = self.rulings[place], np.array([row])
                codes[row, self.column[place]] = (
                    2 * place + self._lifted(ruling, frame["customer_id"], one)[0]
                )

    def one(self, customer_id: str, record: Mapping[str, Any], portfolio_row: int) -> Codes:
        """``int32 (1, m)``: the same of one customer, from a record."""
        codes = np.full((1, len(self.offers)), PORTFOLIO, dtype=np.int32)
        own = self._in_portfolio.get(portfolio_row, [])
        named = [
            place
            for place in self._on_customer.get(customer_id, [])
            if self.row[place] == portfolio_row
        ]
        if not own and not named:
            return codes
        answers = self.conditions(dict(record))
        who, first = pl.Series([customer_id]), np.array([0])
        for place in [*own, *named]:
            asked = self._answer[place]
            if asked < 0 or answers[asked] is True:
                lifted = self._lifted(self.rulings[place], who, first)
                codes[0, self.column[place]] = 2 * place + lifted[0]
        return codes

    def _lifted(self, ruling: Ruling, customer_ids: pl.Series, rows: Ints) -> Codes:
        """1 for who is in the ruling's test share, by a salted hash that never flips."""
        if not ruling.test_share or not len(rows):
            return np.zeros(len(rows), dtype=np.int32)
        return in_test(ruling, customer_ids.gather(rows).to_list()).astype(np.int32)


def in_test(ruling: Ruling, customer_ids: Sequence[str]) -> Bools:
    """Who is in a block's test share: drawn by the ruling's own id, independent of any other."""
    return holdout_arm(customer_ids, f"ruling {ruling.id}", ruling.test_share)


def is_lifted(code: int) -> bool:
    """Whether a number says that the customer is in a block's test share."""
    return code >= 0 and code % 2 == 1
