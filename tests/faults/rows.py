"""What a row of the authorisation table is, and what the rows send.

A row's letters stand for the roles in the order of `WRITTEN`; what three more roles meet follows
from theirs (`_MORE`), with the exceptions listed. The letters:
`a` allowed, whoever's it is; `s` own ones only, others look absent; `n` none, all look absent;
`.` denied, whatever is named. Nobody and a revoked key are let in by `PUBLIC` rows only.
Pages are for people: a key alone is sent to the log-in page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from patronage.access.roles import Role

WRITTEN: Final = (
    Role.EXECUTIVE,
    Role.MANAGER,
    Role.OFFER_OWNER,
    Role.AGENT,
    Role.ANALYST,
    Role.ADMINISTRATOR,
    Role.SERVICE,
)
#: a role beside the ones whose letters are written out → whose letter it has
_MORE: Final = {
    Role.KEY_ACCOUNT_MANAGER: Role.MANAGER,
    Role.COMPLAINT_HANDLER: Role.AGENT,
    Role.CAPABILITIES_MANAGER: Role.OFFER_OWNER,
}
ROLES: Final = (*WRITTEN, *_MORE)
API: Final = "/api/v1/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What each role meets at one method of one address."""

    method: str
    #: names in braces are fields of `company.Things`
    path: str
    #: a letter a role
    cells: str
    #: what is sent; names in braces as in the address
    body: Mapping[str, Any] | None = field(default=None)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_api(self) -> bool:
        return self.path.startswith(API)

    def cell(self, role: Role) -> str:
        other = EXCEPTIONS.get(role, {}).get(self.name)
        return other or self.cells[WRITTEN.index(_MORE.get(role, role))]


def api(method: str, path: str, cells: str, **body: Any) -> Row:
    sent = body if method == "POST" else None
    return Row(method=method, path=f"{API}{path}", cells=cells, body=sent)


def page(path: str, cells: str, **body: Any) -> Row:
    """A page that is looked at."""
    return Row(method="GET", path=path, cells=cells, body=body or None)


def form(path: str, cells: str, **body: Any) -> Row:
    """A form that is sent."""
    return Row(method="POST", path=path, cells=cells, body=body)


#: where one of the three further roles meets something else
EXCEPTIONS: Final[Mapping[Role, Mapping[str, str]]] = {
    Role.COMPLAINT_HANDLER: {
        f"POST {API}customers/{{customer_id}}/erasure": "a",
        f"GET {API}erasures": "a",
        "GET /privacy": "a",
        "POST /customers/{customer_id}/erasure": "a",
        f"POST {API}decisions": ".",
        f"POST {API}decisions/{{decision_id}}/option-choices": ".",
    },
    Role.CAPABILITIES_MANAGER: {
        f"GET {API}contacts/in-doubt": "a",
        f"POST {API}deliveries": "a",
        f"POST {API}contacts/{{contact_id}}/settlement": "n",
        f"GET {API}cycles": "a",
        "GET /cycles": "a",
        f"GET {API}offers/{{offer_id}}": "a",
        "GET /offers/{offer_id}": "a",
        f"POST {API}offers": ".",
        f"POST {API}offers/{{offer_id}}/withdrawal": ".",
        f"GET {API}offers/{{offer_id}}/rulings": "a",
        f"POST {API}offers/{{offer_id}}/versions": ".",
        f"POST {API}rulings/{{ruling_id}}/messages": ".",
        "POST /rulings/{ruling_id}/messages": ".",
        "GET /offers/{offer_id}/resubmission": ".",
        "POST /offers/{offer_id}/resubmission": ".",
        f"GET {API}sales-targets": ".",
        f"POST {API}sales-targets": ".",
        "POST /offers/targets": ".",
        "GET /offers": ".",
        "GET /offers/new": ".",
        "POST /offers/new": ".",
        "POST /offers/condition": ".",
        "POST /offers/{offer_id}/withdrawal": ".",
    },
}

OFFER: Final = {
    "ref": "r17",
    "team": "Fresh",
    "name": "Pears",
    "category": "PEARS",
    "department": "PRODUCE",
    "face_value_minor": 100,
    "redemption_cost_minor": 10,
    "valid_from": "2026-01-01T00:00:00Z",
    "treatments": [{"channel": "mail", "wording": "Try pears"}],
}
SAID: Final = {"need": "fresh", "channel": "call"}
GRANTED: Final = {"lever": "message", "limit": 1, "per": "use", "reason": "tests"}
PART: Final = {"person_id": "{deputy_id}", "limit": 1, "reason": "tests"}
PULLED: Final = {"lever": "message", "amount": 1, "reason": "tests"}
BOUNDED: Final = {"name": "Tests", "kind": "law", "source": "law"}
RULED: Final = {"effect": "block", "reason_code": "other", "reason": "tests"}
CLAIMED: Final = {"kind": "portfolio", "grounds": "need"}
WORD: Final = {"reason_code": "other", "reason": "tests"}
AS_OF: Final = "2024-12-31"
#: after everybody has called, and before any cover begins
LATER: Final = "2026-02-01T00:00:00Z"
