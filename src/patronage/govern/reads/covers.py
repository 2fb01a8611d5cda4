"""Who stands in for whom: now, ahead, and before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import Q

from patronage.access.models import RoleGrant, User
from patronage.access.roles import IN_CHARGE, Actor, Right
from patronage.access.scope import scope_of
from patronage.govern.in_charge import covers_at, portfolios_of, require_arranging
from patronage.govern.models import Cover
from patronage.govern.reads.portfolios import hand_over_targets, my_portfolios

State = Literal["now", "ahead", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverRow:
    """Somebody who stands in for a portfolio's manager for a time."""

    id: str
    portfolio_id: str
    portfolio: str
    #: who stays accountable, as of now
    manager: str
    deputy_id: str
    deputy: str
    starts_at: datetime
    #: exclusive; None: until somebody ends it
    ends_at: datetime | None
    state: State
    #: the deputy works here and may still manage portfolios; without that the cover has no effect
    can_act: bool
    reason: str
    #: why it ended before its time; empty where it did not
    end_reason: str
    #: whether the actor may end it
    may_end: bool

    @property
    def last_instant(self) -> datetime | None:
        """An instant of the last day; None: until somebody ends it."""
        return None if self.ends_at is None else self.ends_at - timedelta(microseconds=1)


def covers(actor: Actor, now: datetime) -> list[CoverRow]:
    """Give every cover of portfolios in the actor's scope: those of now, then ahead, then over.

    Raises:
        NotAllowed: the actor neither sees customers nor assigns portfolios.
    """
    seen = my_portfolios if actor.may(Right.SEE_CUSTOMERS) else hand_over_targets
    held = {each.id: each for each in seen(actor, now)}
    found = Cover.objects.filter(portfolio_id__in=held).select_related("deputy")
    own = portfolios_of(actor.id, now)
    able = _able(now)
    order: dict[State, int] = {"now": 0, "ahead": 1, "over": 2}
    rows = [
        CoverRow(
            id=each.id,
            portfolio_id=each.portfolio_id,
            portfolio=held[each.portfolio_id].name,
            manager=held[each.portfolio_id].manager,
            deputy_id=each.deputy_id,
            deputy=each.deputy.name,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            state=_state(each, now),
            can_act=each.deputy_id in able,
            reason=each.reason,
            end_reason=each.end_reason,
            may_end=_state(each, now) != "over"
            and (actor.may(Right.ASSIGN) or each.portfolio_id in own),
        )
        for each in found.order_by("-starts_at", "id")
    ]
    return sorted(rows, key=lambda row: order[row.state])


def deputies_of(actor: Actor, portfolio_id: str, at: datetime, *, now: datetime) -> list[str]:
    """Names of those who stood in for the portfolio's manager at an instant; none out of scope."""
    actor.require(Right.SEE_CUSTOMERS)
    if not scope_of(actor, now).holds(portfolio_id):
        return []
    lasting = covers_at(at).filter(portfolio_id=portfolio_id)
    return list(lasting.order_by("starts_at", "id").values_list("deputy__name", flat=True))


def possible_deputies(actor: Actor, now: datetime) -> list[tuple[str, str]]:
    """Id and name of everybody who could stand in for a manager, by name.

    Raises:
        NotAllowed: the actor neither manages portfolios nor assigns them.
    """
    require_arranging(actor)
    found = User.objects.filter(pk__in=_able(now)).order_by("name", "id")
    return list(found.values_list("id", "name"))


def _state(cover: Cover, now: datetime) -> State:
    if cover.ends_at is not None and cover.ends_at <= now:
        return "over"
    return "now" if cover.starts_at <= now else "ahead"


def _able(now: datetime) -> set[str]:
    held = RoleGrant.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=now),
        role__in=IN_CHARGE,
        starts_at__lte=now,
        user__is_active=True,
    )
    return set(held.values_list("user_id", flat=True))
