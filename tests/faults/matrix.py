"""The authorisation matrix: what routes there are, and what each cell of the table answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import PathView

from patronage.access.roles import Role
from patronage.site.api import api

from ..stages.remembered import all_rows
from .company import Company, Things, undone
from .routes import PUBLIC
from .rows import API, ROLES, Row

_TOKEN: Final = re.compile(rb'(csrfmiddlewaretoken" value="|data-token=")\w+')


def django_routes(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        path = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(each.pattern))
        if isinstance(each, URLResolver):
            yield from django_routes(each, path)
        else:
            yield path, each


def routes() -> set[tuple[str, str]]:
    """Every method of every resource, and every page (whose methods it alone knows)."""
    found: set[tuple[str, str]] = set()
    for _, router in api._routers:
        for path, view in router.path_operations.items():
            resource: PathView = view
            for operation in resource.operations:
                found |= {(method, _named(API + path.lstrip("/"))) for method in operation.methods}
    for path, _ in django_routes(get_resolver()):
        if not path.startswith(API):
            found.add(("page", _named(path)))
    return found


def _named(path: str) -> str:
    """Addresses that call an id only `id` say whose it is in the table."""
    return path.replace("contacts/{id}", "contacts/{contact_id}").replace(
        "read-outs/{id}", "read-outs/{read_out_id}"
    )


def without_row(found: Iterable[tuple[str, str]], rows: Iterable[Row]) -> set[tuple[str, str]]:
    listed = {(row.method if row.is_api else "page", row.path) for row in rows}
    return {each for each in found if each not in listed and each[1] not in PUBLIC}


def rows_of_database() -> str:
    """A digest of every row of every table, sessions left out."""
    seen = hashlib.sha256()
    for table, rows in all_rows():
        if table != Session._meta.db_table:
            seen.update(f"{table} {rows!r}".encode())
    return seen.hexdigest()


class Matrix:
    """Asks every cell of rows and says which answered otherwise."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.own, self.foreign = company.own, company.foreign
        self.absent = company.absent
        self.by_key = {role: company.by_key(key) for role, key in company.keys.items()}
        self.by_session = {
            role: company.by_session(role) for role in ROLES if role is not Role.SERVICE
        } | {Role.SERVICE: self.by_key[Role.SERVICE]}
        self.strangers = [Client(), company.by_key(company.revoked)]
        self.before = rows_of_database()

    def problems(self, rows: Iterable[Row]) -> list[str]:
        found: list[str] = []
        for row in rows:
            found += self._row(row)
            if rows_of_database() != self.before:
                found.append(f"{row.name}: what was denied changed a row")
                self.before = rows_of_database()
        return found

    def _row(self, row: Row) -> Iterator[str]:
        clients = self.by_key if row.is_api else self.by_session
        for role in ROLES:
            yield from self._cell(row, role, clients[role])
        for stranger in self.strangers:
            answer = self.ask(stranger, row, self.own)
            if not _is_kept_out(row, answer):
                yield f"{row.name}: {answer.status_code} for a stranger"

    def _cell(self, row: Row, role: Role, client: Client) -> Iterator[str]:
        cell = row.cell(role)
        own = self.ask(client, row, self.own, undo=cell in "as")
        foreign = self.ask(client, row, self.foreign, undo=cell == "a")
        absent = self.ask(client, row, self.absent, undo=cell == "a")
        where = f"{row.name} as {role}"
        if cell == ".":
            for answer in (own, foreign, absent):
                denied = answer.status_code == 403 or _is_log_in(answer)
                if not denied:
                    yield f"{where}: {answer.status_code} where it is denied"
        elif cell == "n" and own.status_code != 404:
            yield f"{where}: {own.status_code} where nothing is in sight"
        elif cell in "as" and not _is_let_in(own):
            yield f"{where}: {own.status_code} {own.content[:200]!r} where it is allowed"
        if cell in "sn" and foreign.status_code != 404:
            yield f"{where}: {foreign.status_code} for a foreign one"
        if cell == "a" and not _is_let_in(foreign):
            yield f"{where}: {foreign.status_code} {foreign.content[:200]!r} for Ben's or Omar's"
        if cell != "a" and _said(foreign, self.foreign) != _said(absent, self.absent):
            yield f"{where}: foreign and absent differ"
        if cell == "a" and _names_a_thing(row) and absent.status_code not in (404, 403, 302, 422):
            yield f"{where}: {absent.status_code} for an absent one"

    def ask(self, client: Client, row: Row, things: Things, *, undo: bool = False) -> Answer:
        if not undo:
            return ask(self.company, client, row, things)
        with undone():
            return ask(self.company, client, row, things)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, as a whole."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]


def ask(company: Company, client: Client, row: Row, things: Things, **headers: str) -> Answer:
    """Send one request of a row about some things."""
    client.cookies.pop("messages", None)  # what an answer before this one had to say
    names = names_of(company, things)
    path, body = row.path.format(**names), _filled(row.body, names)
    options: dict[str, Any] = {"headers": headers}
    if row.method == "GET":
        answer: Any = client.get(path, body, **options)
    elif path.endswith("/imports"):
        file = SimpleUploadedFile("lines.csv", b"a,b\n1,2\n")
        answer = client.post(path, (body or {}) | {"file": file}, **options)
    elif row.is_api:
        sent = body[""] if body and "" in body else body
        answer = client.post(path, sent, content_type="application/json", **options)
    else:
        answer = client.post(path, body, **options)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return Answer(status_code=answer.status_code, content=content, headers=answer.headers)


def names_of(company: Company, things: Things) -> dict[str, str]:
    """What the braces of addresses and bodies stand for."""
    other = company.foreign if things is not company.foreign else company.own
    return {each.name: getattr(things, each.name) for each in fields(things)} | {
        "statement_id": company.statement_id,
        "ranking_id": company.ranking_id,
        "read_out_id": company.read_out_id,
        "import_id": company.import_id,
        "boundary_id": company.boundary_id,
        "manager_id": company.world.ben.id,
        "other_portfolio_id": other.portfolio_id,
        "kind": "closing",
        "backtest_id": "bkt_absent",
        "merge_id": "mrg_absent",
        "other_customer_id": other.customer_id,
        "version": "0",
    }


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**names) if value.startswith("{") else value
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each, names) for name, each in value.items()}
    return value


def _names_a_thing(row: Row) -> bool:
    named = f"{row.path} {row.body}"
    return any("{" + each.name + "}" in named for each in fields(Things))


def _is_log_in(answer: Answer) -> bool:
    address: str = answer.headers.get("Location", "")
    return answer.status_code == 302 and address.startswith("/login")


def _is_kept_out(row: Row, answer: Answer) -> bool:
    return answer.status_code == 401 if row.is_api else _is_log_in(answer)


def _is_let_in(answer: Answer) -> bool:
    """Past every question of right and scope; the rest may still be refused."""
    return (answer.status_code < 400 or answer.status_code == 422) and not _is_log_in(answer)


def _said(answer: Answer, things: Things) -> tuple[int, bytes]:
    text = _TOKEN.sub(rb"\1", answer.content)
    for each in fields(things):
        text = text.replace(getattr(things, each.name).encode(), each.name.encode())
    return answer.status_code, text
