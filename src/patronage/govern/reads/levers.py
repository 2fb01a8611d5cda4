"""My levers: what I may do, what I did, what waits for me, what I passed on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Abs

from patronage.access.company import current
from patronage.access.models import RoleGrant, User
from patronage.access.roles import POLICY, SYSTEM_ID, Actor, Right
from patronage.govern.in_charge import covered_by, portfolios_of
from patronage.govern.levers import quarter_start, rights_of
from patronage.govern.limits import UNITS, WHOLE
from patronage.govern.models import Grant, LeverUse
from patronage.govern.models.levers import COUNTED
from patronage.govern.said import Said
from patronage.identify.in_sight import customers_in_sight
from patronage.vocabulary.periods import BusinessCalendar

GrantState = Literal["now", "ahead", "over"]
_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """A right to a lever."""

    id: str
    lever: str
    #: basis points, minor units or times
    unit: str
    #: id and name; empty for a role's
    portfolio_id: str
    portfolio: str
    #: empty: not a role's
    role: str
    #: who holds a part that was passed on; empty: not passed on
    person_id: str
    person: str
    #: id of the right that it is a part of; empty without one
    part_of_id: str
    limit: int
    #: use, customer_quarter or quarter
    per: str
    #: by everybody under it in this quarter
    used: int
    starts_at: datetime
    #: exclusive; None: until it is ended
    ends_at: datetime | None
    state: GrantState
    reason: str
    granted_by: str
    #: why it ended before its time; empty where it did not
    end_reason: str
    #: whether the actor may pass a part of it on
    may_delegate: bool
    #: whether the actor may end it
    may_end: bool

    @property
    def limit_share(self) -> float:
        """The limit of a lever in basis points as a share."""
        return self.limit / WHOLE

    @property
    def used_share(self) -> float:
        """The same of what was used."""
        return self.used / WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """A lever that was pulled, or waits."""

    id: str
    customer_id: str
    customer: str
    portfolio_id: str
    lever: str
    amount: int
    unit: str
    #: empty: none is involved
    currency: str
    category: str
    product: str
    reason: str
    made_by_id: str
    made_by: str
    made_at: datetime
    #: done, waiting, approved, refused or taken_back
    state: str
    #: while it waits: manager or executive
    waits_for: str
    #: why it was done at once, or not
    reasons: tuple[str, ...]
    #: id of the right that covers it; empty without one
    grant_id: str
    valid_from: datetime | None
    valid_until: datetime | None
    #: None: not ruled on; name of who approved
    approved_by: str | None
    #: None: nobody has looked at it since
    reviewed_at: datetime | None
    #: what was asked about it, and by whom; empty: nothing was
    question: str
    asked_by: str
    #: empty: not answered
    answer: str
    #: what the actor may say of it
    may: tuple[str, ...]

    @property
    def amount_share(self) -> float:
        """The amount of a lever in basis points as a share."""
        return self.amount / WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class MyLevers:
    """Everything about levers that is the actor's to see first."""

    #: what I may do
    held: list[GrantRow]
    #: what I did or asked for, newest first
    used: list[UseRow]
    #: what waits for my word, oldest first
    waiting: list[UseRow]
    #: what others did at once for my customers, and I have not looked at
    to_review: list[UseRow]
    #: what I did and somebody asks about, oldest first
    asked: list[UseRow]
    #: what I passed on, or others in my place
    delegated: list[GrantRow]


def my_levers(actor: Actor, now: datetime) -> MyLevers:
    """What I may do, what I did, what waits for me, what I passed on.

    Raises:
        NotAllowed: the actor neither uses nor grants levers.
    """
    _require(actor)
    uses = _uses_in_sight(actor, now)
    theirs = uses.exclude(made_by=actor.id)
    ruled = _ruled_by(actor, theirs, now)
    unseen = ruled.filter(state="done").exclude(rulings__ruling="review")
    mine = uses.filter(made_by=actor.id)
    asked = mine.filter(state="done", rulings__ruling="question")
    asked = asked.exclude(rulings__ruling="answer")
    own = portfolios_of(actor.id, now)
    passed_on = Grant.objects.filter(person__isnull=False, portfolio__in=own)
    waiting = ruled.filter(state="waiting")
    if not actor.may(Right.GRANT_LEVER):
        waiting = waiting.filter(waits_for="manager")
    return MyLevers(
        held=_grants(actor, rights_of(actor, now), now),
        used=_use_rows(actor, mine.order_by("-made_at", "id"), now),
        waiting=_use_rows(actor, waiting.order_by("made_at", "id"), now),
        to_review=_use_rows(actor, unseen.order_by("made_at", "id"), now),
        asked=_use_rows(actor, asked.order_by("made_at", "id"), now),
        delegated=_grants(actor, passed_on, now),
    )


