"""A portfolio's rules are drafted, changed, published, rolled back or thrown away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.govern.actions.conditions import not_in_future, stated
from patronage.govern.actions.rule_texts import NewRule, RuleFinding, checked_rules, findings_of
from patronage.govern.errors import PolicyMovedOn, PolicyRefused
from patronage.govern.fields import RULE_FIELDS, TREATMENT_FIELDS
from patronage.govern.models import CatalogSnapshot, PolicyVersion, Portfolio, Rule
from patronage.govern.reads.policies import changeable
from patronage.vocabulary.fields import FieldCatalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft, and what its author should look at before publishing it."""

    version: PolicyVersion
    findings: tuple[RuleFinding, ...]


def draft_policy(
    *, actor: Actor, now: datetime, portfolio_id: str, rules: Sequence[NewRule], note: str
) -> Drafted:
    """Write a draft of a portfolio's rules; nothing is decided by it until it is published.

    Raises:
        NotAllowed: the actor rules on no offers.
        NotFound: there is no such portfolio, or the actor does not lead it.
        NoReason: the note is missing.
        PolicyRefused: a rule cannot be kept; the message says which, where and why.
    """
    actor.require(Right.RULE)
    why = stated(note)
    with atomic():
        take_turns("policies")
        portfolio = _portfolio(actor, portfolio_id, now)
        checked = checked_rules(rules, actor)
        version = PolicyVersion(
            portfolio=portfolio,
            based_on=newest(portfolio.id),
            note=why,
            fields_digest=_snapshot(now),
            created_by=actor.id,
            created_at=now,
        )
        version.save(force_insert=True)
        _store(version, checked)
        _record(
            actor, now, "draft policy", version, why, {"rules": [_told(one) for one in checked]}
        )
    return Drafted(version=version, findings=tuple(findings_of(checked)))


def change_draft(
    *, actor: Actor, now: datetime, version_id: str, rules: Sequence[NewRule], note: str
) -> Drafted:
    """Replace a draft's rules; it is then based on the version in force.

    Raises:
        NotAllowed, NotFound, NoReason, PolicyRefused: as for a new draft.
        PolicyStands: it is published or discarded.
    """
    actor.require(Right.RULE)
    why = stated(note)
    with atomic():
        take_turns("policies")
        version = _version(actor, version_id, now)
        checked = checked_rules(rules, actor)
        before = {
            "note": version.note,
            "rules": [_told(each) for each in version.rules.order_by("position")],
        }
        version.note, version.fields_digest = why, _snapshot(now)
        version.based_on = newest(version.portfolio_id)
        version.save()
        version.rules.all().delete()
        _store(version, checked)
        _record(
            actor,
            now,
            "change policy draft",
            version,
            why,
            {"note": version.note, "rules": [_told(each) for each in checked]},
            before=before,
        )
    return Drafted(version=version, findings=tuple(findings_of(checked)))


def discard_draft(*, actor: Actor, now: datetime, version_id: str, reason: str) -> PolicyVersion:
    """Throw a draft away; it stays on record.

    Raises:
        NotAllowed, NotFound, NoReason: as for a new draft.
        PolicyStands: it is published or discarded.
    """
    actor.require(Right.RULE)
    why = stated(reason)
    with atomic():
        take_turns("policies")
        version = _version(actor, version_id, now)
        version.discarded_at, version.discarded_by, version.reason = now, actor.id, why
        version.save()
        _record(
            actor,
            now,
            "discard policy draft",
            version,
            why,
            {"state": "discarded"},
            before={"state": "draft"},
        )
    return version


def publish_policy(
    *,
    actor: Actor,
    now: datetime,
    version_id: str,
    reason: str,
    valid_from: datetime | None = None,
) -> PolicyVersion:
    """Put a draft in force, in every process from its next decision on; it never changes again.

    Args:
        valid_from: from when on it counts for decisions as of a date, now or earlier but not
            before the version in force; None: now.

    Raises:
        NotAllowed, NotFound, NoReason: as for a new draft.
        PolicyStands: it is published or discarded.
        PolicyMovedOn: another version was published since it was written.
        PolicyRefused: its date lies before that of the version in force.
        StartsInFuture: its date lies ahead.
    """
    actor.require(Right.RULE)
    why = stated(reason)
    starts = now if valid_from is None else not_in_future(valid_from, now)
    with atomic():
        take_turns("policies")
        version = _version(actor, version_id, now)
        before = newest(version.portfolio_id)
        if before is not None and version.is_draft and version.based_on_id != before.id:
            raise PolicyMovedOn(number=before.number or 0)
        _publish(version, before, actor, now, starts, why)
        _record(
            actor,
            now,
            "publish policy",
            version,
            why,
            _published(version),
            before=_published(before),
        )
    return version


