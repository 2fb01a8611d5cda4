"""`patronage conflict …`: who claims a customer, where claims compete, and how that is ruled on."""

from __future__ import annotations

from datetime import date
from typing import Any

from cyclopts import App

from patronage.access import company
from patronage.access.errors import NotFound, Refused
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, rows, say
from patronage.govern import actions, reads
from patronage.vocabulary.ids import IdPrefix, is_id

app = App(name="conflict", help="Who claims a customer, and how that is ruled on.")


@app.command(name="list")
def list_(*, state: str = "open", kind: str = "") -> None:
    """Show conflicts between claims, the most urgent first.

    Parameters
    ----------
    state
        open, waiting, overdue, ruled, withdrawn or all.
    kind
        ownership or contact; both without it.
    """
    call = current()
    asked = "" if state == "all" else state
    shown = reads.conflicts(call.actor, call.clock(), state=asked, kind=kind)
    rows(
        "",
        [
            {
                "customer": each.customer,
                "kind": each.kind,
                "sides": " / ".join(side or "to be left in peace" for side in each.sides),
                "state": each.state,
                "due": each.due_at,
                "rules": each.ruler,
                "id": each.id,
            }
            for each in shown
        ],
        empty="No such conflict. A second claim on a customer opens one.",
    )


@app.command
def claims() -> None:
    """Show my claims, and those of portfolios that I speak for."""
    call = current()
    rows(
        "",
        [
            {
                "customer": each.customer,
                "kind": each.kind,
                "for": each.portfolio or each.offer or "to be left in peace",
                "grounds": each.grounds,
                "conflict": each.conflict_id,
                "end": each.end,
                "id": each.id,
            }
            for each in reads.claims(call.actor, call.clock())
        ],
        empty="You have claimed nobody. Claim a customer with `patronage conflict claim`.",
    )


@app.command
def claim(
    customer: str,
    *,
    grounds: str,
    portfolio: str = "",
    offer: str = "",
    quiet: bool = False,
    words: str = "",
    contract: str = "",
    decision: str = "",
    order: str = "",
) -> None:
    """Claim a customer: for a portfolio, for an offer, or to be left in peace.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    grounds
        For a portfolio: contract, account, region, need or relation. For an offer: contract,
        launch, need or promise. To be left in peace: contract, complaint, hardship, wish or
        promise.
    portfolio
        Name or id of the portfolio.
    offer
        Id of the offer.
    quiet
        The customer is to be left in peace.
    words
        What else there is to say.
    contract
        Number of a contract that speaks for it.
    decision
        Id of a decision that speaks for it.
    order
        Id of an order that speaks for it.
    """
    call = current()
    if (bool(portfolio) + bool(offer) + quiet) != 1:
        raise Refused("Name one of --portfolio, --offer and --quiet: what the claim is for.")
    kind = "portfolio" if portfolio else "contact" if offer else "quiet"
    named = {"contract": contract, "decision": decision, "order": order}
    made = actions.make_claim(
        actor=call.actor,
        now=call.clock(),
        customer_id=customer if is_id(customer, IdPrefix.CUSTOMER) else id_of(customer),
        kind=kind,
        grounds=grounds,
        words=words,
        portfolio_id=_portfolio(portfolio) if portfolio else "",
        offer_id=offer,
        evidence=[actions.NewEvidence(kind=name, id=each) for name, each in named.items() if each],
    )
    opened = f" It competes: see {made.conflict.id}." if made.conflict else ""
    say(f"Claimed ({made.id}).{opened}")


@app.command
def withdraw(claim: str, *, reason: str) -> None:
    """Take a claim back.

    Parameters
    ----------
    claim
        Its id.
    reason
        Why.
    """
    call = current()
    actions.withdraw_claim(actor=call.actor, now=call.clock(), claim_id=claim, reason=reason)
    say("Withdrawn.")


@app.command
def show(conflict: str) -> None:
    """Show a conflict: its claims, what the declared order suggests, and precedents.

    Parameters
    ----------
    conflict
        Its id.
    """
    call = current()
    seen = reads.conflict(call.actor, call.clock(), conflict)
    facts(
        "",
        {
            "customer": seen.row.customer,
            "in_charge": seen.row.in_charge,
            "state": seen.row.state,
            "due": seen.row.due_at,
            "rules": seen.row.ruler,
            "suggested": seen.suggested_claim_id,
            "because_of": seen.criterion,
            "ruled_for": seen.ruling.claim_id if seen.ruling else "",
        },
    )
    weighed = {each.claim_id: each for each in seen.weighed}
    rows("Claims", [_claim_line(each, weighed.get(each.id)) for each in seen.claims], empty="")
    rows("Precedents", _precedent_lines(seen.precedents), empty="There is no precedent.")


def _claim_line(claim: reads.ClaimRow, weighed: Any) -> dict[str, Any]:
    evidence = ", ".join(f"{each.kind} {each.id}" for each in claim.evidence or ())
    return {
        "for": claim.portfolio or claim.offer or "to be left in peace",
        "by": claim.claimed_by,
        "grounds": claim.grounds,
        "evidence": evidence,
        "value_share": None if weighed is None else weighed.value_share,
        "end": claim.end,
        "id": claim.id,
    }


def _precedent_lines(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "at": each.at,
            "grounds": " / ".join(each.grounds),
            "upheld": each.upheld,
            "decided_by": each.criterion,
            "followed": f"{each.followed} of {each.later}",
            "words": each.reason,
            "conflict": each.conflict_id,
        }
        for each in found
    ]


@app.command
def rule(
    conflict: str, claim: str, *, reason_code: str, reason: str = "", last: date | None = None
) -> None:
    """Uphold one claim; the customer moves, or is left in peace, at once.

    Parameters
    ----------
    conflict
        Its id.
    claim
        Id of the claim that is upheld.
    reason_code
        as_ordered, precedent, customer_wish, value, capacity or other.
    reason
        Why, in words; needed for other and against the declared order.
    last
        Of a customer left in peace: until and with this day.
    """
    call = current()
    _starts, until = company.instants_of(None, last)
    made = actions.rule_on_conflict(
        actor=call.actor,
        now=call.clock(),
        conflict_id=conflict,
        claim_id=claim,
        reason_code=reason_code,
        reason=reason,
        until=until,
    )
    say(f"Ruled ({made.id}).")


@app.command
def precedents(*, search: str = "", kind: str = "", grounds: str = "", criterion: str = "") -> None:
    """Search how conflicts were ruled on.

    Parameters
    ----------
    search
        In the words of rulings.
    kind
        ownership or contact.
    grounds
        That one of the claims had.
    criterion
        That decided: contract, value_share, last_decision, customer_first or judgement.
    """
    call = current()
    found = reads.precedents(
        call.actor, call.clock(), search=search, kind=kind, grounds=grounds, criterion=criterion
    )
    rows("", _precedent_lines(found), empty="No conflict was ruled on like that.")


def _portfolio(named: str) -> str:
    call = current()
    for each in reads.claimable_portfolios(call.actor, call.clock()):
        if named in each:
            return each[0]
    raise NotFound(noun="portfolio", id=named)
