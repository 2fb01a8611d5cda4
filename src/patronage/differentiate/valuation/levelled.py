"""What did outcomes say of a model's level, and how is it kept with its version?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from patronage.science.lifetime import Calibration, LevelCalibration, ProbabilityCalibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Levelled:
    """The corrections of one model; the identities where nothing is known."""

    #: what the expected path is multiplied by, by days since the fit
    path: Calibration = field(default_factory=Calibration.identity)
    #: of the probability of buying in the next quarter
    buying: ProbabilityCalibration = field(default_factory=ProbabilityCalibration.identity)
    #: where the ends of intervals of purchases are cut
    purchases: LevelCalibration = field(default_factory=LevelCalibration.identity)
    #: where those of spend, and of the value made of it, are
    spend: LevelCalibration = field(default_factory=LevelCalibration.identity)

    def stored(self) -> dict[str, Any]:
        """JSON-safe."""
        return {
            "knots_days": list(self.path.knots_days),
            "factors": list(self.path.factors),
            "intercept": self.buying.intercept,
            "slope": self.buying.slope,
            "purchase_levels": _pairs(self.purchases),
            "spend_levels": _pairs(self.spend),
        }

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """What `stored` gave; the identities of nothing, and of levels that were not kept."""
        if not stored:
            return cls()
        return cls(
            path=Calibration(
                knots_days=tuple(stored["knots_days"]), factors=tuple(stored["factors"])
            ),
            buying=ProbabilityCalibration(intercept=stored["intercept"], slope=stored["slope"]),
            purchases=_levels(stored.get("purchase_levels")),
            spend=_levels(stored.get("spend_levels")),
        )


def _pairs(levels: LevelCalibration) -> list[list[float]]:
    return [list(pair) for pair in zip(levels.shares, levels.levels, strict=True)]


def _levels(pairs: list[list[float]] | None) -> LevelCalibration:
    if pairs is None:
        return LevelCalibration.identity()
    shares, levels = zip(*pairs, strict=True)
    return LevelCalibration(shares=shares, levels=levels)
