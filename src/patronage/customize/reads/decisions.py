"""What was decided for a customer, why, and what would be decided now?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.customize.log import (
    Candidate,
    candidates_of,
    in_order,
    may_see_scores,
    without_scores,
)
from patronage.customize.models import Contact, Decision, DecisionRun, Offer, Ruling
from patronage.customize.moment import checked_request, look
from patronage.customize.plan import OUTCOMES
from patronage.customize.policy import terms_of
from patronage.customize.replay import run_candidates
from patronage.customize.standing import rulings_at
from patronage.identify.in_sight import customers_in_sight, require_customer
from patronage.science.arbitration import OUTCOME_WORDS, REASON_WORDS, Outcome, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """A decision as a person would read it."""

    decision: Decision
    outcome_text: str
    #: the contact that came of it; None where none did
    contact: Contact | None
    candidates: tuple[Candidate, ...]
    #: the rulings that candidates name, by id
    rulings: Mapping[str, Ruling]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextBestAction:
    """What would be decided for a customer now; nothing of it is written."""

    customer_id: str
    at: datetime
    #: "offered", "withheld" or "nothing"
    outcome: str
    outcome_text: str
    #: the winner; None where nothing is permitted or worth it
    best: Candidate | None
    #: what would be said, as ruled; empty where nothing would
    wording: str
    face_value_minor: int | None
    #: what the customer may add, as ruled: name, price_minor, needs, excludes
    options: tuple[Mapping[str, Any], ...]
    currency: str
    candidates: tuple[Candidate, ...]


def next_best_action(
    actor: Actor,
    customer_id: str,
    now: datetime,
    *,
    channel: str | None = None,
    context: Mapping[str, object] | None = None,
) -> NextBestAction:
    """Decide for a customer without recording it.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        NotDecided: the request cannot be understood.
    """
    actor.require(Right.SEE_CUSTOMERS)
    customer = require_customer(actor, customer_id, now)
    request = checked_request(
        customer_id=customer_id, channel=channel, placements=1, context=context, limit=1
    )
    moment = look(request, customer, now)
    outcome = Outcome(int(moment.chosen.outcome[0]))
    candidates = _seen_by(actor, candidates_of(moment))
    best, terms = None, dict[str, Any]()
    if outcome is not Outcome.NOTHING:
        best = candidates[0]
        policy = moment.served.policy
        column = int(moment.considered[moment.chosen.treatments[0, 0]])
        terms = terms_of(policy, moment.row(column), column)
    return NextBestAction(
        customer_id=customer_id,
        at=now,
        outcome=OUTCOMES[outcome],
        outcome_text=OUTCOME_WORDS[outcome],
        best=best,
        wording=terms.get("wording", ""),
        face_value_minor=terms.get("face_value_minor"),
        options=tuple(terms.get("options", ())),
        currency=moment.served.policy.company.currency,
        candidates=candidates,
    )


def decision(actor: Actor, decision_id: str, now: datetime) -> DecisionView:
    """Give a decision with every candidate's reason.

    Raises:
        NotFound: there is no such decision of a customer in the actor's scope; who reads the
            audit log sees every decision.
    """
    is_auditing = actor.may(Right.SEE_AUDIT)
    if not is_auditing:
        actor.require(Right.SEE_CUSTOMERS)
    found = (
        Decision.objects.select_related("run", "customer", "portfolio", "treatment__offer")
        .filter(id=decision_id)
        .first()
    )
    if found is None or not (is_auditing or _sees(actor, found.customer_id, now)):
        raise NotFound(noun="decision", id=decision_id)
    rows = found.candidates if found.run_id is None else _of_run(found)
    names = dict(
        Offer.objects.filter(id__in={row["offer"] for row in rows}).values_list("id", "name")
    )
    candidates = tuple(sorted((_candidate(row, names) for row in rows), key=in_order))
    return DecisionView(
        decision=found,
        outcome_text=OUTCOME_WORDS[Outcome[found.outcome.upper()]],
        contact=Contact.objects.filter(decision=found).first(),
        candidates=_seen_by(actor, candidates),
        rulings=named_rulings(candidates),
    )


def named_rulings(candidates: Iterable[Candidate]) -> dict[str, Ruling]:
    """The rulings that candidates name, by id."""
    return Ruling.objects.in_bulk({each.ruling_id for each in candidates if each.ruling_id})


def decision_runs(actor: Actor, *, limit: int = 50) -> list[DecisionRun]:
    """The runs, newest date first."""
    actor.require(Right.SEE_OFFERS)
    runs = DecisionRun.objects.select_related("budget", "response_model", "company_version")
    return list(runs.order_by("-as_of", "-created_at", "-id")[:limit])


def contacts_of(actor: Actor, customer_id: str, now: datetime, *, limit: int = 50) -> list[Contact]:
    """A customer's contacts over all channels, the latest due first.

    Raises:
        NotFound: there is no such customer in the actor's scope.
    """
    actor.require(Right.SEE_CUSTOMERS)
    customer = require_customer(actor, customer_id, now)
    contacts = Contact.objects.filter(customer=customer).select_related("treatment__offer")
    return list(contacts.order_by("-due_at", "-id")[:limit])


def _of_run(found: Decision) -> list[dict[str, Any]]:
    rows = run_candidates(found).rename(
        {"offer_id": "offer", "treatment_id": "treatment", "score_minor": "score"}
    )
    named = {"ruling_id": "ruling"}
    content = rows.rename(named).select(*_OF_RUN).to_dicts()
    offers = sorted({row["offer"] for row in content})
    known_by = None if found.run is None else found.run.created_at
    own = rulings_at(found.at, offers, known_by=known_by)
    for row in content:
        ruling = own.get((found.portfolio_id, row["offer"]))
        row["ruling"] = row["ruling"] or (ruling and ruling.id)
    return content


_OF_RUN: Final = ("offer", "treatment", "channel", "score", "reason", "ruling")


def _candidate(row: Mapping[str, Any], names: Mapping[str, str]) -> Candidate:
    reason = Reason(row["reason"])
    unscored = reason in (Reason.INELIGIBLE, Reason.UNKNOWN, Reason.NO_CONSENT)
    return Candidate(
        offer_id=row["offer"],
        offer=names[row["offer"]],
        treatment_id=row["treatment"],
        channel=row["channel"],
        reason=reason.name.lower(),
        reason_text=REASON_WORDS[reason],
        score_minor=None if unscored else row["score"],
        ruling_id=row.get("ruling"),
    )


def _seen_by(actor: Actor, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    return candidates if may_see_scores(actor) else without_scores(candidates)


def _sees(actor: Actor, customer_id: str, now: datetime) -> bool:
    return customers_in_sight(actor, now).filter(pk=customer_id).exists()
