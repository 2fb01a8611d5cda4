"""R14: texts that break programs, in every text field of API and pages: kept as they are, or 4xx.

A NUL and half of a surrogate pair fit no store: 422, wherever they stand in a request. Our own
texts always run; where PATRONAGE_TEST_DATA names the published list, every 20th of it runs too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from django.test import Client

from patronage.site.storable import is_storable

from .company import CALLED, Company, set_up, undone
from .writing import addresses, api_fields, as_form, forms

pytestmark = [pytest.mark.trial, pytest.mark.django_db]

OWN: Final = (
    "\0",
    "a\0b",
    "\ud800",
    "x\udfffy",
    "\ud83d\ude00 \ud83d",
    "\u202eright to left\u202c \u05d0\u05d1 \u0627\u0644",
    "e\u0301\u0323\u0323\u0323 \u1e69 s\u0323\u0307",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U00020bb7",
    "\ufeff\u200b\u00a0\u2028\u2029\ufffe\uffff",
    "'; DROP TABLE identify_customer; --",
    "' OR 1=1 UNION SELECT password FROM access_user --",
    "<script>alert('patronage')</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ request.user.password }}{% debug %}",
    "${7*7} #{7*7} %(name)s %s {0.__class__} $(id) `id`",
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "%00 %ff %c0%80 \\u0000 \\x00",
    "\r\nSet-Cookie: a=b",
    "\x01\x08\x0b\x1b[31m\x7f\x9f",
    " " * 40,
    "NULL",
    "1e309",
    "\u0130\u0131\u017f\u00df",
    "a" * 5000,
)


def published() -> Iterator[str]:
    named = os.environ.get("PATRONAGE_TEST_DATA")
    path = Path(named) / "hostile" / "naughty_strings.json" if named else None
    if path is not None and path.is_file():
        yield from json.loads(path.read_text())[::20]


TEXTS: Final = (*OWN, *published())


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setattr("patronage.site.clock.now", lambda: CALLED)
    return set_up()


def test_every_text_of_the_api_comes_back_as_it_was_or_is_refused(company: Company) -> None:
    wrong: list[object] = []
    for field in api_fields(company):
        client, kept_once = company.by_key(company.keys[field.role]), False
        client.raise_request_exception = False
        for text in TEXTS if field.is_json else map(as_form, TEXTS):
            with undone():
                answer = field.send(client, text)
                expected = range(200, 500) if is_storable(text) else (422,)
                if answer.status_code not in expected:
                    wrong.append((field.name, text[:30], answer.status_code))
                elif answer.status_code < 300:
                    kept = field.kept(answer)
                    kept_once = True
                    if kept is not None and kept not in (text, text.strip()):
                        wrong.append((field.name, text[:30], kept[:30]))
        if not kept_once and field.name not in CHOSEN_NOT_WRITTEN:
            wrong.append((field.name, "never taken", ""))
    assert wrong == []


#: fields that take a name from a list, so that none of these texts is one
CHOSEN_NOT_WRITTEN: Final = frozenset(
    {
        "offer team",
        "offer need",
        "condition",
        "need",
        "name in an adaptation",
        "customer handed over",
        "customer decided for",
        "context of a decision",
        "mapping of an import",
        "member of a product team",
    }
)


def test_no_address_breaks_a_page_or_a_resource(company: Company) -> None:
    wrong: list[object] = []
    for address, role in addresses(company).items():
        is_api = address.startswith("/api/")
        client = company.by_key(company.keys[role]) if is_api else company.by_session(role)
        client.raise_request_exception = False
        for text in TEXTS:
            # half of a surrogate pair has no form in an address: what is sent is no UTF-8
            sent = quote(text.encode("utf-8", "surrogatepass"), safe="")
            answer = client.get(address.replace("{}", sent))
            is_read = not address.startswith(("/{}", "/static", "/api/v1/{}"))
            expected = (404, 422) if "\0" in text and is_read else range(200, 500)
            if answer.status_code not in expected:
                wrong.append((address, text[:30], answer.status_code))
            elif not is_api and b"<script>alert('p" in answer.content:
                wrong.append((address, text[:30], "not escaped"))
    assert wrong == []


@pytest.mark.parametrize("htmx", [False, True])
def test_no_form_breaks_on_a_text(company: Company, htmx: bool) -> None:
    wrong: list[object] = []
    for name, (role, path, fields) in forms(company).items():
        client = company.by_session(role)
        client.raise_request_exception = False
        for text in TEXTS:
            text = as_form(text)
            with undone():
                sent = {key: value.replace("{}", text) for key, value in fields.items()}
                answer = client.post(path, sent, headers={"HX-Request": "true"} if htmx else {})
            expected = (422,) if "\0" in text else range(200, 500)
            if answer.status_code not in expected:
                wrong.append((name, text[:30], answer.status_code))
    assert wrong == []


def test_a_cookie_that_no_store_keeps_is_nobodys(company: Company) -> None:
    client = Client(raise_request_exception=False)
    client.cookies.load({"sessionid": "a" * 32 + "\0"})

    answer = client.get("/gate")

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")
