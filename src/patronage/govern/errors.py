"""What can go wrong with portfolios, managers and hand-overs, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.utils.translation import gettext as _

from patronage.access.errors import NotFound, Refused


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


class NotSetUp(Refused):
    """A portfolio that `company.toml` declares does not exist yet."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            _(
                "The portfolio %(name)r that company.toml declares does not exist yet. Run "
                "`patronage portfolio set-up`, then try again."
            )
            % {"name": name}
        )


class NoManagerYet(Refused):
    """The portfolio has no manager at the instant from which customers would be in it."""

    def __init__(self, *, name: str, starts_at: datetime, wanted: datetime) -> None:
        super().__init__(
            _(
                "The portfolio %(name)r has a manager from %(instant)s on, but customers would "
                "be in it from %(instant_2)s. Run `patronage portfolio set-up` with a start "
                "that is not later than that, then try again."
            )
            % {"name": name, "instant": _instant(starts_at), "instant_2": _instant(wanted)}
        )


class NotYetACustomer(NotFound):
    """Nobody was in charge then, for there was no such customer yet."""

    def __init__(self, *, id: str, label: str, at: datetime, entered_at: datetime) -> None:
        super().__init__(noun="customer", id=id)
        sentence = _(
            "%(label)s was not a customer yet at %(instant)s: first seen at %(instant_2)s. "
            "Ask about a date from then on."
        ) % {"label": label, "instant": _instant(at), "instant_2": _instant(entered_at)}
        self.args = (sentence,)


class NoReason(Refused):
    """A change of who is in charge needs a reason that can be read later."""

    def __init__(self, *, length: int, longest: int) -> None:
        text = _("Say why, in 1 to %(longest)s characters; found %(length)s.")
        super().__init__(text % {"longest": longest, "length": length})


class NothingToHandOver(Refused):
    """No customer was named, or all of them are there already."""


class StartsInFuture(Refused):
    """Who is in charge changes when it changes, not in advance."""

    def __init__(self, *, starts_at: datetime, now: datetime) -> None:
        super().__init__(
            _(
                "This would begin at %(instant)s, which is later than now (%(instant_2)s). "
                "Leave the date out, or do it on the day."
            )
            % {"instant": _instant(starts_at), "instant_2": _instant(now)}
        )


class DatedBeforeNewest(Refused):
    """The change would rewrite who was in charge at an instant that has its answer already."""

    def __init__(self, *, name: str, starts_at: datetime, newest: datetime, more: int = 0) -> None:
        if more:
            name = _("%(name)s (and %(more)s others)") % {"name": name, "more": more}
        super().__init__(
            _(
                "%(name)s changed hands last at %(instant)s; a change dated "
                "%(instant_2)s would rewrite that. Date it after the last one, or leave the "
                "date out for now."
            )
            % {
                "name": name,
                "instant": _instant(newest),
                "instant_2": _instant(starts_at),
            }
        )


class CannotAppoint(Refused):
    """The person cannot answer for a portfolio."""


class CannotAccount(Refused):
    """Accounts cannot be arranged like this; the message says what to do."""


class CannotFence(Refused):
    """A customer cannot be put within the fence or taken out of it like this."""


class CannotServe(Refused):
    """A customer cannot be served in the tier that was named, or not for that time."""


class RuleRefused(Refused):
    """An assignment rule of `company.toml` cannot be used."""

    def __init__(self, *, portfolio: str, when: str | None, cause: Exception) -> None:
        super().__init__(
            _(
                "The rule of the portfolio %(portfolio)r (%(when)s) cannot be used: %(cause)s "
                "Correct it in company.toml and load that again."
            )
            % {"portfolio": portfolio, "when": when, "cause": cause}
        )


class OtherDate(Refused):
    """The valuation is not of the date that customers are to be assigned as of."""

    def __init__(self, *, as_of: date, run_as_of: date) -> None:
        super().__init__(
            _(
                "Customers cannot be assigned as of %(as_of)s by a valuation as of "
                "%(run_as_of)s. Value them as of %(as_of)s first."
            )
            % {"as_of": as_of, "run_as_of": run_as_of}
        )


class BadCursor(Refused):
    """The cursor is none that this list gave out."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "This list has no such place to go on from. Start at its first page, and pass "
                "`next` unchanged with the same sort order."
            )
        )


class CannotCover(Refused):
    """The person cannot stand in for the portfolio's manager, or not for that time."""


class StillInCharge(Refused):
    """Portfolios would be left without anybody who answers for them."""

    def __init__(self, *, person: str, portfolios: Iterable[str]) -> None:
        named = ", ".join(repr(each) for each in portfolios)
        text = _(
            "%(person)s is in charge of %(named)s, now or from a date to come. "
            "Appoint another manager there first."
        )
        super().__init__(text % {"person": person, "named": named})


class PolicyStands(Refused):
    """What was published or discarded never changes."""

    def __init__(self, *, version: str, id: str) -> None:
        text = _(
            "The rules of %(version)s (%(id)s) stand as they are: what was published or discarded "
            "never changes. Write a new draft, or roll back to an earlier version."
        )
        super().__init__(text % {"version": version, "id": id})


class PolicyRefused(Refused):
    """The rules cannot be kept or published as they are."""


class PolicyRuleRefused(PolicyRefused):
    """One of a portfolio's rules cannot be kept; nothing of the draft was changed."""

    def __init__(self, *, rule: str, part: str, reason: str) -> None:
        text = _("Rule '%(rule)s', %(part)s: %(reason)s")
        super().__init__(text % {"rule": rule, "part": part, "reason": reason})
        self.rule = rule
        self.part = part


class PolicyMovedOn(PolicyRefused):
    """Another version was published since the draft was written."""

    def __init__(self, *, number: int) -> None:
        text = _(
            "Version %(number)s was published since this draft was written, so publishing it would "
            "take that back unseen. Look at the difference and save the draft again, which bases "
            "it on the version in force."
        )
        super().__init__(text % {"number": number})


class LeverRefused(Refused):
    """A lever cannot be pulled: a boundary forbids it, or nobody has the right."""

    def __init__(self, *, lever: str, reasons: Iterable[str]) -> None:
        text = _("The lever '%(lever)s' was not pulled. %(reasons)s")
        super().__init__(text % {"lever": lever, "reasons": " ".join(reasons)})


class CannotGrant(Refused):
    """A right to a lever cannot be given, passed on or ended like this."""


class CannotRuleOnLever(Refused):
    """This person cannot say this about the use of a lever, or not any more."""


class BoundaryRefused(Refused):
    """A boundary cannot be set like this."""


class PriceRefused(Refused):
    """A list price cannot be used; none of those told together was kept."""


class AmountUnread(Refused):
    """What was typed is no amount in the lever's unit."""

    def __init__(self, *, text: str, expected: str) -> None:
        super().__init__(
            _("“%(text)s” is no amount here; write %(expected)s.")
            % {"text": text[:40], "expected": expected}
        )


class ClaimRefused(Refused):
    """A claim cannot be made or withdrawn like this."""


class CannotRuleOnConflict(Refused):
    """This person cannot rule on the conflict, or not like this, or not any more."""


class CapacityTaken(Refused):
    """Others took what was left of a stock or capacity."""

    def __init__(self, *, name: str, limit: int, wanted: int) -> None:
        super().__init__(
            _(
                "Of the %(limit)s of %(name)r there are not %(wanted)s left. Choose something "
                "else, or ask an executive to set the boundary anew when there is more."
            )
            % {"limit": limit, "name": name, "wanted": wanted}
        )
