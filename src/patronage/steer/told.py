"""What did a stage of the loop do, in words and without ids?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from patronage.vocabulary.money import Money

_READ_OUT: Final[Mapping[str, Promise]] = {
    "pending": gettext_lazy("pending"),
    "read": gettext_lazy("read"),
}


def told(name: str, result: Mapping[str, Any], *, amount: Callable[[Money], str] = str) -> str:
    """Write a stage's result in the reader's language.

    Args:
        name: of the stage, as in `cycle.STAGES`.
        result: as kept with the stage's job.
        amount: writes an amount of money.
    """
    match name:
        case "value":
            worth = amount(Money(result["value_minor"], result["currency"]))
            return ngettext(
                "%(customers)s customer is worth %(worth)s",
                "%(customers)s customers are worth %(worth)s",
                result["customers"],
            ) % {"customers": _count(result["customers"]), "worth": worth}
        case "assign":
            stay = result["kept_near_edge"] + result["kept_by_hand"]
            return _("%(moved)s of %(customers)s customers moved, %(stay)s kept") % {
                "moved": _count(result["moved"]),
                "customers": _count(result["customers"]),
                "stay": _count(stay),
            }
        case "decide":
            counts = {key: result["counts"].get(key, 0) for key in ("offered", "withheld")}
            counts["nothing"] = result["counts"].get("nothing", 0)
            return _(
                "%(offered)s offered, %(withheld)s held out, "
                "%(nothing)s nothing permitted or worth it"
            ) % {key: _count(number) for key, number in counts.items()}
        case "deliver":
            return _("%(sent)s sent, %(cancelled)s cancelled") % {
                "sent": _count(result["sent"]),
                "cancelled": _count(sum(result["cancelled"].values())),
            }
        case "read out":
            return _read_outs(result["read_outs"]) or _("nothing is over yet")
        case _:
            return _("drafted")


def _read_outs(states: Mapping[str, str]) -> str:
    days = {date_format(date.fromisoformat(day), "j M Y"): state for day, state in states.items()}
    return ", ".join(f"{day}: {_READ_OUT.get(state, state)}" for day, state in days.items())


def _count(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)
