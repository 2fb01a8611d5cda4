"""What can go wrong when customers are valued, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from patronage.access.errors import Refused


class NothingToValue(Refused):
    """No customer bought anything by the date."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"No purchase is on record up to {as_of}: there is nobody to value. "
            "Import order lines, or choose a later date."
        )


class DateNotOver(Refused):
    """The date has not ended yet, so what is seen as of it could still change."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"{as_of} has not ended yet in the company's time zone, so its figures could still "
            "change. Choose a date that is over."
        )


class OtherCurrency(Refused):
    """Order lines are not in the reporting currency."""

    def __init__(self, *, lines: int, currency: str) -> None:
        super().__init__(
            f"{lines} order lines are not in {currency}, the company's reporting currency. "
            "Import them with a mapping that converts them."
        )


class UnknownCustomers(Refused):
    """The history names customers that nobody created."""

    def __init__(self, *, customer_ids: list[str], count: int) -> None:
        super().__init__(
            f"The order lines name {count} customers who are not on record, such as "
            f"{', '.join(customer_ids)}. Import the lines again, so that the customers are created."
        )


class NoUsableModel(Refused):
    """The fit failed and there is no earlier one to fall back on."""

    def __init__(self, *, kind: str, as_of: date, reason: str) -> None:
        super().__init__(
            f"The {kind} model cannot be fitted as of {as_of}: {reason} There is no earlier "
            f"{kind} model to use instead. Value a later date, or import a longer history."
        )


class HistoryTooShort(Refused):
    """No past date has both a history to forecast from and an outcome that has ended."""

    def __init__(self, *, as_of: date, horizon_days: int) -> None:
        super().__init__(
            f"The history up to {as_of} is too short for a backtest: it needs a quarter to learn "
            f"from and {horizon_days} days of outcomes after it. Import a longer history, or "
            "choose a later date."
        )


class RuleRefused(Refused):
    """An objective rule of `company.toml` cannot be read."""

    def __init__(self, *, objective: str, when: str | None, cause: Exception) -> None:
        super().__init__(
            f"The rule for the objective {objective!r} ({when}) cannot be used: {cause} "
            "Correct it in company.toml and load that again."
        )


class UnknownNeed(Refused):
    """The need is not in the company's taxonomy."""

    def __init__(self, *, name: str, known: list[str]) -> None:
        super().__init__(f"{name!r} is none of the company's needs ({', '.join(known)}). Pick one.")


class NeedClosed(Refused):
    """The need was already closed; it is not closed twice."""

    def __init__(self, *, need_id: str, status: str) -> None:
        super().__init__(f"Need {need_id} is already {status}. Record a new need if it came back.")


class UnknownObjective(Refused):
    """The objective is none of those that a customer can have."""

    def __init__(self, *, objective: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{objective!r} is none of the objectives ({', '.join(known)}). Pick one of them."
        )


class ReasonMissing(Refused):
    """What a person decides against the rules needs a reason in words."""

    def __init__(self, *, what: str) -> None:
        super().__init__(f"{what} needs a reason. Say in a few words why, so that others can see.")


class OverrideOver(Refused):
    """The last date on which an override would stand is past."""

    def __init__(self, *, until: date, today: date) -> None:
        super().__init__(
            f"An override until {until} would be over already: today is {today}. Choose a later "
            "date, or none."
        )


class NoOverride(Refused):
    """The rules' objective is in force: there is nothing to revoke."""

    def __init__(self, *, customer_id: str) -> None:
        super().__init__(
            f"No override stands for customer {customer_id}: the rules' objective is in force."
        )


class UnusableControlTotal(Refused):
    """A ledger's figure cannot be compared with anything."""

    def __init__(self, *, why: str) -> None:
        super().__init__(f"The control total cannot be used: {why}")


class PeriodMalformed(Refused):
    """A period needs two ends, the first of them not after the last."""

    def __init__(self, *, first_day: date | None, last_day: date | None) -> None:
        found = f"from {first_day or 'no day'} to {last_day or 'no day'}"
        super().__init__(
            f"A period has a first and a last day, in this order: found {found}. Give both, or "
            "neither for the quarter of the newest valuation."
        )


class WrongOrder(Refused):
    """The bridge runs from an earlier valuation to a later one."""

    def __init__(self, *, opening: date, closing: date) -> None:
        super().__init__(
            f"A bridge opens before it closes: found an opening as of {opening} and a closing as "
            f"of {closing}. Swap them, or choose another opening."
        )


class RankingMalformed(Refused):
    """A ranking or a vote cannot be understood."""

    def __init__(self, *, fault: str) -> None:
        super().__init__(f"The ranking cannot be taken like this: {fault}.")


class RankingReviewed(Refused):
    """The ranking is frozen."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"The ranking {name!r} was reviewed and does not change any more. Open another one."
        )


class SecondReviewerNeeded(Refused):
    """Whoever made a ranking cannot review it."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"You opened the ranking {name!r} or moved a client in it. Ask a person who did "
            "neither to review it."
        )


class RankingIncomplete(Refused):
    """Some client was not scored by every criterion."""

    def __init__(self, *, name: str, missing: int, clients: int) -> None:
        super().__init__(
            f"{missing} of {clients} clients of the ranking {name!r} have no vote on some "
            "criterion. Score them first: unknown is not the last place."
        )


class NotScored(Refused):
    """There is no such place to move the client from or to."""

    def __init__(self, *, customer_id: str, place: int, places: int) -> None:
        super().__init__(
            f"Customer {customer_id} cannot be put into place {place}: {places} clients have a "
            "place, from 1 on. Score the client by every criterion first, or choose a place there."
        )