def grants(actor: Actor, now: datetime) -> list[GrantRow]:
    """Every right to a lever that the actor may see: executives all, others what concerns them.

    Raises:
        NotAllowed: the actor neither uses nor grants levers.
    """
    _require(actor)
    found: QuerySet[Grant] = Grant.objects.all()
    if not actor.may(Right.GRANT_LEVER):
        mine = portfolios_of(actor.id, now) | covered_by(actor.id, now)
        roles = [role.value for role in actor.roles]
        found = found.filter(Q(person=actor.id) | Q(portfolio__in=mine) | Q(role__in=roles))
    return _grants(actor, found, now)


def lever_uses(
    actor: Actor, now: datetime, *, customer_id: str = "", state: str = ""
) -> list[UseRow]:
    """The uses for customers in the actor's scope, newest first; at most 200.

    Raises:
        NotAllowed: the actor neither uses nor grants levers.
    """
    _require(actor)
    found = _uses_in_sight(actor, now)
    if customer_id:
        found = found.filter(customer=customer_id)
    if state:
        found = found.filter(state=state)
    return _use_rows(actor, found.order_by("-made_at", "id"), now)


def possible_delegates(actor: Actor, now: datetime) -> list[tuple[str, str]]:
    """Id and name of everybody else who uses levers, by name.

    Raises:
        NotAllowed: the actor uses no levers.
    """
    actor.require(Right.USE_LEVER)
    using = [role.value for role, may in POLICY.items() if Right.USE_LEVER in may.rights]
    held = RoleGrant.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=now),
        role__in=using,
        starts_at__lte=now,
        user__is_active=True,
    ).exclude(user=actor.id)
    people = User.objects.filter(pk__in=held.values("user_id")).order_by("name", "id")
    return list(people.values_list("id", "name"))


def _require(actor: Actor) -> None:
    if not actor.may(Right.GRANT_LEVER):
        actor.require(Right.USE_LEVER)


def _uses_in_sight(actor: Actor, now: datetime) -> QuerySet[LeverUse]:
    seen = customers_in_sight(actor, now)
    if not actor.may(Right.GRANT_LEVER) and not actor.may(Right.RULE):
        # the front line sees what it did itself, whoever's customer it was
        return LeverUse.objects.filter(made_by=actor.id, customer__in=seen)
    return LeverUse.objects.filter(customer__in=seen)


def _ruled_by(actor: Actor, uses: QuerySet[LeverUse], now: datetime) -> QuerySet[LeverUse]:
    """Those on which the actor has the word."""
    if actor.may(Right.GRANT_LEVER):
        return uses
    mine = portfolios_of(actor.id, now) | covered_by(actor.id, now)
    return uses.filter(customer__standing__portfolio__in=mine)


def _grants(actor: Actor, found: QuerySet[Grant], now: datetime) -> list[GrantRow]:
    rows = list(
        found.select_related("portfolio", "person").order_by(
            "lever", F("portfolio__position").asc(nulls_last=True), "role", "starts_at", "id"
        )
    )
    since = quarter_start(BusinessCalendar(current().company.time_zone), now)
    used = _used([row.id for row in rows], since)
    names = _names(row.actor_id for row in rows)
    own = portfolios_of(actor.id, now)
    above = actor.may(Right.GRANT_LEVER)
    return [
        GrantRow(
            id=row.id,
            lever=row.lever,
            unit=UNITS[row.lever],
            portfolio_id=row.portfolio_id or "",
            portfolio=row.portfolio.name if row.portfolio else "",
            role=row.role,
            person_id=row.person_id or "",
            person=row.person.name if row.person else "",
            part_of_id=row.part_of_id or "",
            limit=row.limit,
            per=row.per,
            used=used.get(row.id, 0),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            state=_state(row, now),
            reason=row.reason,
            granted_by=names.get(row.actor_id, row.actor_id),
            end_reason=row.end_reason,
            may_delegate=row.portfolio_id in own
            and row.person_id is None
            and _state(row, now) != "over",
            may_end=_state(row, now) != "over"
            and (above or (row.person_id is not None and row.portfolio_id in own)),
        )
        for row in rows
    ]


