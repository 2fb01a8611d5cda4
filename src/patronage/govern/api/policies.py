"""The rules of portfolios as REST resources: drafts, publications, roll-backs."""

from __future__ import annotations

from typing import Any

from ninja import Query, Schema, Status
from pydantic import AwareDatetime, ConfigDict, Field

from patronage.access.requests import CallerRequest
from patronage.govern import actions, reads
from patronage.govern.actions import Drafted, NewRule
from patronage.govern.api.router import router


class RuleIn(Schema):
    """One rule as a person writes it; which of the last five it needs depends on its effect."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    effect: str = Field(max_length=20)
    when: str = "true"
    offers: str = ""
    amount_minor: int | None = Field(None, strict=True)
    adaptation: dict[str, Any] = Field(default_factory=dict)
    service_tier: str = Field("", max_length=20)
    route_to: str = Field("", max_length=254)
    valid_until: AwareDatetime | None = None


class NewRules(Schema):
    """Rules in the order in which they are asked, and what they are for."""

    model_config = ConfigDict(extra="forbid")

    rules: list[RuleIn]
    note: str = Field(min_length=1, max_length=400)

    def written(self) -> list[NewRule]:
        """The same as the action takes them."""
        return [NewRule(**each.dict()) for each in self.rules]


class NewPolicy(NewRules):
    """A draft of a portfolio's rules."""

    portfolio_id: str = Field(max_length=40)


class Why(Schema):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=400)


class NewPublication(Why):
    """Why a draft is put in force, and from when on it counts; now without that."""

    valid_from: AwareDatetime | None = None


class NewRollback(Why):
    """Why an earlier version is restored; without one, the version before."""

    version_id: str | None = Field(None, max_length=40)


class PolicyQuestion(Schema):
    """Whose rules to list; without a portfolio, those of all in sight."""

    portfolio_id: str | None = Field(None, max_length=40)


class FindingOut(Schema):
    """What the author of a rule should look at."""

    rule: str
    problem: str
    by: list[str]


class PolicyDrafted(Schema):
    """A draft, and what its author should look at before publishing it."""

    version: reads.PolicyRow
    findings: list[FindingOut]


@router.get("/policy-versions", response=list[reads.PolicyRow], summary="List portfolios' rules")
def versions(request: CallerRequest, question: Query[PolicyQuestion]) -> list[reads.PolicyRow]:
    return reads.policy_versions(request.actor, request.now, portfolio_id=question.portfolio_id)


@router.post("/policy-versions", response={201: PolicyDrafted}, summary="Draft a portfolio's rules")
def draft(request: CallerRequest, new: NewPolicy) -> Status[PolicyDrafted]:
    made = actions.draft_policy(
        actor=request.actor,
        now=request.now,
        portfolio_id=new.portfolio_id,
        rules=new.written(),
        note=new.note,
    )
    return Status(201, _drafted(request, made))


@router.get(
    "/policy-versions/{version_id}", response=reads.PolicyRow, summary="Show a version's rules"
)
def version(request: CallerRequest, version_id: str) -> reads.PolicyRow:
    return reads.policy_version(request.actor, version_id, request.now)


@router.post(
    "/policy-versions/{version_id}/rules",
    response={201: PolicyDrafted},
    summary="Replace a draft's rules",
)
def change(request: CallerRequest, version_id: str, new: NewRules) -> Status[PolicyDrafted]:
    made = actions.change_draft(
        actor=request.actor,
        now=request.now,
        version_id=version_id,
        rules=new.written(),
        note=new.note,
    )
    return Status(201, _drafted(request, made))


@router.post(
    "/policy-versions/{version_id}/publications",
    response={201: reads.PolicyRow},
    summary="Put a draft in force",
)
def publish(
    request: CallerRequest, version_id: str, new: NewPublication
) -> Status[reads.PolicyRow]:
    made = actions.publish_policy(
        actor=request.actor, now=request.now, version_id=version_id, **new.dict()
    )
    return Status(201, reads.policy_version(request.actor, made.id, request.now))


@router.post(
    "/policy-versions/{version_id}/discards",
    response={201: reads.PolicyRow},
    summary="Throw a draft away",
)
def discard(request: CallerRequest, version_id: str, new: Why) -> Status[reads.PolicyRow]:
    made = actions.discard_draft(
        actor=request.actor, now=request.now, version_id=version_id, reason=new.reason
    )
    return Status(201, reads.policy_version(request.actor, made.id, request.now))


@router.post(
    "/portfolios/{portfolio_id}/rollbacks",
    response={201: reads.PolicyRow},
    summary="Restore an earlier version of a portfolio's rules",
)
def roll_back(
    request: CallerRequest, portfolio_id: str, new: NewRollback
) -> Status[reads.PolicyRow]:
    made = actions.roll_back(
        actor=request.actor, now=request.now, portfolio_id=portfolio_id, **new.dict()
    )
    return Status(201, reads.policy_version(request.actor, made.id, request.now))


def _drafted(request: CallerRequest, made: Drafted) -> PolicyDrafted:
    return PolicyDrafted(
        version=reads.policy_version(request.actor, made.version.id, request.now),
        findings=[
            FindingOut(rule=each.rule, problem=each.problem, by=list(each.by))
            for each in made.findings
        ],
    )
