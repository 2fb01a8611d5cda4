"""What were versions of rules said to change, and what came of those that were published?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Sum

from patronage.access.roles import Actor
from patronage.customize.models import Contact, Decision, DecisionRun, PriceTag
from patronage.customize.price_tags import rules_digest
from patronage.govern.models import PolicyVersion, Portfolio
from patronage.govern.reads import policy_version, policy_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTagRow:
    """A price tag."""

    id: str
    version_id: str
    #: "estimate" or "exact"
    kind: str
    as_of: date
    made_at: datetime
    #: as `customize.price_tags.Figures`, the other portfolios with their `name`
    figures: dict[str, Any]
    #: the rules are still those that were priced, and are compared with those in force
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTag:
    """What a published version's price tag said of its portfolio, beside what came."""

    version_id: str
    number: int
    said_contacts: int
    said_budget_minor: int
    #: last run before the version, first run under it
    contacts: int
    budget_minor: int


def price_tags(actor: Actor, version_id: str, now: datetime) -> list[PriceTagRow]:
    """The price tags of a version, the newest first.

    Raises:
        NotAllowed, NotFound: as for the version.
    """
    seen = policy_version(actor, version_id, now)
    version = PolicyVersion.objects.get(pk=seen.id)
    digest = rules_digest(version)
    against = version.based_on_id
    names = dict(Portfolio.objects.values_list("id", "name"))
    return [
        PriceTagRow(
            id=each.id,
            version_id=each.version_id,
            kind=each.kind,
            as_of=each.as_of,
            made_at=each.made_at,
            figures=_named(each.figures, names),
            is_current=each.rules_digest == digest and each.against_id == against,
        )
        for each in PriceTag.objects.filter(version=version).order_by("-made_at", "-id")
    ]


def _named(figures: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    others = [each | {"name": names[each["portfolio_id"]]} for each in figures["others"]]
    return figures | {"others": others}


def past_tags(actor: Actor, portfolio_id: str, now: datetime) -> list[PastTag]:
    """For published versions with an exact price tag: what it said beside what came, newest first.

    What came is the portfolio's contacts, and what they held in the budget, of the first run
    decided under the version, less those of the run before: other things moved as well meanwhile.

    Raises:
        NotAllowed, NotFound: as for the portfolio's versions.
    """
    found = []
    for row in policy_versions(actor, now, portfolio_id=portfolio_id):
        tag = PriceTag.objects.filter(version=row.id, kind="exact").order_by("-made_at").first()
        if tag is None or row.published_at is None or row.number is None:
            continue
        runs = DecisionRun.objects.order_by("created_at", "id")
        after = runs.filter(created_at__gte=row.published_at).first()
        before = runs.filter(created_at__lt=row.published_at).last()
        if before is None or after is None or not _is_under(after, portfolio_id, row.id):
            continue
        (was, held), (is_now, holds) = (_made(run, portfolio_id) for run in (before, after))
        found.append(
            PastTag(
                version_id=row.id,
                number=row.number,
                said_contacts=tag.figures["contacts"],
                said_budget_minor=tag.figures["budget_minor"],
                contacts=is_now - was,
                budget_minor=holds - held,
            )
        )
    return found


def _is_under(run: DecisionRun, portfolio_id: str, version_id: str) -> bool:
    decided = Decision.objects.filter(run=run, portfolio=portfolio_id).first()
    return decided is not None and decided.versions.get("rules") == version_id


def _made(run: DecisionRun, portfolio_id: str) -> tuple[int, int]:
    contacts = Contact.objects.filter(decision__run=run, decision__portfolio=portfolio_id)
    made = contacts.aggregate(count=Count("id"), held=Sum("reserved_minor"))
    return made["count"], made["held"] or 0
