"""A file channel shuts out whoever was taken over, and knows its whole lines from torn ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from patronage.interact.channels import Batch, Channel, Message, Takeover
from patronage.interact.errors import LeaseLost
from patronage.interact.file_channel import FileChannel
from patronage.vocabulary.periods import BusinessCalendar

NEW_YORK = BusinessCalendar("America/New_York")
#: nine in the evening of 31 December in New York
AT = datetime(2026, 1, 1, 2, tzinfo=UTC)


@pytest.fixture
def channel(tmp_path: Path) -> FileChannel:
    return FileChannel(name="mail", root=tmp_path, calendar=NEW_YORK)


def message(contact_id: str, wording: str = "Try apples") -> Message:
    return Message(
        contact_id=contact_id,
        customer_id="cus_1",
        identifiers=[("household_id", "7")],
        treatment_id="trt_1",
        offer="Apples",
        wording=wording,
        terms={"face_value_minor": 100},
        due_at=AT,
    )


def batch(token: str, *contact_ids: str, at: datetime = AT) -> Batch:
    return Batch(token=token, at=at, messages=[message(each) for each in contact_ids])


def takeover(token: str, *contact_ids: str) -> Takeover:
    return Takeover(tokens=frozenset([token]), contact_ids=frozenset(contact_ids), since=AT)


def test_the_file_is_that_of_the_companys_date(channel: Channel, tmp_path: Path) -> None:
    answers = channel.hand_over(batch("a", "con_1", "con_2"))
    assert [(each.contact_id, each.outcome) for each in answers] == [
        ("con_1", "sent"),
        ("con_2", "sent"),
    ]
    file = tmp_path / "mail" / "2025-12-31.jsonl"
    assert [json.loads(line)["contact"] for line in file.read_text().splitlines()] == [
        "con_1",
        "con_2",
    ]


def test_one_contact_is_one_line_whatever_its_words_hold(
    channel: FileChannel, tmp_path: Path
) -> None:
    words = 'two\nlines, a "quote", \u2028 and é\r\n'
    channel.hand_over(Batch(token="a", at=AT, messages=[message("con_1", words)]))
    (file,) = (tmp_path / "mail").glob("*.jsonl")
    (line,) = file.read_bytes().splitlines()
    assert json.loads(line)["wording"] == words


def test_what_was_handed_over_is_found_and_what_was_not_is_not(channel: FileChannel) -> None:
    channel.hand_over(batch("a", "con_1"))
    assert channel.take_over(takeover("a", "con_1", "con_2")) == {
        "con_1": "sent",
        "con_2": "unsent",
    }


def test_it_is_found_on_a_later_day_too(channel: FileChannel) -> None:
    channel.hand_over(batch("a", "con_1", at=AT + timedelta(days=40)))
    assert channel.take_over(takeover("a", "con_1")) == {"con_1": "sent"}


def test_a_token_that_was_taken_over_writes_nothing_any_more(
    channel: FileChannel, tmp_path: Path
) -> None:
    assert channel.take_over(takeover("a", "con_1")) == {"con_1": "unsent"}
    with pytest.raises(LeaseLost, match="taken over"):
        channel.hand_over(batch("a", "con_1"))
    channel.hand_over(batch("b", "con_1"))
    (file,) = (tmp_path / "mail").glob("*.jsonl")
    assert len(file.read_text().splitlines()) == 1


def test_the_broken_twin_that_forgets_tokens_doubles(
    channel: FileChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileChannel, "_shut_out_also", lambda *_: None)
    channel.take_over(takeover("a", "con_1"))
    channel.hand_over(batch("b", "con_1"))
    channel.hand_over(batch("a", "con_1"))
    (file,) = (tmp_path / "mail").glob("*.jsonl")
    assert len(file.read_text().splitlines()) == 2


def test_a_torn_line_counts_as_unsent_and_is_cut_off(channel: FileChannel, tmp_path: Path) -> None:
    channel.hand_over(batch("a", "con_1", "con_2"))
    file = tmp_path / "mail" / "2025-12-31.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    found = channel.take_over(takeover("a", "con_1", "con_2"))
    assert found == {"con_1": "sent", "con_2": "unsent"}
    channel.hand_over(batch("b", "con_2"))
    assert file.read_bytes() == whole


@pytest.mark.parametrize("name", ["", "..", "a/b", "Mail", "x" * 21, "a\x00"])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"company\.toml"):
        FileChannel(name=name, root=tmp_path, calendar=NEW_YORK)


def test_only_the_owner_reads_what_is_written(channel: FileChannel, tmp_path: Path) -> None:
    channel.hand_over(batch("a", "con_1"))
    (file,) = (tmp_path / "mail").glob("*.jsonl")
    assert file.stat().st_mode & 0o077 == 0
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0
