"""Which tracking plan is in force? Versions are added and published, never changed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from patronage.access import audit
from patronage.access.errors import NotFound, Refused
from patronage.access.roles import Actor, Right
from patronage.access.texts import checked
from patronage.access.transactions import atomic, take_turns
from patronage.identify.events.errors import PlanError
from patronage.identify.events.plan import NOTHING, Plan, plan_of
from patronage.identify.models import TrackingPlan

_LONGEST: Final = 1_000_000


def in_force() -> Plan:
    """Give the plan that was published last; one that names nothing where none was."""
    published = TrackingPlan.objects.filter(published_at__isnull=False)
    newest = published.order_by("-published_at").values_list("number", "digest").first()
    return NOTHING if newest is None else _read(*newest)


def read_text(text: str) -> dict[str, Any]:
    """Take a plan's text apart: JSON where it begins with a brace, else TOML.

    Raises:
        PlanError: it is neither, or too long.
    """
    if len(text) > _LONGEST:
        found = f"{len(text):,} characters"
        raise PlanError(at="the text", found=found, mend=f"Use at most {_LONGEST:,}.")
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        mend = "Mend it there and try again."
        raise PlanError(at="the text", found=str(error)[:200], mend=mend) from error
    return dict(content)


def write_plan(*, actor: Actor, now: datetime, text: str, reason: str) -> TrackingPlan:
    """Keep a new version, which judges nothing until it is published.

    A version equal to the newest one is that one.

    Raises:
        NotAllowed: the actor may not change what comes in.
        PlanError: the plan cannot be used.
    """
    actor.require(Right.IMPORT)
    content = read_text(text)
    plan_of(content)
    digest = _digest(content)
    with atomic():
        take_turns("tracking plan")
        newest = TrackingPlan.objects.order_by("-number").first()
        if newest is not None and newest.digest == digest:
            return newest
        plan = TrackingPlan.objects.create(
            number=1 if newest is None else newest.number + 1,
            digest=digest,
            content=content,
            recorded_at=now,
            actor_id=actor.id,
            reason=checked(reason, what="reason", longest=400),
        )
        audit.record(
            actor=actor,
            now=now,
            action="write tracking plan",
            subject_kind="tracking plan",
            subject_id=str(plan.number),
            right=Right.IMPORT,
            reason=reason,
            before={},
            change={"digest": digest, "events": len(content.get("events", {}))},
        )
    return plan


def publish_plan(*, actor: Actor, now: datetime, number: int, reason: str) -> TrackingPlan:
    """Put a version in force; events that come from then on are judged by it.

    Publishing the one in force changes nothing; an earlier one is written anew to come back.

    Raises:
        NotAllowed: the actor may not change what comes in.
        NotFound: there is no version of this number.
        Refused: it was in force before another one.
    """
    actor.require(Right.IMPORT)
    with atomic():
        take_turns("tracking plan")
        plan = TrackingPlan.objects.select_for_update().filter(pk=number).first()
        if plan is None:
            raise NotFound(noun="tracking plan", id=str(number))
        before = in_force().number
        if before == number:
            return plan
        if plan.published_at is not None:
            raise Refused(
                f"Tracking plan {number} was replaced by {before}. "
                "Write its content as a new version and publish that."
            )
        plan.published_at, plan.published_by = now, actor.id
        plan.save(update_fields=["published_at", "published_by"])
        audit.record(
            actor=actor,
            now=now,
            action="publish tracking plan",
            subject_kind="tracking plan",
            subject_id=str(number),
            right=Right.IMPORT,
            reason=reason,
            before={"in_force": before},
            change={"in_force": number},
        )
    return plan


@lru_cache(maxsize=8)
def _read(number: int, digest: str) -> Plan:
    content = TrackingPlan.objects.values_list("content", flat=True).get(pk=number, digest=digest)
    return plan_of(content, number)


def _digest(content: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        mend = "Write dates as text and leave out infinite numbers."
        raise PlanError(at="the text", found=str(error)[:200], mend=mend) from error
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
