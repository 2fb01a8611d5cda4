"""How are the corrections of a model's level kept with its version?"""

from __future__ import annotations

from typing import Any

from patronage.science.lifetime import Calibration, ProbabilityCalibration


def as_stored(path: Calibration, buying: ProbabilityCalibration) -> dict[str, Any]:
    """JSON-safe."""
    return {
        "knots_days": list(path.knots_days),
        "factors": list(path.factors),
        "intercept": buying.intercept,
        "slope": buying.slope,
    }


def from_stored(stored: dict[str, Any]) -> tuple[Calibration, ProbabilityCalibration]:
    """What `as_stored` kept; the identities of nothing."""
    if not stored:
        return Calibration.identity(), ProbabilityCalibration.identity()
    return (
        Calibration(knots_days=tuple(stored["knots_days"]), factors=tuple(stored["factors"])),
        ProbabilityCalibration(intercept=stored["intercept"], slope=stored["slope"]),
    )
