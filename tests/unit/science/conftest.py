"""Published data sets, reduced to what the models read."""

from pathlib import Path

import pytest
from benchmarks.cdnow import Buyers, buyers


@pytest.fixture(scope="session")
def cdnow(published_data: Path) -> Buyers:
    """The one-in-ten sample of CDNOW behind the published figures: 2,357 customers."""
    return buyers(published_data / "cdnow" / "CDNOW_sample.txt")
