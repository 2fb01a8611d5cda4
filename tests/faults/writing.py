"""Where people and systems write texts: every field of the API, of addresses and of forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from patronage.access import vault
from patronage.access.roles import Role
from patronage.differentiate.actions import note_name
from patronage.differentiate.models import Need
from patronage.govern.models import Membership
from patronage.identify.models import Consent

from .company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A place where somebody writes."""

    name: str
    role: Role
    #: sends the text
    send: Callable[[Client, str], Any]
    #: what is kept; None where nothing is
    kept: Callable[[Any], str | None] = lambda _answer: None
    is_json: bool = True


def as_form(text: str) -> str:
    """A form is UTF-8, in which half of a surrogate pair cannot be written."""
    return text.encode("utf-8", "replace").decode()


def posted(client: Client, path: str, body: object) -> Any:
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")


def api_fields(company: Company) -> list[Field]:
    own, rest = company.own, company.foreign.portfolio_id
    customer = f"customers/{own.customer_id}"
    offer = {
        "ref": "r14",
        "team": "Fresh",
        "name": "Pears",
        "category": "PEARS",
        "department": "PRODUCE",
        "face_value_minor": 100,
        "redemption_cost_minor": 10,
        "valid_from": "2026-01-01T00:00:00Z",
        "treatments": [{"channel": "mail", "wording": "Try pears"}],
    }
    ruling = {
        "offer_id": own.offer_id,
        "portfolio_id": own.portfolio_id,
        "effect": "block",
        "reason_code": "other",
    }

    def offered(name: str) -> Field:
        return Field(
            name=f"offer {name}",
            role=Role.OFFER_OWNER,
            send=lambda c, text: posted(c, "offers", [offer | {name: text}]),
            kept=lambda answer: answer.json()["offers"][0][name],
        )

    return [
        *(offered(name) for name in ("ref", "team", "name", "description", "category", "need")),
        Field(
            name="wording",
            role=Role.OFFER_OWNER,
            send=lambda c, text: posted(
                c, "offers", [offer | {"treatments": [{"channel": "mail", "wording": text}]}]
            ),
        ),
        Field(
            name="condition",
            role=Role.OFFER_OWNER,
            send=lambda c, text: posted(c, "offers", [offer | {"eligibility": text}]),
        ),
        Field(
            name="note of a conversation",
            role=Role.AGENT,
            send=lambda c, text: posted(
                c, f"{customer}/interactions", {"need": "fresh", "channel": "call", "note": text}
            ),
            kept=lambda answer: vault.get(own.customer_id, note_name(answer.json()["need_id"])),
        ),
        Field(
            name="note of a need",
            role=Role.AGENT,
            send=lambda c, text: posted(
                c, f"{customer}/needs", {"name": "fresh", "channel": "call", "note": text}
            ),
            kept=lambda answer: vault.get(own.customer_id, note_name(answer.json()["id"])),
        ),
        Field(
            name="need",
            role=Role.AGENT,
            send=lambda c, text: posted(c, f"{customer}/needs", {"name": text, "channel": "call"}),
        ),
        Field(
            name="channel of a need",
            role=Role.AGENT,
            send=lambda c, text: posted(c, f"{customer}/needs", {"name": "fresh", "channel": text}),
            kept=lambda answer: Need.objects.get(id=answer.json()["id"]).channel,
        ),
        Field(
            name="source of a consent",
            role=Role.AGENT,
            send=lambda c, text: posted(
                c,
                f"{customer}/consents",
                {"purpose": "marketing", "channel": "mail", "state": "withdrawn", "source": text},
            ),
            kept=lambda answer: Consent.objects.get(id=answer.json()["id"]).source,
        ),
        Field(
            name="reason of a ruling",
            role=Role.MANAGER,
            send=lambda c, text: posted(c, "rulings", ruling | {"reason": text}),
            kept=lambda answer: answer.json()["reason"],
        ),
        Field(
            name="adapted wording",
            role=Role.MANAGER,
            send=lambda c, text: posted(
                c,
                "rulings",
                ruling | {"effect": "adapt", "adaptation": {"wording": text}, "reason": "x"},
            ),
            kept=lambda answer: answer.json()["adaptation"]["wording"],
        ),
        Field(
            name="name in an adaptation",
            role=Role.MANAGER,
            send=lambda c, text: posted(
                c,
                "rulings",
                ruling | {"effect": "adapt", "adaptation": {text: [text]}, "reason": "x"},
            ),
        ),
        Field(
            name="reason of a hand-over",
            role=Role.MANAGER,
            send=lambda c, text: posted(
                c,
                "handovers",
                {"customer_ids": [own.customer_id], "to_portfolio_id": rest, "reason": text},
            ),
            kept=lambda _: (
                Membership.objects.filter(customer_id=own.customer_id).latest("starts_at").reason
            ),
        ),
        Field(
            name="customer handed over",
            role=Role.MANAGER,
            send=lambda c, text: posted(
                c, "handovers", {"customer_ids": [text], "to_portfolio_id": text, "reason": "x"}
            ),
        ),
        Field(
            name="context of a decision",
            role=Role.AGENT,
            send=lambda c, text: posted(
                c, "decisions", {"customer": own.customer_id, "context": {text: text}}
            ),
        ),
        Field(
            name="customer decided for",
            role=Role.AGENT,
            send=lambda c, text: posted(c, "decisions", {"customer": text, "channel": text[:20]}),
        ),
        Field(
            name="label of a key",
            role=Role.ADMINISTRATOR,
            send=lambda c, text: posted(c, "keys", {"label": text, "role": "service"}),
            kept=lambda answer: answer.json()["label"],
        ),
        Field(
            name="product team",
            role=Role.ADMINISTRATOR,
            send=lambda c, text: posted(c, "product-teams", {"name": text, "members": []}),
            kept=lambda answer: answer.json()["name"],
        ),
        Field(
            name="member of a product team",
            role=Role.ADMINISTRATOR,
            send=lambda c, text: posted(c, "product-teams", {"name": "Frozen", "members": [text]}),
        ),
        Field(
            name="mapping of an import",
            role=Role.ADMINISTRATOR,
            send=lambda c, text: c.post("/api/v1/imports", {"mapping": text, "file": _file()}),
            is_json=False,
        ),
    ]


