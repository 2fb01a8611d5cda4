"""A read-out in words: what was compared, what it may be taken for, how choices fared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patronage.cli.call import current
from patronage.cli.show import Share, facts, rows, say
from patronage.learn.models import ReadOut
from patronage.vocabulary.money import Money


def show_read_out(found: ReadOut) -> None:
    """Show a read-out; JSON gives its figures as they are kept."""
    if current().json:
        facts("", {"as_of": found.run.as_of, "state": found.state, "figures": found.figures})
        return
    figures = found.figures
    say(f"Decisions as of {found.run.as_of}: {figures['verdict']}.")
    if found.state != "read":
        return
    _arms(figures["arms"], figures["currency"])
    for name, title in (("margin_minor", "margin"), ("revenue_minor", "revenue")):
        say(_difference(title, figures[name], figures["currency"]))
    _hits(figures["hit_rate"])


def _arms(arms: Mapping[str, Mapping[str, int]], currency: str) -> None:
    rows(
        "Who was offered what was chosen, who not, and for whom nothing was",
        [
            {
                "arm": name.replace("_", " "),
                "customers": arm["customers"],
                "bought": arm["bought"],
                # nothing was chosen for them that they could have taken up
                "took_it": None if name == "nothing" else arm["redeemed"],
                "revenue": Money(arm["revenue_minor"], currency),
                "margin": Money(arm["margin_minor"], currency),
            }
            for name, arm in arms.items()
        ],
    )


def _difference(title: str, figure: Mapping[str, Any], currency: str) -> str:
    if "undetermined" in figure:
        return f"Difference in {title}: undetermined, {figure['undetermined']}."
    middle, low, high = (
        Money(round(figure[name]), currency) for name in ("estimate", "low", "high")
    )
    return f"Difference in {title} a customer, treated less held out: {middle} ({low} to {high})."


def _hits(found: Mapping[str, Any]) -> None:
    if "undetermined" in found:
        say(f"Hit rate: undetermined, {found['undetermined']}.")
        return
    rates = {
        "chosen offers": found["chosen"],
        f"most popular offer ({found['baseline_category'].lower()})": found["baseline"],
    }
    known = {name: rate for name, rate in rates.items() if "undetermined" not in rate}
    rows(
        f"Of {found['customers_who_redeemed']:,} customers who redeemed anything",
        [
            {
                "what": name,
                "hits": rate["hits"],
                "of": rate["customers"],
                "rate": Share(rate["interval"]["estimate"]),
                "low": Share(rate["interval"]["low"]),
                "high": Share(rate["interval"]["high"]),
            }
            for name, rate in known.items()
        ],
        empty="Nothing was chosen for anybody who redeemed.",
    )
    paired = found["paired"]
    if "undetermined" in paired:
        say(f"Against the most popular offer: undetermined, {paired['undetermined']}.")
