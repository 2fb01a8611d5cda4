"""Which offers, treatments, conditions and rulings are in force at an instant?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Q

from patronage.customize.bounds import counting_at, forbidding_at
from patronage.customize.deciding import Bools, Floats, Ints
from patronage.customize.fields import FIELDS
from patronage.customize.models import Offer, Ruling, Treatment
from patronage.customize.ruled import Applied, RuleBook, applied, word_row
from patronage.customize.scoped import Codes, Scopes
from patronage.customize.standing import rulings_at, special_at
from patronage.customize.terms import (
    LIFTED,
    UNRULED,
    Terms,
    face_share_of,
    options_under,
    permits,
    stricter,
)
from patronage.govern.boundaries import BoundaryInForce
from patronage.govern.models import Portfolio
from patronage.govern.peace import peace_at, unruled_merges
from patronage.govern.policies import RulesInForce, target_record
from patronage.govern.reads import policies_at
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.vocabulary.predicates import Policy as Rules
from patronage.vocabulary.predicates import Predicate

EVERYBODY = Predicate.parse("true", FIELDS)


@dataclass(frozen=True, kw_only=True)
class PolicyInForce:
    """Offers, treatments and rulings at one instant, in a fixed order."""

    at: datetime
    company: Company
    #: open offers, by id
    offers: tuple[Offer, ...]
    #: their treatments in the company's channels, by offer and id
    treatments: tuple[Treatment, ...]
    #: ids of all portfolios, sorted
    portfolios: tuple[str, ...]
    #: the newest ruling on the whole portfolio, by portfolio and offer
    rulings: Mapping[tuple[str, str], Ruling]
    #: the rulings that single somebody out, from the least specific, oldest first
    special: tuple[Ruling, ...] = ()
    #: the published rules that count, by portfolio
    policies: Mapping[str, RulesInForce] = field(default_factory=dict)
    #: what the enterprise forbids, above all rulings and rules
    boundaries: tuple[BoundaryInForce, ...] = ()
    #: customer → offers from which a ruling on a conflict leaves them in peace
    peace: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: stock and capacity that offers take from
    capacities: tuple[BoundaryInForce, ...] = ()

    @cached_property
    def book(self) -> RuleBook:
        """The rules of all portfolios."""
        return RuleBook(policies=self.policies, portfolios=self.portfolios)

    @cached_property
    def targets(self) -> Bools:
        """``(r, k)``: which treatments each rule is about."""
        return self.book.targets(
            [
                target_record(
                    category=offer.category,
                    department=offer.department,
                    need=offer.need,
                    team=offer.team.name,
                    channel=each.channel,
                    face_value_minor=offer.face_value_minor,
                    contact_cost_minor=each.cost_minor,
                )
                for each, offer in self._said
            ]
        )

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """``(k,)``: category of each treatment's offer."""
        return tuple(offer.category for _, offer in self._said)

    @property
    def _said(self) -> list[tuple[Treatment, Offer]]:
        """Each treatment with its offer."""
        places = zip(self.treatments, self.offer_of.tolist(), strict=True)
        return [(each, self.offers[place]) for each, place in places]

    @cached_property
    def scopes(self) -> Scopes:
        """Whom the rulings on segments and customers, and tests of blocks, are about."""
        return Scopes(
            rulings=self.special,
            portfolios=self.portfolios,
            offers=tuple(offer.id for offer in self.offers),
        )

    @cached_property
    def words(self) -> tuple[Terms, ...]:
        """The different things that those rulings say."""
        return tuple(dict.fromkeys(self._said_by_code))

    def word(self, code: int) -> Terms:
        """What the ruling says that one of `scoped`'s numbers stands for."""
        return self._said_by_code[code]

    @cached_property
    def _said_by_code(self) -> list[Terms]:
        return [
            terms
            for ruling in self.special
            for terms in (
                Terms.of(ruling.effect, ruling.adaptation),
                *([LIFTED] if ruling.test_share else [Terms.of(ruling.effect, ruling.adaptation)]),
            )
        ]

    @cached_property
    def _word(self) -> Ints:
        """Which of the words each of `scoped`'s numbers stands for."""
        place = {terms: column for column, terms in enumerate(self.words)}
        return np.array([place[each] for each in self._said_by_code] or [0], dtype=np.int64)

    def applied(self, portfolio: Ints, matches: Bools, special: Codes) -> Applied:
        """Where n customers stand in the gate's tables, and what else the rules say of them.

        Args:
            portfolio: ``(n,)``: row of the customer's portfolio.
            matches: ``(n, r)``: which rules match each, as `RuleBook.matches` gives it.
            special: ``(n, m)``: which ruling decides each offer, as `Scopes.everybody` gives it.
        """
        return applied(
            self.book,
            portfolio,
            matches,
            self.targets,
            limit_minor=self.company.prefer_limit_minor,
            code=special[:, self.offer_of] if self.special else None,
            word=self._word,
        )

    def ruling(self, portfolio_id: str, treatment: int, code: int) -> Ruling | None:
        """The ruling that decides a treatment, by `scoped`'s number; None where there is none."""
        if code >= 0:
            return self.special[code // 2]
        return self.rulings.get((portfolio_id, self.treatments[treatment].offer_id))

    def permission(self, portfolio_id: str, treatment: int, code: int) -> str:
        """Id of the ruling by which a contact goes out.

        Raises:
            RuntimeError: nobody ruled, so that there is nothing to send by.
        """
        ruling = self.ruling(portfolio_id, treatment, code)
        if ruling is None:
            raise RuntimeError(f"{self.treatments[treatment].id} was chosen without a ruling")
        return ruling.id

    @cached_property
    def predicates(self) -> tuple[Predicate, ...]:
        """The condition of each offer."""
        return tuple(
            EVERYBODY
            if offer.eligibility_tree is None
            else Predicate.from_json(offer.eligibility_tree, FIELDS)
            for offer in self.offers
        )

    @cached_property
    def rules(self) -> Rules:
        """The conditions compiled into one function."""
        return Rules.compile(self.predicates)

    @cached_property
    def offer_of(self) -> Ints:
        """``(k,)``: position of each treatment's offer."""
        position = {offer.id: place for place, offer in enumerate(self.offers)}
        return np.array([position[each.offer_id] for each in self.treatments], dtype=np.int64)

    @cached_property
    def channel_response(self) -> Floats:
        """``(k,)``: response of each treatment's channel as a share of what was observed."""
        shares = {channel.name: channel.response for channel in self.company.channels}
        return np.array([shares[each.channel] for each in self.treatments], dtype=np.float64)

    def mass(self, *, inbound: bool) -> Bools:
        """``(k,)``: which treatments are mass contacts, which nobody within the fence gets.

        Args:
            inbound: the customer came by themselves; a channel that answers is then none.
        """
        kinds = {channel.name: channel.kind for channel in self.company.channels}
        some = ("pushed",) if inbound else ("pushed", "answered")
        return np.array([kinds[each.channel] in some for each in self.treatments], dtype=np.bool_)

    @cached_property
    def contact_cost(self) -> Floats:
        """``(k,)``: cost of one contact."""
        return np.array([each.cost_minor for each in self.treatments], dtype=np.float64)

    @cached_property
    def gate(self) -> Gate:
        """What the rulings make of every treatment in every portfolio."""
        return Gate.of(self)

    @cached_property
    def digest(self) -> str:
        """The same for the same offers, conditions and rulings."""
        content = [
            [
                [
                    offer.id,
                    offer.face_value_minor,
                    offer.redemption_cost_minor,
                    offer.category,
                    offer.department,
                    offer.eligibility_tree,
                    *([offer.options] if offer.options else []),
                ]
                for offer in self.offers
            ],
            [[t.id, t.channel, t.cost_minor] for t in self.treatments],
            [[*pair, ruling.id] for pair, ruling in sorted(self.rulings.items())],
            [ruling.id for ruling in self.special],
            [
                [key, policy.version_id, [rule.name for rule in policy.rules]]
                for key, policy in sorted(self.policies.items())
            ],
            [each.row.id for each in (*self.boundaries, *self.capacities)],
            sorted((customer, sorted(offers)) for customer, offers in self.peace.items()),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def terms(self, portfolio_id: str, offer: Offer) -> Terms:
        """What the portfolio's ruling makes of the offer."""
        ruling = self.rulings.get((portfolio_id, offer.id))
        return UNRULED if ruling is None else Terms.of(ruling.effect, ruling.adaptation)

    def terms_in(self, row: int, offer: Offer) -> Terms:
        """What one row of the gate's tables makes of the offer."""
        count, rules = len(self.portfolios), len(self.book.rules)
        if row < 0 or row == count:
            return UNRULED
        if row < count:
            return self.terms(self.portfolios[row], offer)
        place = row - count - 1
        if place >= rules:
            word, after = divmod(place - rules, 1 + rules)
            said = self.words[word]
            if not after:
                return said
            return stricter(said, self.book.rules[after - 1], offer, by_default=False)
        portfolio_id = self.portfolios[self.book.owner[place]]
        ruling = self.rulings.get((portfolio_id, offer.id))
        if ruling is None:
            return UNRULED
        return stricter(
            self.terms(portfolio_id, offer),
            self.book.rules[place],
            offer,
            by_default=ruling.by_default,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Rulings and rules as tables of k treatments.

    The R rows: p portfolios, one for nobody's, r rules; then, for each word of a ruling that
    singles somebody out, one without a rule and one with each of the r rules.
    """

    #: ``(R, k)``: allowed or adapted in this channel
    permitted: Bools
    #: ``(R, k)``: face value as ruled, as a share of the proposed one
    face_share: Floats
    #: ``(R, k)``: first date on which it may go out, as an ordinal; 0: at once
    not_before: Ints

    @classmethod
    def of(cls, policy: PolicyInForce) -> Gate:
        rows = int(word_row(policy.book, len(policy.words)))
        shape = (rows, len(policy.treatments))
        permitted = np.zeros(shape, dtype=np.bool_)
        face_share = np.ones(shape, dtype=np.float64)
        not_before = np.zeros(shape, dtype=np.int64)
        for row, columns in _cells(policy):
            for column in columns:
                offer = policy.offers[policy.offer_of[column]]
                terms = policy.terms_in(row, offer)
                permitted[row, column] = permits(terms, policy.treatments[column].channel)
                face_share[row, column] = face_share_of(terms, offer)
                if terms.not_before is not None:
                    not_before[row, column] = terms.not_before.toordinal()
        return cls(permitted=permitted, face_share=face_share, not_before=not_before)


def _cells(policy: PolicyInForce) -> Iterator[tuple[int, list[int]]]:
    """The rows and treatments whose terms are ever asked for."""
    book, beyond = policy.book, len(policy.portfolios) + 1
    every = list(range(len(policy.treatments)))
    gating = [
        place for place, rule in enumerate(book.rules) if rule.effect in ("allow", "adapt", "block")
    ]
    for row in [*range(beyond), *(beyond + place for place in gating)]:
        yield row, every
    seen: dict[tuple[int, int], set[int]] = {}
    for code, word in enumerate(policy._word.tolist() if policy.special else ()):
        where = policy.scopes.row[code // 2]
        seen.setdefault((word, where), set()).add(policy.scopes.column[code // 2])
    for (word, where), offers in seen.items():
        columns = [column for column in every if int(policy.offer_of[column]) in offers]
        first = int(word_row(book, word))
        own = [place for place in gating if book.owner[place] == where]
        for row in [first, *(first + 1 + place for place in own)]:
            yield row, columns


def policy_at(
    at: datetime, company: Company, *, acting_at: datetime | None = None
) -> PolicyInForce:
    """Load what is in force at an instant; of two rulings from one instant the later one counts.

    Args:
        acting_at: when what is decided is done, where that is later: the boundaries of then count.
    """
    still_open = Q(valid_until__isnull=True) | Q(valid_until__gt=at)
    found = Offer.objects.select_related("team").filter(still_open, valid_from__lte=at)
    # Sorted here, so that the order is the same whatever the store collates by.
    offers = tuple(sorted(found, key=lambda offer: offer.id))
    channels = [channel.name for channel in company.channels]
    said = Treatment.objects.filter(offer__in=offers, channel__in=channels)
    treatments = tuple(sorted(said, key=lambda each: (each.offer_id, each.id)))
    portfolios = tuple(sorted(Portfolio.objects.values_list("id", flat=True)))
    return PolicyInForce(
        at=at,
        company=company,
        offers=offers,
        treatments=treatments,
        portfolios=portfolios,
        rulings=rulings_at(at, [offer.id for offer in offers]),
        special=special_at(at, [offer.id for offer in offers]),
        policies=policies_at(at),
        boundaries=forbidding_at(max(at, acting_at or at)),
        peace=_peace(max(at, acting_at or at), offers),
        capacities=counting_at(max(at, acting_at or at)),
    )


def _peace(at: datetime, offers: tuple[Offer, ...]) -> Mapping[str, frozenset[str]]:
    """From which offers whom is left in peace: from all, until a merge over portfolios is ruled."""
    every = frozenset(offer.id for offer in offers)
    return {**peace_at(at), **dict.fromkeys(unruled_merges(at), every)}


def due_at(policy: PolicyInForce, at: datetime, day: int) -> datetime:
    """When a contact due on a date (an ordinal) goes out: never before the instant decided for."""
    calendar = BusinessCalendar(policy.company.time_zone)
    return max(at, calendar.start_of_day(date.fromordinal(day)))


def terms_of(policy: PolicyInForce, row: int, treatment: int) -> dict[str, Any]:
    """Wording and face value of a treatment as ruled, for whoever sends it.

    Args:
        row: of the gate's tables, as `PolicyInForce.applied` gives it.
    """
    offer = policy.offers[policy.offer_of[treatment]]
    terms = policy.terms_in(row, offer)
    face = terms.face_value_minor
    return {
        "wording": terms.wording or policy.treatments[treatment].wording,
        "face_value_minor": offer.face_value_minor if face is None else face,
        "currency": offer.currency,
        **({"options": options_under(terms, offer)} if offer.options else {}),
    }
