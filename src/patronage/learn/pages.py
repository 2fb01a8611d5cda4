"""Did it work? Held out against treated, and choices against what was taken up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.customize.models import Offer
from patronage.learn import reads
from patronage.learn.figures import CAUSAL, REPLAYED, UNSOUND
from patronage.learn.models import ReadOut

#: What a comparison may be taken for, by the words it is kept with.
VERDICT_WORDS: Final[Mapping[str, Promise]] = {
    REPLAYED: gettext_lazy(
        "Replayed history: the retailer never made these offers, so this is not an effect."
    ),
    CAUSAL: gettext_lazy(
        "Customers were held out at random, so that the difference is the effect of deciding "
        "to treat."
    ),
    UNSOUND: gettext_lazy(
        "The arms' sizes do not fit the holdout's share: find out why before reading any effect."
    ),
}
#: The differences that money measures, and those that shares do.
MONEY: Final[Mapping[str, Promise]] = {
    "margin_minor": gettext_lazy("Margin a customer"),
    "revenue_minor": gettext_lazy("Revenue a customer"),
}
SHARES: Final[Mapping[str, Promise]] = {
    "bought": gettext_lazy("Bought anything"),
    "redeemed": gettext_lazy("Took it up"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """One figure with its interval, as charts draw it."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One outcome in both arms; `why` says why it could not be known."""

    label: str
    treated: float | None
    held_out: float | None
    difference: Estimated | None
    why: str

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves zero out."""
        found = self.difference
        return found is not None and (found.low > 0.0 or found.high < 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm of the comparison."""

    title: str
    customers: int
    sent: int
    bought: int
    redeemed: int
    margin_minor: int
    cost_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """How often what was chosen was taken up, beside the most popular offer for everyone."""

    rates: Sequence[Estimated]
    customers_who_redeemed: int
    customers: int
    chosen_share: float | None
    baseline_share: float | None
    baseline: str
    difference: Estimated | None
    p_value: float | None
    why: str

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the difference leaves zero out."""
        found = self.difference
        return found is not None and (found.low > 0.0 or found.high < 0.0)


@require_safe
def read_outs(request: CallerRequest) -> HttpResponse:
    """Every read-out, the newest date first."""
    page = reads.read_outs(request.actor, before=_before(request))
    rows = [(each, _headline(each)) for each in page.read_outs]
    return render(request, "learn/read_outs.html", {"rows": rows, "next": page.next})


@require_safe
def read_out(request: CallerRequest, read_out_id: str) -> HttpResponse:
    """One read-out: what the comparison may be taken for, then its figures."""
    found = reads.read_out(request.actor, read_out_id)
    figures: dict[str, Any] = found.figures
    context = {
        "read_out": found,
        "is_pending": found.state == "pending",
        "last_day": found.window_ends_at - timedelta(microseconds=1),
        "verdict": verdict_words(figures.get("verdict", "")),
        "counts": found.run.counts,
    }
    if found.state == "read":
        context |= _read_context(figures)
    return render(request, "learn/read_out.html", context)


def _before(request: CallerRequest) -> date | None:
    """The date before which read-outs are asked for; those as of the date looked at count."""
    text = request.GET.get("before", "")
    if text:
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise Refused(
                _("%(text)s is no date. Load the list of read-outs again.") % {"text": text[:40]}
            ) from error
    return None if request.as_of is None else request.as_of + timedelta(days=1)


def verdict_words(verdict: str) -> str:
    """What a comparison may be taken for, in the reader's language."""
    return str(VERDICT_WORDS.get(verdict, verdict))


def _read_context(figures: Mapping[str, Any]) -> dict[str, Any]:
    money = [_compared(figures, name, label) for name, label in MONEY.items()]
    shares = [_compared(figures, name, label) for name, label in SHARES.items()]
    ratio, spend = figures["sample_ratio"], figures["return_on_spend"]
    return {
        "unit": figures["currency"],
        "arms": [_arm(figures["arms"][name], title) for name, title in _arms().items()],
        "money": money,
        "money_drawn": [each.difference for each in money if each.difference],
        "shares": shares,
        "shares_drawn": [each.difference for each in shares if each.difference],
        "undetermined": [each for each in (*money, *shares) if each.why],
        "margin": money[0],
        "ratio_is_sound": ratio.get("sound"),
        "ratio_why": ratio.get("undetermined", ""),
        "ratio_p": ratio.get("p_value"),
        "spend": None if "undetermined" in spend else spend,
        "spend_why": spend.get("undetermined", ""),
        "hits": _hits(figures["hit_rate"]),
    }


def _arms() -> dict[str, str]:
    return {
        "treated": _("Treated"),
        "held_out": _("Held out"),
        "nothing": _("Nothing chosen"),
    }


def _arm(arm: Mapping[str, int], title: str) -> Arm:
    names = ("customers", "sent", "bought", "redeemed", "margin_minor", "cost_minor")
    return Arm(title=title, **{name: arm[name] for name in names})


def _compared(figures: Mapping[str, Any], name: str, label: Promise) -> Compared:
    figure: Mapping[str, Any] = figures[name]
    if "undetermined" in figure:
        why = str(figure["undetermined"])
        return Compared(label=str(label), treated=None, held_out=None, difference=None, why=why)
    exact = name in SHARES
    return Compared(
        label=str(label),
        treated=_plain(figure["treated"], exact=exact),
        held_out=_plain(figure["held_out"], exact=exact),
        difference=_estimated(str(label), figure, exact=exact),
        why="",
    )


def _estimated(label: str, figure: Mapping[str, Any], *, exact: bool = True) -> Estimated:
    value, low, high = (_plain(figure[name], exact=exact) for name in ("estimate", "low", "high"))
    return Estimated(label=label, value=value, low=low, high=high)


def _plain(value: float, *, exact: bool) -> float:
    """A share as it is; money in whole minor units."""
    return value if exact else round(value)


def _hits(found: Mapping[str, Any]) -> Hits:
    pairs = {_("Chosen for each"): "chosen", _("Most popular for all"): "baseline"}
    known = {label: found.get(name, {}) for label, name in pairs.items()}
    rates = [
        _estimated(label, each["interval"]) for label, each in known.items() if "interval" in each
    ]
    paired = found.get("paired", {})
    shares = [each.get("interval", {}).get("estimate") for each in known.values()]
    return Hits(
        rates=rates,
        customers_who_redeemed=found.get("customers_who_redeemed", 0),
        customers=next((each["customers"] for each in known.values() if "customers" in each), 0),
        chosen_share=shares[0],
        baseline_share=shares[1],
        baseline=_name_of(found.get("baseline_offer_id", "")),
        difference=_estimated("", paired["interval"]) if "interval" in paired else None,
        p_value=paired.get("p_value"),
        why=str(found.get("undetermined") or _first_why(known.values())),
    )


def _first_why(figures: Any) -> str:
    return next((each["undetermined"] for each in figures if "undetermined" in each), "")


def _name_of(offer_id: str) -> str:
    return Offer.objects.filter(pk=offer_id).values_list("name", flat=True).first() or ""


def _headline(found: ReadOut) -> Compared | None:
    if found.state != "read":
        return None
    return _compared(found.figures, "margin_minor", MONEY["margin_minor"])