def _file() -> Any:
    return SimpleUploadedFile("lines.csv", b"a,b\n1,2\n")


def addresses(company: Company) -> dict[str, Role]:
    """Addresses with a place for a text, in the query or in the path."""
    own = company.own
    statement = f"/api/v1/statements/{company.statement_id}"
    return {
        "/search?q={}": Role.MANAGER,
        "/search/names?customer={}": Role.MANAGER,
        f"/accounts/{own.account_id}?search={{}}&after={{}}": Role.MANAGER,
        "/gate?q={}&team={}&state={}&sort={}&after={}": Role.MANAGER,
        "/offers?q={}": Role.OFFER_OWNER,
        f"/portfolio?portfolio={own.portfolio_id}&search={{}}&tier={{}}&need={{}}": Role.MANAGER,
        "/portfolio?portfolio={}": Role.MANAGER,
        f"/portfolio?portfolio={own.portfolio_id}&after={{}}": Role.MANAGER,
        "/portfolio/hand-over?customer={}": Role.MANAGER,
        "/equity?as_of={}": Role.EXECUTIVE,
        "/equity?statement={}": Role.EXECUTIVE,
        f"/equity/{company.statement_id}/lines/closing?portfolio={{}}&after={{}}": Role.EXECUTIVE,
        "/read-outs?before={}&after={}": Role.EXECUTIVE,
        "/imports?after={}": Role.ADMINISTRATOR,
        f"/customers/{own.customer_id}/timeline?before={{}}": Role.AGENT,
        "/customers/{}": Role.AGENT,
        "/decisions/{}": Role.AGENT,
        "/offers/{}": Role.OFFER_OWNER,
        "/gate/{}/{}": Role.MANAGER,
        "/imports/{}": Role.ADMINISTRATOR,
        "/read-outs/{}": Role.EXECUTIVE,
        "/equity/{}/lines/{}": Role.EXECUTIVE,
        "/{}": Role.EXECUTIVE,
        "/static/{}": Role.EXECUTIVE,
        "/api/v1/customers?search={}": Role.AGENT,
        "/api/v1/customers/{}": Role.AGENT,
        "/api/v1/customers/{}/timeline?before={}": Role.AGENT,
        "/api/v1/customers/{}/memberships": Role.EXECUTIVE,
        "/api/v1/customers/{}/valuations": Role.EXECUTIVE,
        "/api/v1/valuations?after={}": Role.EXECUTIVE,
        "/api/v1/offers/{}": Role.EXECUTIVE,
        "/api/v1/decisions/{}": Role.EXECUTIVE,
        "/api/v1/contacts?channel={}&after={}&customer_id={}": Role.EXECUTIVE,
        "/api/v1/audit?subject_kind={}&subject_id={}": Role.EXECUTIVE,
        "/api/v1/imports/{}": Role.EXECUTIVE,
        "/api/v1/imports?before={}": Role.EXECUTIVE,
        "/api/v1/statements/{}": Role.EXECUTIVE,
        f"{statement}/lines/closing/customers?after={{}}": Role.EXECUTIVE,
        "/api/v1/scorecards?statement_id={}": Role.EXECUTIVE,
        "/api/v1/portfolios/{}/customers?search={}&after={}": Role.MANAGER,
        "/api/v1/read-outs/{}": Role.EXECUTIVE,
        "/api/v1/{}": Role.EXECUTIVE,
    }


