"""What do boundaries and rules say of contacts that are about to be sent, by what is known now?

Decisions are made before; boundaries and rules set since, and facts that changed, count at the
last moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from patronage.customize.bounds import beyond_everybody, forbidding_at, forbids
from patronage.customize.models import Treatment
from patronage.customize.policy import PolicyInForce, Terms, policy_at
from patronage.customize.population import fields_of_some, portfolio_rows
from patronage.customize.ruled import Applied
from patronage.govern.peace import peace_at
from patronage.govern.reads import policies_at
from patronage.vocabulary.company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A contact that waits to be sent."""

    contact_id: str
    customer_id: str
    #: of the customer at the instant of sending; None: nobody's
    portfolio_id: str | None
    treatment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWord:
    """What a rule makes of a contact."""

    #: a rule says that the customer is not eligible
    not_eligible: bool
    #: rulings and rules together
    terms: Terms


def forbidden_on(waiting: list[Waiting], at: datetime, company: Company) -> dict[str, str]:
    """Give, by contact, what of the enterprise's forbids it by now; the others not.

    That is the first boundary by its name, or a ruling that leaves the customer in peace.
    """
    found = _disturbing(waiting, at)
    boundaries = forbidding_at(at)
    if not boundaries or not waiting:
        return found
    said = Treatment.objects.filter(pk__in={each.treatment_id for each in waiting})
    category = dict(said.values_list("id", "offer__category"))
    frame = fields_of_some(sorted({each.customer_id for each in waiting}), at, company)
    beyond = beyond_everybody(boundaries, frame)
    place = {customer_id: row for row, customer_id in enumerate(frame["customer_id"])}
    for each in waiting:
        row = place.get(each.customer_id)
        for column, boundary in enumerate(boundaries):
            about = row is None or beyond[row, column]
            if about and forbids(boundary, category.get(each.treatment_id, "")):
                found.setdefault(each.contact_id, boundary.row.name)
    return found


def _disturbing(waiting: list[Waiting], at: datetime) -> dict[str, str]:
    peace = peace_at(at)
    about = [each for each in waiting if each.customer_id in peace]
    said = Treatment.objects.filter(pk__in={each.treatment_id for each in about})
    offer = dict(said.values_list("id", "offer_id"))
    return {
        each.contact_id: "a ruling leaves the customer in peace"
        for each in about
        if offer.get(each.treatment_id) in peace[each.customer_id]
    }


def rules_on(waiting: list[Waiting], at: datetime, company: Company) -> dict[str, RuleWord]:
    """Give, by contact, what rules say; a contact on which none says anything is left out.

    Nothing is known of the moment here, so that a rule about it does not match, as at night.
    """
    if not policies_at(at):
        return {}
    policy = policy_at(at, company)
    column = {each.id: place for place, each in enumerate(policy.treatments)}
    asked = [
        each
        for each in waiting
        if each.treatment_id in column and _is_meant(policy, each, column[each.treatment_id])
    ]
    frame = fields_of_some(sorted({each.customer_id for each in asked}), at, company)
    place = {customer_id: row for row, customer_id in enumerate(frame["customer_id"])}
    known = [each for each in asked if each.customer_id in place]
    told = frame[[place[each.customer_id] for each in known]]
    rows = portfolio_rows([each.portfolio_id or "" for each in known], policy)
    found = policy.applied(rows, policy.book.matches(told, rows))
    words = {}
    for row, each in enumerate(known):
        word = _word(policy, found, row, column[each.treatment_id])
        if word is not None:
            words[each.contact_id] = word
    return words


def _is_meant(policy: PolicyInForce, waiting: Waiting, column: int) -> bool:
    """Whether any rule of the portfolio, matching or not, could stop or change the contact."""
    (row,) = portfolio_rows([waiting.portfolio_id or ""], policy).tolist()
    gating = ("not_eligible", "allow", "adapt", "block")
    return any(
        rule.effect in gating and policy.book.owner[place] == row and policy.targets[place, column]
        for place, rule in enumerate(policy.book.rules)
    )


def _word(policy: PolicyInForce, found: Applied, row: int, column: int) -> RuleWord | None:
    effects = found.effects
    if effects is None:
        return None
    outside = bool(effects.not_eligible[row, column])
    if effects.first[row, column] < 0 and not outside:
        return None
    offer = policy.offers[policy.offer_of[column]]
    terms = policy.terms_in(int(found.row[row, column]), offer)
    return RuleWord(not_eligible=outside, terms=terms)
