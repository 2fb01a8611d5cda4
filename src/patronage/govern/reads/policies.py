"""Which rules does each portfolio have: in force at an instant, drafted, and before?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import F, OuterRef, Q, Subquery

from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.access.scope import scope_of
from patronage.govern.fields import RULE_FIELDS, TREATMENT_FIELDS
from patronage.govern.in_charge import covered_by, portfolios_of
from patronage.govern.models import PolicyVersion, Portfolio, Rule
from patronage.govern.policies import RuleInForce, RulesInForce
from patronage.vocabulary.predicates import Predicate

State = Literal["draft", "in force", "before", "discarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule of a version, as written."""

    position: int
    name: str
    effect: str
    when: str
    #: empty: every offer
    offers: str
    amount_minor: int | None
    adaptation: dict[str, Any]
    service_tier: str
    #: e-mail address of whom it routes to; empty without one
    route_to: str
    valid_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """A version of a portfolio's rules."""

    id: str
    portfolio_id: str
    portfolio: str
    #: None for a draft
    number: int | None
    state: State
    note: str
    based_on_id: str | None
    #: the version of which it is a copy, after a roll-back
    restores_id: str | None
    created_by: str
    created_at: datetime
    published_by: str
    published_at: datetime | None
    valid_from: datetime | None
    reason: str
    #: the digest of the catalogue that its rules were typed by
    fields_digest: str
    rules: tuple[RuleRow, ...]
    #: whether the actor may change, publish or roll back
    may_change: bool


def policies_at(at: datetime) -> dict[str, RulesInForce]:
    """The published rules that count at an instant, by portfolio; for decisions, unscoped."""
    newest = (
        PolicyVersion.objects.filter(portfolio=OuterRef("pk"), valid_from__lte=at)
        .order_by("-number")
        .values("id")[:1]
    )
    ids = Portfolio.objects.annotate(version_id=Subquery(newest)).values("version_id")
    versions = {each.id: each for each in PolicyVersion.objects.filter(pk__in=ids)}
    return {
        version.portfolio_id: rules_in_force(version, at)
        for version in sorted(versions.values(), key=lambda each: each.portfolio_id)
    }


def rules_in_force(version: PolicyVersion, at: datetime) -> RulesInForce:
    """Read a version's rules that have not ended at an instant, whether it is published or not."""
    lasting = version.rules.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=at))
    return RulesInForce(
        version_id=version.id,
        number=version.number,
        rules=tuple(read_rule(each) for each in lasting.order_by("position")),
    )


def read_rule(rule: Rule) -> RuleInForce:
    """Read one rule from its trees."""
    return RuleInForce(
        name=rule.name,
        effect=rule.effect,
        when=Predicate.from_json(rule.when_tree, RULE_FIELDS),
        offers=None
        if rule.offers_tree is None
        else Predicate.from_json(rule.offers_tree, TREATMENT_FIELDS),
        amount_minor=rule.amount_minor or 0,
        adaptation=rule.adaptation,
        service_tier=rule.service_tier,
        route_to=rule.route_to_id or "",
        valid_until=rule.valid_until,
    )


def next_rule_end(now: datetime) -> datetime | None:
    """The first instant after now at which a published rule ends by itself."""
    ends = Rule.objects.filter(version__published_at__isnull=False, valid_until__gt=now)
    return ends.order_by("valid_until").values_list("valid_until", flat=True).first()


def policy_versions(
    actor: Actor, now: datetime, *, portfolio_id: str | None = None
) -> list[PolicyRow]:
    """The versions of the portfolios in the actor's scope: drafts first, then the newest.

    Raises:
        NotAllowed: the actor does not see what customers are worth.
        NotFound: there is no such portfolio in the actor's scope.
    """
    actor.require(Right.SEE_PROFITABILITY)
    scope = scope_of(actor, now)
    if portfolio_id is not None and not scope.holds(portfolio_id):
        raise NotFound(noun="portfolio", id=portfolio_id)
    found = _ordered().filter(discarded_at__isnull=True)
    if portfolio_id is not None:
        found = found.filter(portfolio_id=portfolio_id)
    return _rows(actor, now, [each for each in found if scope.holds(each.portfolio_id)])


def policy_version(actor: Actor, version_id: str, now: datetime) -> PolicyRow:
    """One version with its rules.

    Raises:
        NotAllowed: the actor does not see what customers are worth.
        NotFound: there is no such version in the actor's scope.
    """
    actor.require(Right.SEE_PROFITABILITY)
    found = _ordered().filter(pk=version_id).first()
    if found is None or not scope_of(actor, now).holds(found.portfolio_id):
        raise NotFound(noun="policy version", id=version_id)
    return _rows(actor, now, [found])[0]


def changeable(actor: Actor, now: datetime) -> frozenset[str]:
    """Ids of the portfolios whose rules the actor may change: in charge, or standing in."""
    if not actor.may(Right.RULE):
        return frozenset()
    if actor.id == SYSTEM_ID:
        return frozenset(Portfolio.objects.values_list("id", flat=True))
    return portfolios_of(actor.id, now) | covered_by(actor.id, now)


def _ordered() -> Any:
    rows = PolicyVersion.objects.select_related("portfolio").prefetch_related("rules__route_to")
    return rows.order_by(
        "portfolio__position", F("number").desc(nulls_first=True), "-created_at", "id"
    )


def _rows(actor: Actor, now: datetime, found: list[PolicyVersion]) -> list[PolicyRow]:
    mine = changeable(actor, now)
    in_force = {each.version_id for each in policies_at(now).values()}
    people = {each for version in found for each in (version.created_by, version.published_by)}
    names = dict(User.objects.filter(pk__in=people).values_list("id", "name"))
    return [_row(each, in_force, names, mine) for each in found]


def _row(
    version: PolicyVersion, in_force: set[str], names: Mapping[str, str], mine: frozenset[str]
) -> PolicyRow:
    return PolicyRow(
        id=version.id,
        portfolio_id=version.portfolio_id,
        portfolio=version.portfolio.name,
        number=version.number,
        state=_state(version, in_force),
        note=version.note,
        based_on_id=version.based_on_id,
        restores_id=version.restores_id,
        created_by=names.get(version.created_by, version.created_by),
        created_at=version.created_at,
        published_by=names.get(version.published_by, version.published_by),
        published_at=version.published_at,
        valid_from=version.valid_from,
        reason=version.reason,
        fields_digest=version.fields_digest,
        rules=tuple(
            RuleRow(
                position=each.position,
                name=each.name,
                effect=each.effect,
                when=each.when,
                offers=each.offers,
                amount_minor=each.amount_minor,
                adaptation=each.adaptation,
                service_tier=each.service_tier,
                route_to=each.route_to.email if each.route_to else "",
                valid_until=each.valid_until,
            )
            for each in sorted(version.rules.all(), key=lambda rule: rule.position)
        ),
        may_change=version.portfolio_id in mine,
    )


def _state(version: PolicyVersion, in_force: set[str]) -> State:
    if version.discarded_at is not None:
        return "discarded"
    if version.published_at is None:
        return "draft"
    return "in force" if version.id in in_force else "before"
