"""R13: what is no JSON is refused at every route that reads JSON, in front and behind.

Our own texts always run; those of the published parsing suite run where PATRONAGE_TEST_DATA
names the folder that holds them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from patronage.access.keys import create_key
from patronage.access.roles import SYSTEM, Role
from patronage.edge.app import create_app
from patronage.site import storable
from patronage.site.storable import StorableParser

from ..stages.differentiate.history import NOW
from ..stages.edge.served import Served, serving
from .company import CALLED, Company, set_up
from .matrix import Matrix, names_of, rows_of_database
from .routes import ROWS
from .rows import Row

pytestmark = [pytest.mark.trial]

#: each is no JSON (RFC 8259), or JSON that no route asks for
OWN: Final = {
    "empty": b"",
    "white": b" \n\t ",
    "word": b"nothing",
    "half": b'{"customer": "cus_1"',
    "two": b"{}{}",
    "comma": b'{"customer": "cus_1",}',
    "comment": b'{"customer": "cus_1" /* who */}',
    "quotes": b"{'customer': 'cus_1'}",
    "bare name": b"{customer: 1}",
    "not a number": b'{"limit": NaN}',
    "infinity": b'{"limit": -Infinity}',
    "too large": b'{"limit": 1e999}',
    "leading zero": b'{"limit": 01}',
    "long number": b'{"limit": ' + b"9" * 10_000 + b"}",
    "deep list": b"[" * 60_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "closed deep list": b"[" * 30_000 + b"]" * 30_000,
    "byte order mark": b'\xef\xbb\xbf{"customer": "cus_1"}',
    "utf-16": '{"customer": "cus_1"}'.encode("utf-16"),
    "latin-1": '{"customer": "é"}'.encode("latin-1"),
    "cut utf-8": b'{"customer": "\xe2\x82"}',
    "overlong utf-8": b'{"customer": "\xc0\x80"}',
    "nul": b'{"customer": "a\0b"}',
    "escaped nul": b'{"customer": "a\\u0000b"}',
    "half a pair": b'{"customer": "\\ud83d"}',
    "tab in a text": b'{"customer": "a\tb"}',
    "bad escape": b'{"customer": "\\x41"}',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "list for object": b"[1]",
    "text": b'"cus_1"',
    "null": b"null",
}


def read_json(rows: tuple[Row, ...]) -> list[Row]:
    """The routes that read a JSON body."""
    return [row for row in rows if row.is_api and row.body and not row.path.endswith("/imports")]


@pytest.fixture
def published(published_data: Path) -> dict[str, bytes]:
    """The published texts that every parser must refuse."""
    folder = published_data / "hostile" / "json_parsing"
    if not folder.is_dir():
        pytest.skip(f"{folder} with the published parsing suite is not there")
    found = {path.name: path.read_bytes() for path in sorted(folder.glob("n_*.json"))}
    assert len(found) >= 188
    return found


def refused_behind(company: Company, texts: dict[str, bytes]) -> list[tuple[str, str, int]]:
    """Send each to every JSON route of Django's side; give what was not answered with 4xx."""
    matrix, wrong = Matrix(company), []
    names = names_of(company, company.own)
    for row in read_json(ROWS):
        role = next(role for role in matrix.by_key if row.cell(role) in "asn")
        client = matrix.by_key[role]
        client.raise_request_exception = False
        for name, text in texts.items():
            answer = client.generic("POST", row.path.format(**names), text, "application/json")
            if not 400 <= answer.status_code < 500:
                wrong.append((row.name, name, answer.status_code))
    assert wrong or rows_of_database() == matrix.before
    return wrong


@pytest.mark.django_db
def test_our_own_are_refused_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: CALLED)
    company = set_up()
    assert len(read_json(ROWS)) > 10
    assert refused_behind(company, OWN) == []


@pytest.mark.django_db
def test_the_published_are_refused_behind(
    published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: CALLED)
    assert refused_behind(set_up(), published) == []


def refused_in_front(server: Served, texts: dict[str, bytes]) -> list[tuple[str, int]]:
    statuses = [(name, server.decide(text).status) for name, text in texts.items()]
    assert server.ask("GET", "/live").status == 200
    return [(name, status) for name, status in statuses if not 400 <= status < 500]


@pytest.fixture
def server(transactional_db: None) -> Served:
    _, key = create_key(actor=SYSTEM, now=NOW, label="shop", role=Role.SERVICE)
    return Served(port=0, key=key)


def test_our_own_are_refused_in_front(server: Served) -> None:
    with serving(create_app(clock=lambda: CALLED), server.key) as served:
        assert refused_in_front(served, OWN) == []


def test_the_published_are_refused_in_front(published: dict[str, bytes], server: Served) -> None:
    with serving(create_app(clock=lambda: CALLED), server.key) as served:
        assert refused_in_front(served, published) == []


@pytest.mark.django_db
def test_a_parser_that_takes_what_is_no_json_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard parser takes NaN, which PostgreSQL refuses to keep."""
    parser = StorableParser()
    request = type("Sent", (), {"body": b'{"limit": NaN}'})()
    with pytest.raises(ValueError, match="NaN is no number"):
        parser.parse_body(request)
    monkeypatch.setattr(storable, "_no_number", float)
    assert json.dumps(parser.parse_body(request)) == '{"limit": NaN}'
