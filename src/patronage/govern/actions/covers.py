"""Somebody stands in for a manager for a time; who is accountable does not change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.actor import open_roles
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import IN_CHARGE, Actor, Right, Role
from patronage.access.transactions import atomic, take_turns
from patronage.govern.actions.conditions import stated
from patronage.govern.errors import CannotCover
from patronage.govern.in_charge import portfolios_of, require_arranging, require_in_charge
from patronage.govern.models import Cover, Portfolio
from patronage.vocabulary.periods import as_utc


def arrange_cover(
    *,
    actor: Actor,
    now: datetime,
    portfolio_id: str,
    deputy_id: str,
    reason: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Cover:
    """Let a person act for a portfolio's manager for a time; the manager stays accountable.

    The deputy sees the portfolio and rules on offers for it like its manager, but hands nobody
    over. When the time is over, everything is as before without anybody doing anything.

    Args:
        starts_at: from when on, now or later; None: now.
        ends_at: until when, exclusive; None: a standing deputy, until somebody ends it.

    Raises:
        NotAllowed: the actor neither manages portfolios nor assigns them.
        NotFound: there is no such portfolio, or it is not the actor's.
        NoReason: no reason is given.
        CannotCover: the person or the time does not work.
    """
    right = require_arranging(actor)
    why, starts = stated(reason), now if starts_at is None else as_utc(starts_at)
    ends = None if ends_at is None else as_utc(ends_at)
    if starts < now:
        raise CannotCover(_("Cover begins now or later: who acted before is on record already."))
    if ends is not None and ends <= starts:
        raise CannotCover(_("Cover ends after it begins. Give a later last day."))
    with atomic():
        take_turns("accountability")
        portfolio = require_in_charge(actor, portfolio_id, now)
        deputy = _may_cover(portfolio, deputy_id, starts, ends, now)
        cover = Cover.objects.create(
            portfolio=portfolio,
            deputy=deputy,
            starts_at=starts,
            planned_until=ends,
            ends_at=ends,
            reason=why,
            actor_id=actor.id,
            recorded_at=now,
        )
        ends_said = None if ends is None else ends.isoformat()
        change = {"deputy": deputy.id, "starts_at": starts.isoformat(), "ends_at": ends_said}
        _record(cover, "arrange cover", actor, now, right, why, change)
    return cover


def end_cover(*, actor: Actor, now: datetime, cover_id: str, reason: str) -> Cover:
    """End a cover before its time; one that has not begun never does.

    Raises:
        NotFound: there is no such cover, or its portfolio is not the actor's.
        NoReason: no reason is given.
        CannotCover: it is over already.
    """
    right = require_arranging(actor)
    why = stated(reason)
    with atomic():
        take_turns("accountability")
        cover = Cover.objects.select_for_update().filter(pk=cover_id).first()
        if cover is None:
            raise NotFound(noun="cover", id=cover_id)
        try:
            require_in_charge(actor, cover.portfolio_id, now)
        except NotFound as error:
            raise NotFound(noun="cover", id=cover_id) from error
        if cover.ends_at is not None and cover.ends_at <= now:
            raise CannotCover(
                _("This cover ended at %(ends_at)s UTC already.")
                % {"ends_at": f"{cover.ends_at:%Y-%m-%d %H:%M}"}
            )
        before = {"ends_at": None if cover.ends_at is None else cover.ends_at.isoformat()}
        cover.ends_at = max(now, cover.starts_at)
        cover.end_reason, cover.ended_by = why, actor.id
        cover.save(update_fields=["ends_at", "end_reason", "ended_by"])
        change = {"deputy": cover.deputy_id, "ends_at": cover.ends_at.isoformat()}
        _record(cover, "end cover", actor, now, right, why, change, before=before)
    return cover


def _record(
    cover: Cover,
    action: str,
    actor: Actor,
    now: datetime,
    right: Right,
    reason: str,
    change: dict[str, Any],
    *,
    before: dict[str, Any] | None = None,
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="portfolio",
        subject_id=cover.portfolio_id,
        right=right,
        reason=reason,
        before=before or {},
        change={"cover": cover.id} | change,
    )


def _may_cover(
    portfolio: Portfolio, deputy_id: str, starts: datetime, ends: datetime | None, now: datetime
) -> User:
    deputy = User.objects.filter(pk=deputy_id).first()
    if deputy is None or not deputy.is_active:
        raise CannotCover(_("There is nobody like that here who could stand in. Choose another."))
    if not open_roles(deputy, now) & IN_CHARGE:
        raise CannotCover(
            _(
                "%(name)s does not hold the role %(value)s and could not act. Choose another, "
                "or let an administrator grant it."
            )
            % {"name": deputy.name, "value": Role.MANAGER.value}
        )
    if portfolio.id in portfolios_of(deputy.id, now):
        raise CannotCover(
            _("%(name)s is in charge of %(name_2)r already.")
            % {"name": deputy.name, "name_2": portfolio.name}
        )
    same = Cover.objects.filter(portfolio=portfolio, deputy=deputy)
    lasting = same.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=starts))
    if ends is not None:
        lasting = lasting.filter(starts_at__lt=ends)
    if lasting.exists():
        raise CannotCover(
            _(
                "%(name)s stands in for %(name_2)r within that time already. End that cover "
                "first, or choose another time."
            )
            % {"name": deputy.name, "name_2": portfolio.name}
        )
    return deputy
