"""What is kept about a person cannot be read without the key, and is gone once erased."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import time
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from patronage.access import vault
from patronage.access.key_file import KeyFile, key_file
from patronage.access.models import VaultEntry
from patronage.access.texts import UnstorableText
from patronage.access.transactions import atomic
from patronage.access.vault import BeingErased, VaultRow, VaultUnreadable

PLAIN = "Zoë Quillfeather-Brønsted"


@pytest.mark.django_db
def test_what_is_put_is_got_back_and_a_later_value_replaces_it(now: datetime) -> None:
    vault.put("cus_1", "name", PLAIN, now)
    assert vault.get("cus_1", "name") == PLAIN
    vault.put("cus_1", "name", "", now)
    assert vault.get("cus_1", "name") == ""
    assert vault.get("cus_1", "email") is None
    assert vault.get("cus_2", "name") is None


@pytest.mark.django_db
def test_of_two_values_under_one_name_the_last_is_kept(now: datetime) -> None:
    vault.put("cus_1", "name", "first", now)
    rows = [VaultRow(subject_id="cus_1", name="name", text=text) for text in ("second", "third")]
    assert vault.put_many([*rows, VaultRow(subject_id="cus_2", name="name", text="x")], now) == 2
    assert vault.get("cus_1", "name") == "third"
    entry = VaultEntry.objects.get(subject_id="cus_1")
    assert entry.recorded_at == now
    assert vault.put_many([], now) == 0


@pytest.mark.django_db
def test_a_searchable_value_is_found_whatever_its_case_form_and_spacing(now: datetime) -> None:
    rows = [
        VaultRow(subject_id="cus_1", name="name", text="Straße  Ünal", searchable=True),
        VaultRow(subject_id="cus_2", name="name", text="Someone Else", searchable=True),
        VaultRow(subject_id="cus_3", name="name", text="Straße Ünal"),
        VaultRow(subject_id="cus_4", name="alias", text="Straße Ünal", searchable=True),
    ]
    assert vault.put_many(rows, now) == 4
    assert vault.find("name", " STRASSE u\u0308nal ") == ["cus_1"]
    assert vault.find("name", "Straße") == []


@pytest.mark.django_db(transaction=True)
def test_no_file_holds_a_byte_of_the_plain_text(now: datetime) -> None:
    vault.put("cus_1", "name", PLAIN, now, searchable=True)
    entry = VaultEntry.objects.get(subject_id="cus_1")
    kept = bytes(entry.nonce) + bytes(entry.ciphertext) + entry.digest.encode()
    assert b"Quillfeather" not in kept
    assert b"Quillfeather" not in Path(settings.KEY_FILE).read_bytes()
    if connection.vendor == "sqlite":
        database = Path(str(connection.settings_dict["NAME"]))
        stored = database.read_bytes() + Path(f"{database}-wal").read_bytes()
        assert b"Quillfeather" not in stored
        # The scan has power: it does see what is written in the clear.
        assert b"cus_1" in stored


@pytest.mark.django_db(transaction=True)
def test_an_erased_person_cannot_be_read_from_a_copy_of_the_ciphertext(now: datetime) -> None:
    vault.put("cus_1", "name", PLAIN, now)
    vault.put("cus_2", "name", "stays", now)
    copy = VaultEntry.objects.get(subject_id="cus_1")
    key = key_file().find(["cus_1"])["cus_1"]
    assert vault.erase("cus_1") == 1
    assert vault.get("cus_1", "name") is None
    copy.pk = None
    copy.save(force_insert=True)
    with pytest.raises(VaultUnreadable, match="its key is missing"):
        vault.get("cus_1", "name")
    assert key not in Path(settings.KEY_FILE).read_bytes()
    assert vault.get("cus_2", "name") == "stays"


@pytest.mark.django_db(transaction=True)
def test_a_key_that_was_only_hidden_would_still_be_in_the_file(now: datetime) -> None:
    vault.put("cus_1", "name", PLAIN, now)
    key = key_file().find(["cus_1"])["cus_1"]
    key_file().announce_leaving(["cus_1"])
    assert key in Path(settings.KEY_FILE).read_bytes()


@pytest.mark.django_db
def test_a_value_does_not_open_under_another_subject_or_name(now: datetime) -> None:
    vault.put("cus_1", "name", PLAIN, now)
    vault.put("cus_2", "name", "other", now)
    mine = VaultEntry.objects.get(subject_id="cus_1")
    VaultEntry.objects.filter(subject_id="cus_2").update(
        nonce=mine.nonce, ciphertext=mine.ciphertext
    )
    with pytest.raises(VaultUnreadable, match="cus_2"):
        vault.get("cus_2", "name")
    VaultEntry.objects.filter(subject_id="cus_1").update(name="email")
    with pytest.raises(VaultUnreadable, match="'email'"):
        vault.get("cus_1", "email")


@pytest.mark.django_db(transaction=True)
def test_an_erasure_that_is_rolled_back_forgets_nothing(now: datetime) -> None:
    vault.put("cus_1", "name", PLAIN, now)

    def erase_and_fail() -> None:
        with atomic():
            vault.erase("cus_1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        erase_and_fail()
    assert vault.finish_erasures() == 0
    assert vault.get("cus_1", "name") == PLAIN


@pytest.mark.django_db
def test_an_erasure_that_a_crash_cut_short_is_finished(
    now: datetime, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    vault.put("cus_1", "name", PLAIN, now)
    with django_capture_on_commit_callbacks(execute=False):
        vault.erase("cus_1")
    with pytest.raises(BeingErased):
        vault.put("cus_1", "name", "late", now)
    assert vault.finish_erasures() == 1
    assert key_file().leaving() == []
    assert vault.finish_erasures() == 0


@pytest.mark.django_db
def test_the_wrong_key_file_is_named_as_the_cause(now: datetime, tmp_path: Path) -> None:
    vault.put("cus_1", "name", PLAIN, now)
    settings.KEY_FILE = tmp_path / "other.sqlite3"
    key_file().make(["cus_1"])
    with pytest.raises(VaultUnreadable, match="key file"):
        vault.get("cus_1", "name")


def test_the_key_file_is_its_owners_alone_and_writes_no_second_file(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.sqlite3")
    file.make(["cus_1", "cus_1"])
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.sqlite3"]
    file.close()


def test_keys_survive_reopening_and_never_repeat(tmp_path: Path) -> None:
    first = KeyFile(tmp_path / "keys.sqlite3")
    keys = first.make([f"cus_{n}" for n in range(2000)])
    search = first.search_key()
    first.close()
    second = KeyFile(tmp_path / "keys.sqlite3")
    assert second.make(list(keys)) == keys
    assert second.search_key() == search
    assert len(set(keys.values())) == 2000
    second.close()


def test_a_copy_of_the_key_file_opens_what_was_sealed(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.sqlite3")
    key = file.make(["cus_1"])["cus_1"]
    file.close()
    shutil.copy(tmp_path / "keys.sqlite3", tmp_path / "copy.sqlite3")
    copy = sqlite3.connect(tmp_path / "copy.sqlite3")
    assert copy.execute("SELECT key FROM subject_key").fetchone() == (key,)
    copy.close()


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "\0 and \x01", "👩‍👩‍👧 الاسم", "x" * 100_000, "' OR 1=1 --"])
def test_any_text_that_has_a_utf8_form_comes_back_equal(now: datetime, text: str) -> None:
    vault.put("cus_1", "note:1", text, now, searchable=True)
    assert vault.get("cus_1", "note:1") == text


@pytest.mark.django_db
def test_a_text_without_utf8_form_is_refused_in_words(now: datetime) -> None:
    with pytest.raises(UnstorableText, match="surrogate"):
        vault.put("cus_1", "name", "half \ud83d", now)
    assert vault.get("cus_1", "name") is None


@pytest.mark.django_db
def test_a_hundred_thousand_values_are_kept_in_seconds(now: datetime) -> None:
    rows = [
        VaultRow(subject_id=f"cus_{n}", name="name", text=f"Person {n}", searchable=True)
        for n in range(100_000)
    ]
    start = time.perf_counter()
    assert vault.put_many(rows, now) == 100_000
    assert time.perf_counter() - start < 30
    assert VaultEntry.objects.count() == 100_000
    assert vault.find("name", "person 99999") == ["cus_99999"]
    assert vault.get_many(["cus_7", "cus_8"], "name") == {"cus_7": "Person 7", "cus_8": "Person 8"}
