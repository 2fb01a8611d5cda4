"""What can go wrong with statements and scorecards, and what to do about it."""

from __future__ import annotations

from datetime import date

from patronage.access.errors import Refused


class Published(Refused):
    """A published statement never changes."""

    def __init__(self, *, statement_id: str) -> None:
        super().__init__(
            f"The statement {statement_id} is published and never changes. "
            "Value its date again and draft: other figures make a statement of their own."
        )


class NotValued(Refused):
    """The closing date, or the one that the quarter opens with, has no valuation."""

    def __init__(self, *, as_of: date, end: date) -> None:
        which = "closes" if as_of == end else "opens"
        super().__init__(
            f"Nobody is valued as of {end}, with which the statement as of {as_of} {which}. "
            f"Value the customers as of {end} first, then draft the statement."
        )


class DoesNotClose(Refused):
    """Opening and movements do not make the closing: nothing is stored."""

    def __init__(self, *, what: str, difference_minor: int) -> None:
        super().__init__(
            f"{what}: opening and movements differ from closing by {difference_minor} minor "
            "units, expected exactly 0. Nothing was stored; this is a fault in the calculation."
        )


class Unexplained(Refused):
    """A customer's movements, each computed by itself, miss the closing: nothing is stored."""

    def __init__(self, *, as_of: date, reason: str) -> None:
        super().__init__(
            f"The statement as of {as_of} does not close. {reason} Nothing was stored; some value "
            "was computed wrongly, or a published one was changed behind the application."
        )


class InNoPortfolio(Refused):
    """A valued customer was in no portfolio, so nobody answers for their value."""

    def __init__(self, *, customer_ids: list[str], count: int, end: date) -> None:
        super().__init__(
            f"{count} valued customers were in no portfolio when {end} ended "
            f"({', '.join(customer_ids)}). Every customer is in one from their first event on: "
            "correct when they entered, then draft the statement."
        )


class NoManagerThen(Refused):
    """A portfolio that held customers had no manager at the date."""

    def __init__(self, *, portfolio_ids: list[str], end: date) -> None:
        super().__init__(
            f"No manager answered for {', '.join(portfolio_ids)} when {end} ended. "
            "Appoint one from an earlier instant on, then draft the statement."
        )


class SamePerson(Refused):
    """Drafted and taken on by one person, or reviewed and published by the only one."""

    def __init__(self, *, statement_id: str, name: str, did: str, wants: str) -> None:
        super().__init__(
            f"{name} {did} the statement {statement_id}, so another person has to {wants} it."
        )


class NotAPerson(Refused):
    """A job cannot answer for a figure."""

    def __init__(self, *, statement_id: str) -> None:
        super().__init__(
            f"The statement {statement_id} is reviewed and published by people who answer for it, "
            "not by the system. Log in as somebody who did not draft it."
        )


class NotReviewed(Refused):
    """A statement is published after somebody reviewed it."""

    def __init__(self, *, statement_id: str) -> None:
        super().__init__(
            f"The statement {statement_id} has not been reviewed. Somebody who did not draft it "
            "reviews it first, then it can be published."
        )


class AlreadyReviewed(Refused):
    """A statement is reviewed once."""

    def __init__(self, *, statement_id: str, name: str) -> None:
        super().__init__(
            f"{name} has reviewed the statement {statement_id} already. It can be published."
        )


class QuarterNotOver(Refused):
    """A statement of part of a quarter stays a draft."""

    def __init__(self, *, as_of: date, last_day: date) -> None:
        super().__init__(
            f"The statement as of {as_of} covers part of a quarter and stays a draft. "
            f"Draft and publish the one as of {last_day}."
        )


class AlreadyPublished(Refused):
    """There is one published statement a date."""

    def __init__(self, *, as_of: date, statement_id: str) -> None:
        super().__init__(
            f"The statement as of {as_of} is published already ({statement_id}), and a published "
            "figure is never restated. What was corrected since shows in the next quarter."
        )


class DoesNotContinue(Refused):
    """A portfolio opens with another value than the published quarter before closed with."""

    def __init__(self, *, statement_id: str, as_of: date) -> None:
        super().__init__(
            f"The statement {statement_id} was drafted before the quarter before it was published "
            f"and opens with other figures. Draft the statement as of {as_of} again."
        )
