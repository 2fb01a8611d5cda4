"""How did a portfolio rule on an offer, for whom, now and before?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.customize.learned import LearnedCost, learned_cost
from patronage.customize.models import Ruling, RulingEnd, RulingMessage
from patronage.customize.reads.offers import require_offer
from patronage.customize.standing import rulings_at, special_at
from patronage.identify.in_sight import customers_in_sight

#: "in force"; "ended": its date is over; "taken back": by a person; "replaced": by a later one.
State = Literal["in force", "ended", "taken back", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingView:
    """A ruling, and whether it still counts."""

    ruling: Ruling
    state: State
    #: the customer that it is on, where the reader may see them, and what they go by
    customer_id: str | None
    customer: str
    #: by itself or by a person; None: not yet
    ended_at: datetime | None
    ended_because: str
    ended_by: str
    #: what a tested block is learned to cost; None where it is not tested
    learned: LearnedCost | None
    #: what owner and manager wrote to each other about it, the first first
    messages: tuple[RulingMessage, ...]


def ruling_history(
    actor: Actor, offer_id: str, portfolio_id: str, now: datetime
) -> tuple[Ruling, ...]:
    """Every word of a portfolio in the actor's scope on an offer; first the one in force on all.

    Raises:
        NotFound: the portfolio is outside the actor's scope, or there is no ruling on the pair.
    """
    return tuple(each.ruling for each in rulings(actor, offer_id, portfolio_id, now))


def rulings(
    actor: Actor, offer_id: str, portfolio_id: str, now: datetime
) -> tuple[RulingView, ...]:
    """The same with how each stands: first what is in force, on the portfolio before on some.

    Raises:
        NotFound: the portfolio is outside the actor's scope, or there is no ruling on the pair.
    """
    actor.require(Right.SEE_OFFERS)
    if not scope_of(actor, now).holds(portfolio_id):
        raise NotFound(noun="portfolio", id=portfolio_id)
    rows = Ruling.objects.filter(
        offer_id=offer_id, portfolio_id=portfolio_id, valid_from__lte=now
    ).select_related("offer__team", "portfolio", "customer")
    # A person's word comes before the default, however late the default was written down.
    history = rows.order_by("by_default", "-valid_from", "-recorded_at", "-id")
    found = _views(actor, list(history), offer_id, now)
    if not found:
        raise NotFound(noun="offer", id=offer_id)
    return tuple(sorted(found, key=lambda each: (each.state != "in force", _on_some(each))))


def offer_rulings(actor: Actor, offer_id: str, now: datetime) -> tuple[RulingView, ...]:
    """Every ruling of every portfolio on an offer that the actor may see, the latest first.

    Who may not see a customer does not learn on whom a ruling is.

    Raises:
        NotFound: there is no such offer, or it is another team's and the actor only owns offers.
    """
    actor.require(Right.SEE_OFFERS)
    require_offer(actor, offer_id)
    rows = Ruling.objects.filter(offer_id=offer_id, valid_from__lte=now)
    known = rows.select_related("offer__team", "portfolio", "customer")
    return tuple(
        _views(actor, list(known.order_by("-valid_from", "-recorded_at", "-id")), offer_id, now)
    )


def _on_some(view: RulingView) -> bool:
    return view.state == "in force" and bool(view.ruling.about)


def _views(actor: Actor, rows: list[Ruling], offer_id: str, now: datetime) -> list[RulingView]:
    whole = rulings_at(now, [offer_id]).values()
    counting = {each.id for each in (*special_at(now, [offer_id]), *whole)}
    ends = {each.ruling_id: each for each in RulingEnd.objects.filter(ruling__in=rows)}
    labels = _labels(actor, rows, now)
    threads: dict[str, list[RulingMessage]] = {}
    for message in RulingMessage.objects.filter(ruling__in=rows).order_by("at", "id"):
        threads.setdefault(message.ruling_id, []).append(message)
    found = []
    for row in rows:
        end = ends.get(row.id)
        is_over = row.valid_until is not None and row.valid_until <= now
        state: State = (
            "in force"
            if row.id in counting
            else "taken back"
            if end is not None
            else "ended"
            if is_over
            else "replaced"
        )
        found.append(
            RulingView(
                ruling=row,
                state=state,
                customer_id=row.customer_id if row.customer_id in labels else None,
                customer=labels.get(row.customer_id or "", ""),
                ended_at=end.at if end else row.valid_until if is_over else None,
                ended_because=end.reason if end else "",
                ended_by=end.actor_name if end else "",
                learned=learned_cost(row),
                messages=tuple(threads.get(row.id, ())),
            )
        )
    return found


def _labels(actor: Actor, rows: Iterable[Ruling], now: datetime) -> dict[str, str]:
    """What customers go by, by id; those who are out of the actor's sight are left out."""
    ids = {each.customer_id for each in rows if each.customer_id is not None}
    seen = customers_in_sight(actor, now).filter(id__in=ids) if ids else []
    return {each.id: each.label for each in seen}
