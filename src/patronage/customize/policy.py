"""Which offers, treatments, conditions and rulings are in force at an instant?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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
from patronage.customize.ruled import Applied, RuleBook, adapted, applied
from patronage.govern.boundaries import BoundaryInForce
from patronage.govern.models import Portfolio
from patronage.govern.peace import peace_at
from patronage.govern.policies import RuleInForce, RulesInForce, effect_that_counts, target_record
from patronage.govern.reads import policies_at
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.vocabulary.predicates import Policy as Rules
from patronage.vocabulary.predicates import Predicate

EVERYBODY = Predicate.parse("true", FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a ruling makes of an offer."""

    #: "allow", "adapt" or "block"
    effect: str
    #: what the customer saves; None: as proposed
    face_value_minor: int | None = None
    #: channels allowed; None: all
    channels: frozenset[str] | None = None
    #: words to use instead of the owner's
    wording: str | None = None
    #: first date on which it may go out
    not_before: date | None = None

    @classmethod
    def of(cls, effect: str, adaptation: Mapping[str, Any]) -> Terms:
        """Read a ruling's effect and its stored adaptation."""
        channels, day = adaptation.get("channels"), adaptation.get("not_before")
        return cls(
            effect=effect,
            face_value_minor=adaptation.get("face_value_minor"),
            channels=None if channels is None else frozenset(channels),
            wording=adaptation.get("wording"),
            not_before=None if day is None else date.fromisoformat(day),
        )

    def stored(self) -> dict[str, Any]:
        """Give the adaptation as a ruling stores it."""
        given = {
            "face_value_minor": self.face_value_minor,
            "channels": None if self.channels is None else sorted(self.channels),
            "wording": self.wording,
            "not_before": None if self.not_before is None else self.not_before.isoformat(),
        }
        return {name: value for name, value in given.items() if value is not None}


#: What holds for a portfolio that has not ruled: nothing is permitted without a ruling.
UNRULED = Terms(effect="block")


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
    #: the newest ruling by portfolio and offer
    rulings: Mapping[tuple[str, str], Ruling]
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

    def applied(self, portfolio: Ints, matches: Bools) -> Applied:
        """Where n customers stand in the gate's tables, and what else the rules say of them.

        Args:
            portfolio: ``(n,)``: row of the customer's portfolio.
            matches: ``(n, r)``: which rules match each, as `RuleBook.matches` gives it.
        """
        limit = self.company.prefer_limit_minor
        return applied(self.book, portfolio, matches, self.targets, limit_minor=limit)

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
                ]
                for offer in self.offers
            ],
            [[t.id, t.channel, t.cost_minor] for t in self.treatments],
            [[*pair, ruling.id] for pair, ruling in sorted(self.rulings.items())],
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
        count = len(self.portfolios)
        if row < 0 or row == count:
            return UNRULED
        if row < count:
            return self.terms(self.portfolios[row], offer)
        place = row - count - 1
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


def stricter(ruled: Terms, rule: RuleInForce, offer: Offer, *, by_default: bool) -> Terms:
    """What a ruling and the first matching rule make of an offer together.

    Args:
        by_default: nobody ruled; the rule then counts alone.
    """
    effect = effect_that_counts(ruling=ruled.effect, by_default=by_default, rule=rule.effect)
    if effect == "block":
        return Terms(effect="block")
    beside = Terms(effect="allow") if by_default else ruled
    share, channels, day = adapted(rule)
    faces = [each for each in (beside.face_value_minor,) if each is not None]
    if share < 1.0:
        faces.append(int(offer.face_value_minor * share))
    both = [each for each in (beside.channels, channels) if each is not None]
    days = [each for each in (beside.not_before, day) if each is not None]
    return Terms(
        effect=effect,
        face_value_minor=min(faces, default=None),
        channels=frozenset.intersection(*both) if both else None,
        wording=beside.wording,
        not_before=max(days, default=None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Rulings and rules as tables: p portfolios, a row for nobody's, r rules; k treatments."""

    #: ``(p + 1 + r, k)``: allowed or adapted in this channel
    permitted: Bools
    #: ``(p + 1 + r, k)``: face value as ruled, as a share of the proposed one
    face_share: Floats
    #: ``(p + 1 + r, k)``: first date on which it may go out, as an ordinal; 0: at once
    not_before: Ints

    @classmethod
    def of(cls, policy: PolicyInForce) -> Gate:
        count = len(policy.portfolios)
        shape = (count + 1 + len(policy.book.rules), len(policy.treatments))
        permitted = np.zeros(shape, dtype=np.bool_)
        face_share = np.ones(shape, dtype=np.float64)
        not_before = np.zeros(shape, dtype=np.int64)
        gated = [row for row in range(shape[0]) if _gates(policy, row)]
        for row in gated:
            for column, treatment in enumerate(policy.treatments):
                offer = policy.offers[policy.offer_of[column]]
                terms = policy.terms_in(row, offer)
                permitted[row, column] = permits(terms, treatment.channel)
                face_share[row, column] = face_share_of(terms, offer)
                if terms.not_before is not None:
                    not_before[row, column] = terms.not_before.toordinal()
        return cls(permitted=permitted, face_share=face_share, not_before=not_before)


def _gates(policy: PolicyInForce, row: int) -> bool:
    """Whether a row's terms are ever asked for: only allow, adapt and block have some."""
    place = row - len(policy.portfolios) - 1
    return place < 0 or policy.book.rules[place].effect in ("allow", "adapt", "block")


def permits(terms: Terms, channel: str) -> bool:
    """Whether the terms let the offer go out in a channel at all."""
    return terms.effect != "block" and (terms.channels is None or channel in terms.channels)


def face_share_of(terms: Terms, offer: Offer) -> float:
    """The face value under the terms as a share of the proposed one."""
    if terms.face_value_minor is None or offer.face_value_minor == 0:
        return 1.0
    return terms.face_value_minor / offer.face_value_minor


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
        policies=policies_at(at),
        boundaries=forbidding_at(max(at, acting_at or at)),
        peace=peace_at(max(at, acting_at or at)),
        capacities=counting_at(max(at, acting_at or at)),
    )


def rulings_at(at: datetime, offer_ids: list[str]) -> dict[tuple[str, str], Ruling]:
    """The ruling in force by portfolio and offer: a person's word before the default."""
    rulings = Ruling.objects.filter(valid_from__lte=at, offer_id__in=offer_ids)
    return {
        (ruling.portfolio_id, ruling.offer_id): ruling
        for ruling in rulings.order_by("-by_default", "valid_from", "recorded_at", "id")
    }


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
    }
