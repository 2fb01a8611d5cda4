"""Who may pull a lever, up to which limit: granted by an executive, passed on by a manager."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.actor import actor_of_user
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import POLICY, Actor, Right, Role
from patronage.access.scope import scope_of
from patronage.access.transactions import atomic, take_turns
from patronage.govern.actions.conditions import stated
from patronage.govern.errors import CannotGrant
from patronage.govern.in_charge import portfolios_of
from patronage.govern.limits import LEVERS, PERS, PRICING, UNITS, WHOLE
from patronage.govern.models import Grant, Portfolio
from patronage.govern.said import said
from patronage.vocabulary.periods import as_utc

MOST: Final = 2**53
#: roles that may be given a lever for every customer they speak with
FRONT_LINE: Final = tuple(
    role.value
    for role, may in POLICY.items()
    if Right.USE_LEVER in may.rights and Right.RULE not in may.rights
)


def grant_lever(
    *,
    actor: Actor,
    now: datetime,
    lever: str,
    limit: int,
    per: str,
    reason: str,
    portfolio_id: str = "",
    role: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Grant:
    """Give a lever to the manager of a portfolio, or to everybody in a role.

    Args:
        limit: in the lever's unit: basis points, minor units or times.
        per: use, customer_quarter or quarter; of a role each person has a quarter's of their own.
        ends_at: exclusive; None: until it is ended.

    Raises:
        NotAllowed: the actor may not grant levers.
        NotFound: there is no such portfolio.
        NoReason: no reason is given.
        CannotGrant: the lever, the limit, the holder or the time does not work.
    """
    actor.require(Right.GRANT_LEVER)
    why = stated(reason)
    starts, ends = _time(starts_at, ends_at, now)
    _check(lever, limit, per)
    if bool(portfolio_id) == bool(role):
        raise CannotGrant(_("Name either a portfolio, for its manager, or a role."))
    if role and role not in FRONT_LINE:
        raise CannotGrant(
            _("%(role).40r is none of the roles %(front_line)s.")
            % {"role": role, "front_line": ", ".join(FRONT_LINE)}
        )
    with atomic():
        take_turns("levers")
        portfolio = Portfolio.objects.filter(pk=portfolio_id).first() if portfolio_id else None
        if portfolio_id and portfolio is None:
            raise NotFound(noun="portfolio", id=portfolio_id)
        made = Grant.objects.create(
            lever=lever,
            portfolio=portfolio,
            role=role,
            limit=limit,
            per=per,
            starts_at=starts,
            ends_at=ends,
            reason=why,
            actor_id=actor.id,
            recorded_at=now,
        )
        _record(actor, now, made, "grant lever", Right.GRANT_LEVER, why)
    return made


def delegate_lever(
    *,
    actor: Actor,
    now: datetime,
    grant_id: str,
    person_id: str,
    limit: int,
    reason: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Grant:
    """Pass a part of a manager's own right on to a person, for the customers of that portfolio.

    It never goes beyond the whole: not in its limit, not in time, and what is used of it is used
    of the whole. Who stands in for a manager passes nothing on, nor does who was passed a part.

    Args:
        ends_at: None: when the whole ends.

    Raises:
        NotAllowed: the actor uses no levers.
        NotFound: there is no such right, or it is not the actor's own.
        NoReason: no reason is given.
        CannotGrant: the person, the limit or the time does not work.
    """
    actor.require(Right.USE_LEVER)
    why = stated(reason)
    starts, ends = _time(starts_at, ends_at, now)
    with atomic():
        take_turns("levers")
        whole = Grant.objects.select_for_update().filter(pk=grant_id, person=None).first()
        if whole is None or whole.portfolio_id not in portfolios_of(actor.id, now):
            raise NotFound(noun="grant", id=grant_id)
        ends = whole.ends_at if ends is None else ends
        _check(whole.lever, limit, whole.per)
        _within(whole, limit, starts, ends)
        made = Grant.objects.create(
            lever=whole.lever,
            portfolio=whole.portfolio,
            person=_may_hold(whole, person_id, actor, now),
            part_of=whole,
            limit=limit,
            per=whole.per,
            starts_at=starts,
            ends_at=ends,
            reason=why,
            actor_id=actor.id,
            recorded_at=now,
        )
        _record(actor, now, made, "delegate lever", Right.USE_LEVER, why)
    return made


def end_grant(*, actor: Actor, now: datetime, grant_id: str, reason: str) -> Grant:
    """End a right before its time, and with it every part that was passed on.

    Executives end any; a manager ends what they, or another manager of the portfolio, passed on.

    Raises:
        NotAllowed: the actor neither grants nor uses levers.
        NotFound: there is no such right that the actor may end.
        NoReason: no reason is given.
        CannotGrant: it is over already.
    """
    right = Right.GRANT_LEVER if actor.may(Right.GRANT_LEVER) else Right.USE_LEVER
    actor.require(right)
    why = stated(reason)
    with atomic():
        take_turns("levers")
        grant = Grant.objects.select_for_update().filter(pk=grant_id).first()
        if grant is None:
            raise NotFound(noun="grant", id=grant_id)
        passed_on = grant.person_id is not None
        own = passed_on and grant.portfolio_id in portfolios_of(actor.id, now)
        if right is not Right.GRANT_LEVER and not own:
            raise NotFound(noun="grant", id=grant_id)
        if grant.ends_at is not None and grant.ends_at <= now:
            raise CannotGrant(
                _("This right ended at %(ends_at)s UTC already.")
                % {"ends_at": f"{grant.ends_at:%Y-%m-%d %H:%M}"}
            )
        before = {"ends_at": None if grant.ends_at is None else grant.ends_at.isoformat()}
        grant.ends_at = max(now, grant.starts_at)
        grant.end_reason, grant.ended_by = why, actor.id
        grant.save(update_fields=["ends_at", "end_reason", "ended_by"])
        _record(actor, now, grant, "end grant", right, why, before=before)
    return grant


def _check(lever: str, limit: int, per: str) -> None:
    for given, known in ((lever, LEVERS), (per, PERS)):
        if given not in known:
            raise CannotGrant(
                _("%(given).40r is none of %(known)s.")
                % {"given": given, "known": ", ".join(known)}
            )
    if not 1 <= limit <= MOST:
        raise CannotGrant(
            _("The limit is a whole number from 1 on, found %(limit)s.") % {"limit": limit}
        )
    if lever in PRICING:
        if per != "use":
            raise CannotGrant(
                _("The lever %(lever)r is a share of a price: limit it for each use.")
                % {"lever": lever}
            )
        if limit > WHOLE:
            raise CannotGrant(
                _("%(limit)s basis points are more than the whole price.") % {"limit": limit}
            )


def _within(whole: Grant, limit: int, starts: datetime, ends: datetime | None) -> None:
    if limit > whole.limit:
        unit = UNITS[whole.lever]
        raise CannotGrant(
            _("%(limit)s is more than the %(limit_2)s that you hold. Pass on that much or less.")
            % {"limit": said(limit, unit), "limit_2": said(whole.limit, unit)}
        )
    late = whole.ends_at is not None and (ends is None or ends > whole.ends_at)
    if starts < whole.starts_at or late:
        raise CannotGrant(_("Your own right does not last that long. Choose days within it."))


def _time(
    starts_at: datetime | None, ends_at: datetime | None, now: datetime
) -> tuple[datetime, datetime | None]:
    starts = now if starts_at is None else as_utc(starts_at)
    ends = None if ends_at is None else as_utc(ends_at)
    if starts < now:
        raise CannotGrant(_("A right begins now or later: what was done before stays as it was."))
    if ends is not None and ends <= starts:
        raise CannotGrant(_("A right ends after it begins. Give a later last day."))
    return starts, ends


def _may_hold(whole: Grant, person_id: str, actor: Actor, now: datetime) -> User:
    person = User.objects.filter(pk=person_id).first()
    if person is None or not person.is_active or person.id == actor.id:
        raise CannotGrant(_("Choose another person who works here."))
    holder = actor_of_user(person, now)
    if not holder.may(Right.USE_LEVER):
        roles = ", ".join(role.value for role in Role if Right.USE_LEVER in POLICY[role].rights)
        raise CannotGrant(
            _("%(name)s holds none of the roles %(roles)s. Choose another.")
            % {"name": person.name, "roles": roles}
        )
    if not scope_of(holder, now).holds(whole.portfolio_id or ""):
        raise CannotGrant(
            _("%(name)s does not see these customers. Arrange cover first.") % {"name": person.name}
        )
    return person


def _record(
    actor: Actor,
    now: datetime,
    grant: Grant,
    action: str,
    right: Right,
    why: str,
    *,
    before: dict[str, str | None] | None = None,
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="grant",
        subject_id=grant.id,
        right=right,
        reason=why,
        before=before or {},
        change={
            "lever": grant.lever,
            "portfolio": grant.portfolio_id,
            "role": grant.role,
            "person": grant.person_id,
            "part_of": grant.part_of_id,
            "limit": grant.limit,
            "per": grant.per,
            "starts_at": grant.starts_at.isoformat(),
            "ends_at": None if grant.ends_at is None else grant.ends_at.isoformat(),
        },
    )