def forms(company: Company) -> dict[str, tuple[Role, str, dict[str, str]]]:
    """Forms, each with the address it goes to; a `{}` is where the text goes."""
    own, rest = company.own, company.foreign.portfolio_id
    gate = f"/gate/{own.offer_id}/{own.portfolio_id}"
    adapted = {"effect": "adapt", "reason_code": "other", "channels": "mail"}
    offer = {
        "name": "{}", "ref": "{}", "team": "Fresh", "description": "{}", "category": "{}",
        "department": "PRODUCE", "valid_from": "2026-01-01", "face_value": "1.00",
        "redemption_cost": "0.10", "wording_mail": "{}",
    }  # fmt: skip
    return {
        "ruling": (
            Role.MANAGER, gate, {"effect": "block", "reason_code": "other", "reason": "{}"}
        ),
        "adaptation": (
            Role.MANAGER, gate, adapted | {"wording": "{}", "reason": "x"}
        ),
        "saving": (Role.MANAGER, gate, adapted | {"face_value": "{}"}),
        "day": (Role.MANAGER, f"{gate}/preview", adapted | {"not_before": "{}"}),
        "need": (
            Role.AGENT,
            f"/customers/{own.customer_id}/needs",
            {"need": "fresh", "channel": "call", "note": "{}"},
        ),
        "need named": (Role.AGENT, f"/customers/{own.customer_id}/needs", {"need": "{}"}),
        "need closed": (
            Role.AGENT,
            f"/customers/{own.customer_id}/needs/{own.need_id}",
            {"status": "dropped", "reason": "{}"},
        ),
        "hand-over": (
            Role.MANAGER,
            "/portfolio/hand-over",
            {"customer": own.customer_id, "to_portfolio": rest, "reason": "{}", "back": "{}"},
        ),
        "offer": (Role.OFFER_OWNER, "/offers/new", offer),
        "offer's condition": (Role.OFFER_OWNER, "/offers/condition", {"eligibility": "{}"}),
        "withdrawal": (
            Role.OFFER_OWNER, f"/offers/{own.offer_id}/withdrawal", {"reason": "{}"}
        ),
        "draft": (Role.EXECUTIVE, "/equity/drafts", {"as_of": "{}"}),
        "language": (Role.EXECUTIVE, "/language/setlang/", {"language": "{}", "next": "{}"}),
        "log-in": (Role.EXECUTIVE, "/login", {"username": "{}", "password": "{}"}),
    }  # fmt: skip
