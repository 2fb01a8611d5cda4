"""Which role may do what, on whose things: one row for every route, written out by hand.

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


_OFFER: Final = {
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
_SAID: Final = {"need": "fresh", "channel": "call"}
_GRANTED: Final = {"lever": "message", "limit": 1, "per": "use", "reason": "tests"}
_PART: Final = {"person_id": "{deputy_id}", "limit": 1, "reason": "tests"}
_PULLED: Final = {"lever": "message", "amount": 1, "reason": "tests"}
_BOUNDED: Final = {"name": "Tests", "kind": "law", "source": "law"}
_RULED: Final = {"effect": "block", "reason_code": "other", "reason": "tests"}
_AS_OF: Final = "2024-12-31"
#: after everybody has called, and before any cover begins
_LATER: Final = "2026-02-01T00:00:00Z"

#: E executive, M manager, O offer owner, A agent, N analyst, D administrator, S service
ROWS: Final = (
    # ------------------------------------- EMOANDS
    api("GET", "me", "aaaaaaa"),
    api("GET", "roles", "aaaaaaa"),
    api("GET", "audit", "a....a."),
    api("POST", "audit/verifications", "a....a.", checkpoints=[]),
    api("POST", "audit/checkpoints", "a....a."),
    # one's own keys are everybody's to see
    api("GET", "keys", "aaaaaaa"),
    api("POST", "keys", ".....a.", label="till", role="service"),
    api("POST", "keys/{key_id}/rotation", ".....a.", reason="tests"),
    api("POST", "keys/{key_id}/revocation", ".....a.", reason="tests"),
    api("GET", "people", ".....a."),
    api("POST", "people", ".....a.", email="x@example.com", name="X", roles=[], reason="tests"),
    api("GET", "people/{user_id}", ".....a."),
    api("GET", "people/{user_id}/roles", ".....a."),
    api("POST", "people/{user_id}/roles", ".....a.", role="agent", reason="tests"),
    api("POST", "people/{user_id}/roles/revocation", ".....a.", role="agent", reason="tests"),
    api("POST", "people/{user_id}/closure", ".....a.", reason="tests"),
    api("POST", "people/{user_id}/reopening", ".....a.", reason="tests"),
    api("POST", "people/{user_id}/password", ".....a."),
    api("POST", "people/{user_id}/second-factor/removal", ".....a.", reason="tests"),
    api("POST", "imports", ".....a.", mapping="none"),
    api("GET", "imports", "a...aa."),
    api("GET", "imports/{import_id}", "a...aa."),
    api("GET", "imports/{import_id}/quarantine", "a...aa."),
    api("GET", "imports/{import_id}/quarantine.csv", "a...aa."),
    api("GET", "customers", "aa.aa.."),
    api("GET", "customers/{customer_id}", "as.aa.."),
    api("GET", "customers/{customer_id}/timeline", "as.aa.."),
    api(
        "POST",
        "customers/{customer_id}/consents",
        ".s.a...",
        purpose="marketing",
        channel="mail",
        state="withdrawn",
        source="call",
    ),
    api("GET", "valuations", "aa..a.."),
    api("POST", "valuations", "....aa.", as_of=_AS_OF),
    api("GET", "customers/{customer_id}/valuations", "as..a.."),
    api("GET", "customers/{customer_id}/profit-and-loss", "as..a.."),
    api("POST", "customers/{customer_id}/needs", ".s.a...", name="fresh", channel="call"),
    api("GET", "value", "aa..a.."),
    api("GET", "value/distribution", "aa..a.."),
    api("GET", "value/whale-curve", "aa..a.."),
    api("GET", "value/customers", "aa..a.."),
    api("GET", "value/audit/within-period", "aa..a.."),
    api("GET", "value/audit/between-periods", "aa..a.."),
    api("GET", "value/audit/one-cohort", "aa..a.."),
    api("GET", "value/audit/cohorts", "aa..a.."),
    api("GET", "value/audit/whole-base", "aa..a.."),
    api("GET", "value/sensitivity", "aa..a.."),
    # a ledger's totals are of all customers
    api("GET", "value/reconciliation", "a...a.."),
    api(
        "POST",
        "control-totals",
        "a...a..",
        first_day="2024-10-01",
        last_day=_AS_OF,
        measure="sales",
        amount_minor=1,
        source="tests",
    ),
    api("GET", "customers/{customer_id}/divisions", "as..a.."),
    api("GET", "value/divisions", "aa..a.."),
    api("GET", "customers/{customer_id}/objective", "as..a.."),
    api(
        "POST",
        "customers/{customer_id}/objective",
        "as.....",
        objective="grow",
        reason="tests",
    ),
    api("POST", "customers/{customer_id}/objective/revocation", "as.....", reason="tests"),
    api("GET", "models", "aa..a.."),
    api("GET", "models/track-record", "aa..a.."),
    api("GET", "models/board", "aa..a.."),
    # a date that is not over: fits and backtests are tried elsewhere
    api("POST", "models", "....aa.", as_of="2199-12-31"),
    api("GET", "backtests", "aa..a.."),
    api("POST", "backtests", "....aa.", as_of="2199-12-31"),
    # none was run
    api("GET", "backtests/{backtest_id}", "nn..n.."),
    # all customers together: a manager sees their own
    api("GET", "models/tracking", "an..a.."),
    api("GET", "portfolios", "aa.aa.."),
    api("GET", "portfolios/{portfolio_id}/customers", "as..a.."),
    api("GET", "customers/{customer_id}/manager", "as.aa.."),
    api("GET", "customers/{customer_id}/memberships", "as.aa.."),
    api(
        "POST",
        "handovers",
        "as.....",
        customer_ids=["{customer_id}"],
        to_portfolio_id="{other_portfolio_id}",
        reason="tests",
    ),
    api(
        "POST",
        "portfolios/{portfolio_id}/managers",
        "a....a.",
        manager_id="{manager_id}",
        reason="tests",
    ),
    api("GET", "covers", "aa.aaa."),
    api(
        "POST",
        "covers",
        "as...a.",
        portfolio_id="{portfolio_id}",
        deputy_id="{deputy_id}",
        ends_at=_LATER,
        reason="tests",
    ),
    api("POST", "covers/{cover_id}/ends", "as...a.", reason="tests"),
    api("GET", "my-levers", "aa.a..."),
    api("GET", "grants", "aa.a..."),
    api("POST", "grants", "a......", **_GRANTED, portfolio_id="{portfolio_id}"),
    api("POST", "grants/{grant_id}/parts", ".s.n...", **_PART),
    # the whole right is an executive's to end
    api("POST", "grants/{grant_id}/ends", "an.n...", reason="tests"),
    api("GET", "lever-uses", "aa.a..."),
    api("POST", "lever-uses", ".s.a...", **_PULLED, customer_id="{customer_id}"),
    api("POST", "lever-uses/{use_id}/rulings", "as.n...", ruling="take_back", reason="tests"),
    api("GET", "boundaries", "aaaaaaa"),
    api("POST", "boundaries", "a......", **_BOUNDED, reason="tests"),
    api("POST", "boundary-previews", "a......", **_BOUNDED),
    api("POST", "boundaries/{boundary_id}/lifts", "a......", reason="tests"),
    api("GET", "customers/{customer_id}/terms", "as.aana"),
    api("POST", "list-prices", ".....a.", prices={"none": 1}, reason="tests"),
    api("GET", "policy-versions", "aa..a.."),
    api(
        "POST", "policy-versions", ".s.....", portfolio_id="{portfolio_id}", rules=[], note="tests"
    ),
    api("GET", "policy-versions/{version_id}", "as..a.."),
    api("POST", "policy-versions/{version_id}/rules", ".s.....", rules=[], note="tests"),
    api("GET", "policy-versions/{version_id}/price-tags", "as..a.."),
    api("POST", "policy-versions/{version_id}/price-tags", ".s.....", kind="estimate"),
    api("POST", "policy-versions/{version_id}/publications", ".s.....", reason="tests"),
    api("POST", "policy-versions/{version_id}/discards", ".s.....", reason="tests"),
    api("POST", "portfolios/{portfolio_id}/rollbacks", ".s.....", reason="tests"),
    api("POST", "assignments", "a....a.", as_of=_AS_OF, dry_run=True),
    api("POST", "decisions", ".s.a.na", customer="{customer_id}"),
    # who reads the audit log sees every decision
    api("GET", "decisions/{decision_id}", "as.aaa."),
    api("GET", "customers/{customer_id}/next-best-action", "as.aa.."),
    api("GET", "offers", "aaa.aaa"),
    api("GET", "offers/{offer_id}", "aas.aaa"),
    Row(method="POST", path=f"{API}offers", cells="..a..a.", body={"": [_OFFER]}),
    api("POST", "offers/{offer_id}/withdrawal", "..s..a.", reason="tests"),
    api("POST", "product-teams", ".....a.", name="Frozen", members=["ana@example.com"]),
    api("GET", "gate", "aaa.aaa"),
    api(
        "POST",
        "rulings",
        ".s.....",
        offer_id="{offer_id}",
        portfolio_id="{portfolio_id}",
        **_RULED,
    ),
    api("GET", "decision-runs", "aaa.aaa"),
    api("POST", "decision-runs", ".....a.", as_of=_AS_OF),
    api("POST", "customers/{customer_id}/interactions", ".s.a...", **_SAID),
    api("GET", "customers/{customer_id}/interactions", "as.aa.."),
    api("GET", "contacts", "aa.aa.."),
    api("GET", "contacts/in-doubt", ".....a."),
    api("POST", "deliveries", ".....a."),
    # none of the contacts is in doubt
    api("POST", "contacts/{contact_id}/settlement", ".....n.", went_out=True, reason="tests"),
    api("GET", "read-outs", "aa..aa."),
    api("GET", "read-outs/{read_out_id}", "aa..aa."),
    api("POST", "read-outs", "aa..aa.", as_of=_AS_OF),
    api("GET", "statements", "aa..aa."),
    api("GET", "statements/{statement_id}", "aa..aa."),
    api("GET", "statements/{statement_id}/lines/{kind}/customers", "aa..aa."),
    api("GET", "statements/{statement_id}/hand-overs", "aa..aa."),
    api("GET", "projections", "aa..aa."),
    api("POST", "statements", "a....a.", as_of=_AS_OF),
    api("POST", "statements/{statement_id}/review", "a...a.."),
    api("POST", "statements/{statement_id}/publication", "a......"),
    api("GET", "scorecards", "aa..aa."),
    api("GET", "cycles", "a....a."),
    api("GET", "loyalty", "aa..a.."),
    api("GET", "segments", "aa..a.."),
    api("GET", "acquisition", "aa..a.."),
    api("GET", "rankings", "aa..a.."),
    api(
        "POST",
        "rankings",
        "as.....",
        name="Tests",
        purpose="tests",
        criteria={"fit": 1.0},
        customer_ids=["{customer_id}"],
    ),
    api("GET", "rankings/{ranking_id}", "aa..a.."),
    api(
        "POST",
        "rankings/{ranking_id}/votes",
        "as.....",
        customer_id="{customer_id}",
        scores={"fit": 5},
    ),
    api(
        "POST",
        "rankings/{ranking_id}/moves",
        "as.....",
        customer_id="{customer_id}",
        place=1,
        reason="tests",
    ),
    api("POST", "rankings/{ranking_id}/review", "aa....."),
    api("GET", "levers", "aa..a.."),
    api("GET", "metrics", "aa..a.."),
    api("POST", "cycles", ".....a.", as_of=_AS_OF),
    # ------------------- pages: a service has no session
    page("/", "aaaaaa."),
    page("/search", "aa.aa..", q="Household"),
    form("/language/setlang/", "aaaaaa.", language="en"),
    page("/profile", "aaaaaa."),
    form("/profile/password", "aaaaaa."),
    form("/profile/second-factor", "aaaaaa."),
    form("/profile/second-factor/confirmation", "aaaaaa.", code="1"),
    form("/profile/second-factor/removal", "aaaaaa."),
    form("/profile/recovery-codes", "aaaaaa."),
    page("/people", ".....a."),
    form("/people/new", ".....a."),
    page("/people/{user_id}", ".....a."),
    form("/people/{user_id}/roles", ".....a.", role="agent", reason="tests"),
    form("/people/{user_id}/roles/revocation", ".....a.", role="agent", reason="tests"),
    form("/people/{user_id}/closure", ".....a.", reason="tests"),
    form("/people/{user_id}/reopening", ".....a.", reason="tests"),
    form("/people/{user_id}/password", ".....a."),
    form("/people/{user_id}/second-factor/removal", ".....a.", reason="tests"),
    page("/roles", "aaaaaa."),
    page("/keys", "aaaaaa."),
    # without a label nothing is made
    form("/keys/new", "aaaaaa."),
    form("/keys/{key_id}/rotation", ".....a.", reason="tests"),
    form("/keys/{key_id}/revocation", ".....a.", reason="tests"),
    page("/audit", "a....a."),
    page("/audit.csv", "a....a."),
    form("/audit/verification", "a....a."),
    form("/audit/checkpoint", "a....a."),
    page("/imports", "a...aa."),
    form("/imports", ".....a."),
    page("/imports/{import_id}", "a...aa."),
    page("/imports/{import_id}/quarantine.csv", "a...aa."),
    page("/value", "aa..a.."),
    page("/value/audit", "aa..a.."),
    page("/value/assumptions", "aa..a.."),
    page("/value/assumptions/steps", "aa..a.."),
    page("/value/reconciliation", "aa..a.."),
    form("/value/reconciliation/totals", "a...a..", first_day=_AS_OF, last_day=_AS_OF, amount="1"),
    page("/models", "aa..a.."),
    page("/models/tracking", "aa..a.."),
    page("/value/customers.csv", "aa..a.."),
    page("/portfolio", "as..a..", portfolio="{portfolio_id}"),
    page("/portfolio/hand-over", "as.....", customer="{customer_id}"),
    form(
        "/portfolio/hand-over",
        "as.....",
        customer="{customer_id}",
        to_portfolio="{other_portfolio_id}",
        reason="tests",
    ),
    page("/portfolios", "aa..a.."),
    page("/cover", "aa..aa."),
    form(
        "/cover",
        "as...a.",
        portfolio="{portfolio_id}",
        deputy="{deputy_id}",
        last=_LATER[:10],
        reason="tests",
    ),
    form("/cover/{cover_id}/end", "as...a.", reason="tests"),
    page("/rules", "as..a..", portfolio="{portfolio_id}"),
    form("/rules/check", ".a....."),
    page("/rules/{version_id}", "as..a.."),
    page("/rules/{version_id}/edit", ".s....."),
    form("/rules/{version_id}/edit", ".s.....", note="tests"),
    form("/rules/{version_id}/price", ".s.....", kind="estimate"),
    form("/rules/{version_id}/publish", ".s.....", reason="tests"),
    form("/rules/{version_id}/discard", ".s.....", reason="tests"),
    page("/portfolio/{portfolio_id}/rules/new", ".s....."),
    form("/portfolio/{portfolio_id}/rules/new", ".s.....", note="tests"),
    form("/portfolio/{portfolio_id}/rules/roll-back", ".s.....", reason="tests"),
    page("/assignment", "a....a."),
    # without the valuation that was looked at nobody moves
    form("/assignment", "a....a.", as_of=_AS_OF, reason="tests"),
    # who sees no customers learns how many would move, not who
    page("/assignment/movers.csv", "a......"),
    page("/my-levers", "aa.a..."),
    form("/my-levers/uses", ".s.a...", **_PULLED, customer="{customer_id}"),
    form("/my-levers/uses/{use_id}", "as.n...", ruling="take_back", reason="tests"),
    form("/my-levers/grants", "a......", lever="message", limit="1", reason="tests"),
    form("/my-levers/grants/{grant_id}/parts", ".s.n...", **_PART, person="{deputy_id}"),
    form("/my-levers/grants/{grant_id}/end", "an.n...", reason="tests"),
    page("/terms", "as.aan.", customer="{customer_id}", category="APPLES"),
    page("/boundaries", "aaaaaa."),
    form("/boundaries", "a......", **_BOUNDED, reason="tests"),
    form("/boundaries/preview", "a......", **_BOUNDED),
    form("/boundaries/{boundary_id}/lift", "a......", reason="tests"),
    page("/gate", "aa..a.."),
    page("/gate/{offer_id}/{portfolio_id}", "as..a.."),
    form("/gate/{offer_id}/{portfolio_id}", ".s.....", **_RULED),
    form("/gate/{offer_id}/{portfolio_id}/preview", "asn.an.", channels="mail"),
    page("/offers", "..a..a."),
    page("/offers/new", "..a..a."),
    form("/offers/new", "..a..a."),
    form("/offers/condition", "..a..a.", eligibility="tier = 'top'"),
    page("/offers/{offer_id}", "aas.aa."),
    form("/offers/{offer_id}/withdrawal", "..s..a.", reason="tests"),
    page("/decisions/{decision_id}", "as.aaa."),
    page("/customers/{customer_id}", "as.aa.."),
    page("/customers/{customer_id}/timeline", "as.aa.."),
    form("/customers/{customer_id}/objective", "as.....", objective="grow", reason="tests"),
    form("/customers/{customer_id}/objective/revocation", "as.....", reason="tests"),
    form("/customers/{customer_id}/needs", ".s.a...", **_SAID),
    form("/customers/{customer_id}/needs/{need_id}", ".s.a...", status="dropped"),
    page("/read-outs", "aa..aa."),
    page("/read-outs/{read_out_id}", "aa..aa."),
    page("/equity", "aa..aa."),
    form("/equity/drafts", "a....a.", as_of=_AS_OF),
    page("/equity/{statement_id}/statement.csv", "aa..aa."),
    form("/equity/{statement_id}/review", "a...a.."),
    form("/equity/{statement_id}/publication", "a......"),
    page("/equity/{statement_id}/lines/{kind}", "aa..aa."),
    page("/equity/{statement_id}/lines/{kind}.csv", "aa..aa."),
    page("/scorecards", "aa..aa."),
    page("/cycles", "a....a."),
    page("/value/loyalty", "aa..a.."),
    page("/value/segments", "aa..a.."),
    page("/value/acquisition", "aa..a.."),
    page("/rankings", "aa..a.."),
    form(
        "/rankings/openings",
        "as.....",
        name="More tests",
        purpose="tests",
        clients="{customer_id}",
        **{"criterion-0": "fit", "weight-0": "1"},
    ),
    page("/rankings/{ranking_id}", "aa..a.."),
    form("/rankings/{ranking_id}/votes", "as.....", customer="{customer_id}", **{"score-0": "5"}),
    form(
        "/rankings/{ranking_id}/moves",
        "as.....",
        customer="{customer_id}",
        place="1",
        reason="tests",
    ),
    form("/rankings/{ranking_id}/review", "aa....."),
    page("/levers", "aa..a.."),
    page("/levers.csv", "aa..a.."),
    page("/metrics", "aa..a.."),
    # without a date nothing begins
    form("/cycles", ".....a."),
)

#: where one of the three further roles meets something else
EXCEPTIONS: Final[Mapping[Role, Mapping[str, str]]] = {
    Role.COMPLAINT_HANDLER: {f"POST {API}decisions": "."},
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
        "GET /offers": ".",
        "GET /offers/new": ".",
        "POST /offers/new": ".",
        "POST /offers/condition": ".",
        "POST /offers/{offer_id}/withdrawal": ".",
    },
}
#: what anybody may ask, logged in or not
PUBLIC: Final = frozenset(
    {
        "/login",
        "/login/code",
        "/login/service",
        "/login/service/answer",
        "/logout",
        "/charts/vega-{version}.js",
        "/api/v1/",
        "/api/v1/docs",
        "/api/v1/openapi.json",
    }
)
#: what stands in front of Django; decisions by key have their own matrix
EDGE: Final = ("/live", "/ready", "/api/v1/decisions", "")
