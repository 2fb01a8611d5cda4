"""`patronage ranking …`: clients ranked by judgement where value cannot rank them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from patronage.access.errors import Refused
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, rows, say
from patronage.differentiate import actions
from patronage.differentiate.reads import rankings as reads

app = App(name="ranking", help="Clients ranked by judgement.")


@app.command(name="list")
def list_() -> None:
    """List the rankings, newest first."""
    rows(
        "",
        [
            {
                "ranking": each.id,
                "name": each.name,
                "clients": each.clients,
                "opened_by": each.opened_by,
                "reviewed_by": each.reviewed_by,
            }
            for each in reads.rankings(current().actor)
        ],
        empty="There is no ranking yet. Open one with `patronage ranking open`.",
    )


@app.command(name="open")
def open_(
    name: str,
    *,
    purpose: str,
    criterion: Annotated[list[str], Parameter(negative=())],
    client: Annotated[list[str], Parameter(negative=())],
) -> None:
    """Open a ranking of clients by weighted criteria.

    Parameters
    ----------
    name
        What it is called.
    purpose
        What it is for, and why value cannot rank these clients.
    criterion
        A criterion and its weight, such as reach=3; once for each.
    client
        Id of a client, or what a source calls them; once for each.
    """
    call = current()
    made = actions.open_ranking(
        actor=call.actor,
        now=call.clock(),
        name=name,
        purpose=purpose,
        criteria={key: _number(text) for key, text in map(_pair, criterion)},
        customer_ids=[id_of(each) for each in client],
    )
    _show(made.id)


@app.command
def vote(ranking: str, client: str, *, score: Annotated[list[str], Parameter(negative=())]) -> None:
    """Score a client from 0 to 10 by some of the criteria; your newest scores count.

    Parameters
    ----------
    ranking
        Its id.
    client
        Id of the client, or what a source calls them.
    score
        A criterion and the score, such as reach=8; once for each.
    """
    call = current()
    actions.vote(
        actor=call.actor,
        now=call.clock(),
        ranking_id=ranking,
        customer_id=id_of(client),
        scores={key: _whole(text) for key, text in map(_pair, score)},
    )
    _show(ranking)


@app.command
def move(ranking: str, client: str, place: int, *, reason: str) -> None:
    """Put a client into another place than the votes give.

    Parameters
    ----------
    ranking
        Its id.
    client
        Id of the client, or what a source calls them.
    place
        The new place, from 1.
    reason
        Why; it is shown with the place.
    """
    call = current()
    actions.move_client(
        actor=call.actor,
        now=call.clock(),
        ranking_id=ranking,
        customer_id=id_of(client),
        place=place,
        reason=reason,
    )
    _show(ranking)


@app.command
def review(ranking: str) -> None:
    """Review a ranking that another person opened; it is frozen from then on.

    Parameters
    ----------
    ranking
        Its id.
    """
    call = current()
    done = actions.review_ranking(actor=call.actor, now=call.clock(), ranking_id=ranking)
    say(f"The ranking {done.name!r} is reviewed.")


@app.command
def show(ranking: str) -> None:
    """Show who stands where and why, and how far that agrees with value.

    Parameters
    ----------
    ranking
        Its id.
    """
    _show(ranking)


def _show(ranking_id: str) -> None:
    call = current()
    shown = reads.ranking(call.actor, ranking_id, call.clock())
    rows(
        shown.head.name,
        [
            {
                "place": each.place,
                "client": each.label,
                "score": each.score,
                "by_votes": each.place_by_votes,
                **{name: each.by_criterion.get(name) for name in shown.criteria},
                "moved": "; ".join(move.reason for move in each.moves) or None,
            }
            for each in shown.places
        ],
    )
    agreement = shown.agreement
    facts(
        "",
        {
            "ranking": shown.head.id,
            "reviewed_by": shown.head.reviewed_by,
            "agreement_with_value": None if agreement is None else agreement.correlation,
            "low": None if agreement is None else agreement.low,
            "high": None if agreement is None else agreement.high,
        },
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Refused(f"{text!r} is no pair. Write a criterion and a number, such as reach=3.")
    return name, value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Refused(f"{text!r} is no number. Write a criterion as reach=3.") from error


def _whole(text: str) -> int:
    number = _number(text)
    if not number.is_integer():
        raise Refused(f"{text!r} is no whole number. Score from 0 to 10, such as reach=8.")
    return int(number)
