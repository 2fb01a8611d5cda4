"""R13 of tracking calls: what is no JSON is refused whole, or named among its batch's events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from patronage.identify.events.envelope import Malformed, Rejected, batch_of, single_of

pytestmark = pytest.mark.trial
NOW = datetime(2026, 1, 15, tzinfo=UTC)
BEFORE = b'{"type":"track","event":"x","messageId":"m","userId":"u","properties":{"p":'


def is_refused(body: bytes, *, in_batch: bool) -> bool:
    try:
        read = batch_of(body, NOW) if in_batch else single_of(body, "track", NOW)
    except Malformed:
        return True
    return all(isinstance(each, Rejected) for each in read.events)


def test_no_text_of_the_published_suite_is_taken_for_an_event(published_data: Path) -> None:
    texts = sorted((published_data / "hostile" / "json_parsing").glob("n_*.json"))
    assert len(texts) >= 188
    for path in texts:
        text = path.read_bytes()
        assert is_refused(text, in_batch=False), path.name
        assert is_refused(text, in_batch=True), path.name
    # the twin: what is JSON is taken, so that the refusals above are of these texts
    assert not is_refused(BEFORE + b"1}}", in_batch=False)
    assert not is_refused(b'{"batch":[' + BEFORE + b"1}}]}", in_batch=True)
