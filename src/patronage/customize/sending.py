"""What is said of contacts that are about to be sent, by what is known now?

Decisions are made before; boundaries, rulings and rules set since, and facts that changed, count at
the last moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from patronage.customize.bounds import beyond_everybody, forbidding_at, forbids
from patronage.customize.models import Treatment
from patronage.customize.policy import PolicyInForce, policy_at
from patronage.customize.population import fields_of_some, portfolio_rows
from patronage.customize.ruled import Applied
from patronage.customize.terms import Terms
from patronage.govern.peace import peace_at, unruled_merges
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
class Word:
    """What a rule, or a ruling that singles the customer out, makes of a contact."""

    #: a rule says that the customer is not eligible
    not_eligible: bool
    #: why: the ruling's reason code, or "rules"
    why: str
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
    unruled = unruled_merges(at)
    held = {
        each.contact_id: "nobody has ruled yet whose the merged customer is"
        for each in waiting
        if each.customer_id in unruled
    }
    return held | {
        each.contact_id: "a ruling leaves the customer in peace"
        for each in about
        if offer.get(each.treatment_id) in peace[each.customer_id]
    }


def words_on(waiting: list[Waiting], at: datetime, company: Company) -> dict[str, Word]:
    """Give, by contact, what is said beside the ruling on its customer's whole portfolio.

    A contact of which no rule and no ruling on a segment or a customer says anything is left out.
    Nothing is known of the moment here, so that a rule about it does not match, as at night.
    """
    policy = policy_at(at, company)
    if not policy.policies and not policy.special:
        return {}
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
    found = policy.applied(
        rows, policy.book.matches(told, rows), policy.scopes.everybody(told, rows)
    )
    words = {}
    for row, each in enumerate(known):
        word = _word(policy, found, row, column[each.treatment_id])
        if word is not None:
            words[each.contact_id] = word
    return words


def _is_meant(policy: PolicyInForce, waiting: Waiting, column: int) -> bool:
    """Whether anything said in the portfolio could stop or change the contact, if it matches."""
    (row,) = portfolio_rows([waiting.portfolio_id or ""], policy).tolist()
    offer_id = policy.treatments[column].offer_id
    if any(
        (each.portfolio_id, each.offer_id) == (waiting.portfolio_id, offer_id)
        and each.customer_id in (None, waiting.customer_id)
        for each in policy.special
    ):
        return True
    gating = ("not_eligible", "allow", "adapt", "block")
    return any(
        rule.effect in gating and policy.book.owner[place] == row and policy.targets[place, column]
        for place, rule in enumerate(policy.book.rules)
    )


def _word(policy: PolicyInForce, found: Applied, row: int, column: int) -> Word | None:
    effects = found.effects
    outside = effects is not None and bool(effects.not_eligible[row, column])
    by_rule = effects is not None and effects.first[row, column] >= 0
    code = -1 if found.code is None else int(found.code[row, column])
    if code < 0 and not by_rule and not outside:
        return None
    offer = policy.offers[policy.offer_of[column]]
    terms = policy.terms_in(int(found.row[row, column]), offer)
    why = policy.special[code // 2].reason_code if code >= 0 and not by_rule else "rules"
    return Word(not_eligible=outside, why=why, terms=terms)
