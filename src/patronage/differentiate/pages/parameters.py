"""What does each parameter of a model in use mean, in which unit, and how well is it known?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patronage.differentiate.models import ModelVersion
from patronage.differentiate.valuation.fitting import CHALLENGER

_SHOPPING: Final = gettext_lazy("With r the level: r ÷ alpha shopping days a day on average")
_LEAVING: Final = gettext_lazy("a ÷ (a + b) leave after a shopping day on average")
_MEANINGS: Final[Mapping[str, Promise]] = {
    "r": gettext_lazy("How alike customers are in how often they shop; the larger, the more alike"),
    "alpha": _SHOPPING,
    "s": gettext_lazy("How alike customers are in how soon they leave; the larger, the more alike"),
    "beta": gettext_lazy("With s the level: s ÷ beta leave a day on average"),
    "a": _LEAVING,
    "b": _LEAVING,
    "p": gettext_lazy("How alike one customer's shopping days are in spend"),
    "q": gettext_lazy("How alike customers are in what they spend; the larger, the more alike"),
    "level": gettext_lazy("Added to everybody's log odds; who buys on average is the model's"),
    "model": gettext_lazy("Weight of the chosen model's log odds"),
    "logistic": gettext_lazy("Weight of the log odds of a logistic regression on customers' facts"),
    "trees": gettext_lazy("Weight of the log odds of the boosted trees"),
    "v": gettext_lazy("With p and q the level: p × v ÷ (q − 1) a shopping day on average"),
}
#: where one letter means something else in another model
_OF_MODEL: Final[Mapping[tuple[str, str], Promise]] = {
    ("GGompertz/NBD", "b"): gettext_lazy("How fast leaving becomes likelier with age"),
    ("GGompertz/NBD", "beta"): gettext_lazy("With s the level of leaving at the first day"),
    ("CNBD-k", "alpha"): gettext_lazy("With r the level of how often they shop"),
    ("CNBD-k", "k"): gettext_lazy("How regular shopping days are; 1 is by chance alone"),
    ("CNBD-k", "dropout_at_first"): gettext_lazy("1: some leave after their first day"),
}
#: alternatives that are tried one by one, so that no error is measured
_CHOSEN: Final = frozenset({"k", "dropout_at_first"})
_IN_DAYS: Final = frozenset({("purchase", "alpha"), ("purchase", "beta")})
_PER_DAY: Final = frozenset({("GGompertz/NBD", "b")})
_IN_MONEY: Final = frozenset({("spend", "v")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter as a row of the page."""

    name: str
    value: float
    error: float | None
    #: it rests at the limit of the search, where there is no peak to measure the width of
    is_at_limit: bool
    unit: str
    meaning: Promise | str


def parameters_of(version: ModelVersion, currency: str) -> list[Parameter]:
    """Every parameter of a version that is in use; stores keep the names in orders of their own."""
    order = {name: place for place, name in enumerate(_MEANINGS)}
    given = version.parameters.items()
    return [
        Parameter(
            name=name,
            value=value,
            error=version.standard_errors.get(name),
            is_at_limit=_is_at_limit(version, name),
            unit=_unit(version, name, currency),
            meaning=_OF_MODEL.get((version.name, name), _MEANINGS.get(name, "")),
        )
        for name, value in sorted(given, key=lambda each: order.get(each[0], len(order)))
    ]


def _is_at_limit(version: ModelVersion, name: str) -> bool:
    """Of the weights of a pool no error is measured, wherever they lie."""
    if name in _CHOSEN or version.kind == CHALLENGER:
        return False
    return version.standard_errors.get(name) is None


def _unit(version: ModelVersion, name: str, currency: str) -> str:
    if (version.name, name) in _PER_DAY:
        return _("a day")
    if (version.kind, name) in _IN_DAYS and (version.name, name) != ("GGompertz/NBD", "beta"):
        return _("days")
    return currency if (version.kind, name) in _IN_MONEY else ""
