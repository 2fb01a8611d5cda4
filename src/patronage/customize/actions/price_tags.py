"""A version of a portfolio's rules is priced before it is published; the tag stays with it."""

from __future__ import annotations

from datetime import date, datetime

from patronage.access import audit
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.customize.models import PriceTag
from patronage.customize.price_tags import Kind, simulate
from patronage.govern.models import PolicyVersion
from patronage.govern.reads import changeable


def price_policy(
    *,
    actor: Actor,
    now: datetime,
    version_id: str,
    kind: Kind = "exact",
    as_of: date | None = None,
) -> PriceTag:
    """Say what a version would change and what that would cost, and keep what was said.

    Args:
        kind: "estimate" decides a sample at the last run's prices, "exact" everybody.
        as_of: the date whose customers are decided; None: that of the last run.

    Raises:
        NotAllowed: the actor rules on no offers.
        NotFound: there is no such version of a portfolio that the actor leads.
        NotPriced: nobody was decided yet, or an estimate is asked of another date.
    """
    actor.require(Right.RULE)
    version = PolicyVersion.objects.filter(pk=version_id).first()
    if version is None or version.portfolio_id not in changeable(actor, now):
        raise NotFound(noun="policy version", id=version_id)
    priced = simulate(version, kind=kind, now=now, as_of=as_of)
    with atomic():
        tag = PriceTag.objects.create(
            version=version,
            against_id=priced.against_id,
            rules_digest=priced.rules_digest,
            kind=priced.kind,
            as_of=priced.as_of,
            figures=priced.stored(),
            made_by=actor.id,
            made_at=now,
        )
        audit.record(
            actor=actor,
            now=now,
            action="price policy",
            subject_kind="policy",
            subject_id=version.id,
            right=Right.RULE,
            before={},
            change={"price_tag": tag.id, "kind": kind, "as_of": priced.as_of.isoformat()},
        )
    return tag