def _used(grant_ids: list[str], since: datetime) -> dict[str, int]:
    """What was used of each right in the quarter, what its parts used included."""
    uses = LeverUse.objects.filter(state__in=COUNTED, valid_from__gte=since)
    total: dict[str, int] = {}
    for path in ("grant_id", "grant__part_of_id"):
        found = uses.filter(**{f"{path}__in": grant_ids}).values(path)
        for row in found.annotate(total=Sum(Abs("amount"))):
            total[row[path]] = total.get(row[path], 0) + int(row["total"])
    return total


def _use_rows(actor: Actor, found: QuerySet[LeverUse], now: datetime) -> list[UseRow]:
    rows = list(
        found.select_related("customer", "customer__standing").prefetch_related("rulings")[
            :_MOST_SHOWN
        ]
    )
    said = {each: list(each.rulings.all()) for each in rows}
    ids = [row.made_by for row in rows]
    names = _names([*ids, *(one.actor_id for every in said.values() for one in every)])
    own = portfolios_of(actor.id, now) | covered_by(actor.id, now)
    above = actor.may(Right.GRANT_LEVER) or actor.id == SYSTEM_ID
    shown = []
    for row in rows:
        portfolio_id = row.customer.standing.portfolio_id
        by = {one.ruling: one for one in said[row]}
        approval, review = by.get("approve"), by.get("review")
        question, answer = by.get("question"), by.get("answer")
        shown.append(
            UseRow(
                id=row.id,
                customer_id=row.customer_id,
                customer=row.customer.label,
                portfolio_id=portfolio_id,
                lever=row.lever,
                amount=row.amount,
                unit=UNITS[row.lever],
                currency=row.currency,
                category=row.category,
                product=row.product,
                reason=row.reason,
                made_by_id=row.made_by,
                made_by=names.get(row.made_by, row.made_by),
                made_at=row.made_at,
                state=row.state,
                waits_for=row.waits_for,
                reasons=tuple(str(Said.from_json(each)) for each in row.reasons),
                grant_id=row.grant_id or "",
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                approved_by=names.get(approval.actor_id, approval.actor_id) if approval else None,
                reviewed_at=review.at if review else None,
                question=question.reason if question else "",
                asked_by=names.get(question.actor_id, question.actor_id) if question else "",
                answer=answer.reason if answer else "",
                may=_may(row, actor, set(by), rules=above or portfolio_id in own, above=above),
            )
        )
    return shown


def _may(
    use: LeverUse, actor: Actor, said: set[str], *, rules: bool, above: bool
) -> tuple[str, ...]:
    may = []
    others = use.made_by != actor.id
    if use.state == "waiting" and others and rules:
        may += ["approve", "refuse"] if above or use.waits_for == "manager" else ["refuse"]
    if use.state == "done" and others and rules and "review" not in said:
        may += ["review"] if "question" in said else ["review", "question"]
    if use.state == "done" and not others and "question" in said and "answer" not in said:
        may.append("answer")
    if (use.state in COUNTED and rules) or (use.state in (*COUNTED, "waiting") and not others):
        may.append("take_back")
    return tuple(may)


def _names(ids: Iterable[str]) -> dict[str, str]:
    return dict(User.objects.filter(pk__in=set(ids)).values_list("id", "name"))


def _state(grant: Grant, now: datetime) -> GrantState:
    if grant.ends_at is not None and grant.ends_at <= now:
        return "over"
    return "now" if grant.starts_at <= now else "ahead"