def roll_back(
    *,
    actor: Actor,
    now: datetime,
    portfolio_id: str,
    reason: str,
    version_id: str | None = None,
) -> PolicyVersion:
    """Publish a copy of an earlier version as a new one; None: of the one before.

    Raises:
        NotAllowed, NotFound, NoReason: as for a new draft.
        PolicyRefused: there is no earlier version.
    """
    actor.require(Right.RULE)
    why = stated(reason)
    with atomic():
        take_turns("policies")
        portfolio = _portfolio(actor, portfolio_id, now)
        before = newest(portfolio.id)
        earlier = _earlier(portfolio, before, version_id)
        version = PolicyVersion(
            portfolio=portfolio,
            based_on=before,
            restores=earlier,
            note=earlier.note,
            fields_digest=earlier.fields_digest,
            created_by=actor.id,
            created_at=now,
        )
        version.save(force_insert=True)
        _store(version, [_copy(each) for each in earlier.rules.order_by("position")])
        _publish(version, before, actor, now, now, why)
        change = _published(version) | {"restores": earlier.id}
        _record(actor, now, "roll policy back", version, why, change, before=_published(before))
    return version


def newest(portfolio_id: str) -> PolicyVersion | None:
    """The version that was published last; None before the first."""
    published = PolicyVersion.objects.filter(portfolio=portfolio_id, published_at__isnull=False)
    return published.order_by("-number").first()


def _portfolio(actor: Actor, portfolio_id: str, now: datetime) -> Portfolio:
    found = Portfolio.objects.filter(pk=portfolio_id).first()
    if found is None or found.id not in changeable(actor, now):
        raise NotFound(noun="portfolio", id=portfolio_id)
    return found


def _version(actor: Actor, version_id: str, now: datetime) -> PolicyVersion:
    found = PolicyVersion.objects.select_for_update().filter(pk=version_id).first()
    if found is None or found.portfolio_id not in changeable(actor, now):
        raise NotFound(noun="policy version", id=version_id)
    return found


def _earlier(
    portfolio: Portfolio, before: PolicyVersion | None, version_id: str | None
) -> PolicyVersion:
    published = PolicyVersion.objects.filter(portfolio=portfolio, published_at__isnull=False)
    if version_id is not None:
        found = published.filter(pk=version_id).first()
        if found is None:
            raise NotFound(noun="policy version", id=version_id)
        if before is not None and found.id == before.id:
            raise PolicyRefused(
                _("Version %(number)s is in force already.") % {"number": found.number}
            )
        return found
    if before is None or before.number == 1:
        raise PolicyRefused(
            _("There is no earlier version to go back to. Publish a draft without rules instead.")
        )
    return published.get(number=(before.number or 0) - 1)


def _publish(
    version: PolicyVersion,
    before: PolicyVersion | None,
    actor: Actor,
    now: datetime,
    starts: datetime,
    why: str,
) -> None:
    since = None if before is None else before.valid_from
    if since is not None and starts < since:
        raise PolicyRefused(
            _(
                "These rules would count from %(starts)s UTC, before those of the version in "
                "force (%(since)s UTC). Choose that instant or a later one."
            )
            % {"starts": f"{starts:%Y-%m-%d %H:%M}", "since": f"{since:%Y-%m-%d %H:%M}"}
        )
    numbers = PolicyVersion.objects.filter(portfolio=version.portfolio_id)
    version.number = (numbers.aggregate(last=Max("number"))["last"] or 0) + 1
    version.published_by, version.published_at = actor.id, now
    version.valid_from, version.reason = starts, why
    version.save()


def _store(version: PolicyVersion, rules: Sequence[Rule]) -> None:
    for each in rules:
        each.version = version
    Rule.objects.bulk_create(rules)


def _copy(rule: Rule) -> Rule:
    kept = (
        "position", "name", "effect", "when", "when_tree", "offers", "offers_tree",
        "amount_minor", "adaptation", "service_tier", "route_to_id", "valid_until",
    )  # fmt: skip
    return Rule(**{name: getattr(rule, name) for name in kept})


def _snapshot(now: datetime) -> str:
    """Keep the catalogue that rules are typed by; the same catalogue is one row."""
    both = {"customers": RULE_FIELDS, "offers": TREATMENT_FIELDS}
    whole = FieldCatalog(
        each for catalog in both.values() for each in catalog.values() if each.name != "channel"
    )
    CatalogSnapshot.objects.get_or_create(
        digest=whole.digest,
        defaults={
            "fields": {name: json.loads(catalog.to_json()) for name, catalog in both.items()},
            "recorded_at": now,
        },
    )
    return whole.digest


def _told(rule: Rule) -> dict[str, Any]:
    """A rule as the audit log tells it."""
    told = {
        "name": rule.name,
        "effect": rule.effect,
        "when": rule.when,
        "offers": rule.offers,
        "amount_minor": rule.amount_minor,
        "adaptation": rule.adaptation,
        "service_tier": rule.service_tier,
        "route_to": rule.route_to_id,
        "valid_until": None if rule.valid_until is None else rule.valid_until.isoformat(),
    }
    return {name: value for name, value in told.items() if value}


def _published(version: PolicyVersion | None) -> dict[str, Any]:
    """How a version in force is called in the audit log; empty where none was."""
    if version is None:
        return {}
    return {
        "version": version.id,
        "number": version.number,
        "valid_from": None if version.valid_from is None else version.valid_from.isoformat(),
    }


def _record(
    actor: Actor,
    now: datetime,
    action: str,
    version: PolicyVersion,
    reason: str,
    change: dict[str, Any],
    *,
    before: dict[str, Any] | None = None,
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="policy",
        subject_id=version.id,
        right=Right.RULE,
        reason=reason,
        before=before or {},
        change={"portfolio": version.portfolio_id} | change,
    )
