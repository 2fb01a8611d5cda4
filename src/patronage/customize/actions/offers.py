"""What product teams may do: propose offers and withdraw them. They never send any."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.asking import in_words
from patronage.access.company import current
from patronage.access.errors import NotFound, Refused
from patronage.access.models import User
from patronage.access.roles import SYSTEM_ID, Actor, Right, Role
from patronage.access.transactions import atomic, take_turns
from patronage.customize.errors import OfferRefused
from patronage.customize.fields import FIELDS
from patronage.customize.models import Offer, ProductTeam, Ruling, Treatment
from patronage.customize.options import Option, declared_wrong
from patronage.customize.standing import DEFAULT_REASON, RESUBMITTED, held_back
from patronage.govern.models import Portfolio
from patronage.govern.rule_reading import read_rule
from patronage.vocabulary.company import Company
from patronage.vocabulary.ids import IdPrefix, new_ids
from patronage.vocabulary.periods import as_utc
from patronage.vocabulary.predicates import Predicate, PredicateError

#: Most that one offer may be worth or cost, so that totals stay exact.
_MOST_MINOR: Final = 1_000_000_000
LONGEST_WORDING: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What an offer says in one channel."""

    channel: str
    wording: str
    #: cost of one contact, minor units; None: what the company declares for the channel
    cost_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An offer as its team proposes it; money in minor units of the company's currency."""

    #: the team's own reference; the same one again must say the same
    ref: str
    #: name of the product team
    team: str
    name: str
    category: str
    department: str
    #: what the customer saves
    face_value_minor: int
    #: what one redemption costs the company
    redemption_cost_minor: int
    valid_from: datetime
    treatments: Sequence[Wording]
    description: str = ""
    #: need of the company's taxonomy that it answers; empty for none
    need: str = ""
    #: predicate over the field catalogue; empty means everybody
    eligibility: str = ""
    valid_until: datetime | None = None
    #: what a customer may add to it
    options: Sequence[Option] = ()


def create_team(
    *, actor: Actor, now: datetime, name: str, members: Iterable[str] = ()
) -> ProductTeam:
    """Create a product team, or add people to the one of that name.

    Args:
        members: e-mail addresses of people who work here.

    Raises:
        Refused: the name is empty or too long, or an address is nobody's.
    """
    actor.require(Right.ADMINISTER)
    if not name.strip() or len(name) > 100:
        raise Refused(_("%(name).120r cannot name a team: 1 to 100 characters.") % {"name": name})
    people = _people(members)
    with atomic():
        team, created = ProductTeam.objects.get_or_create(name=name)
        known = set(team.members.values_list("id", flat=True))
        joining = [person for person in people if person.id not in known]
        team.members.add(*joining)
        if created or joining:
            audit.record(
                actor=actor,
                now=now,
                action="create team" if created else "add to team",
                subject_kind="product team",
                subject_id=team.id,
                right=Right.ADMINISTER,
                before={} if created else {"members": sorted(known)},
                change={"members": sorted(known | {person.id for person in joining})},
            )
    return team


def _people(addresses: Iterable[str]) -> list[User]:
    """Give the people behind the addresses, each of which must be somebody's."""
    wanted = {address.strip().lower() for address in addresses}
    found = {user.email: user for user in User.objects.filter(email__in=wanted, is_active=True)}
    for address in sorted(wanted - set(found)):
        raise Refused(
            _(
                "Nobody who works here has the address %(address)r. Ask an administrator to "
                "add them first."
            )
            % {"address": address}
        )
    return list(found.values())


def propose_offers(*, actor: Actor, now: datetime, rows: Sequence[Proposal]) -> list[Offer]:
    """Propose offers; each portfolio's default ruling stands until its manager rules.

    An offer that is there already with the same content is returned as it is.

    Raises:
        NotAllowed: the actor may not propose, or not for that team.
        OfferRefused: a proposal cannot be kept; nothing of the batch was.
    """
    actor.require(Right.PROPOSE_OFFER)
    company = current().company
    with atomic():
        take_turns("offers")
        teams = {team.name: team for team in own_teams(actor)}
        known = {o.ref: o for o in Offer.objects.filter(ref__in=[row.ref for row in rows])}
        offers, fresh, treatments = [], [], []
        for row in rows:
            offer = offer_of(row, teams, company, actor, now)
            there = known.get(row.ref)
            if there is None:
                known[row.ref] = there = offer
                fresh.append(offer)
                treatments += [treatment_of(offer, each, company) for each in row.treatments]
            elif not _same(there, offer):
                raise OfferRefused(
                    ref=row.ref,
                    reason=_(
                        "it was proposed before with other content. Withdraw that one and "
                        "propose the new content under a new reference."
                    ),
                )
            offers.append(there)
        Offer.objects.bulk_create(fresh)
        Treatment.objects.bulk_create(treatments)
        default_rulings(actor, now)
        if fresh:
            audit.record(
                actor=actor,
                now=now,
                action="propose offers",
                subject_kind="offer",
                subject_id=fresh[0].id if len(fresh) == 1 else f"{len(fresh)} offers",
                right=Right.PROPOSE_OFFER,
                before={},
                change={"offers": [offer.id for offer in fresh]},
            )
    return offers


def withdraw_offer(*, actor: Actor, now: datetime, offer_id: str, reason: str) -> Offer:
    """Close an offer from now on; contacts already on their way are looked at when sent.

    Raises:
        NotFound: there is no such offer of the actor's team.
    """
    actor.require(Right.PROPOSE_OFFER)
    with atomic():
        offer = (
            Offer.objects.select_for_update().filter(id=offer_id, team__in=own_teams(actor)).first()
        )
        if offer is None:
            raise NotFound(noun="offer", id=offer_id)
        if offer.valid_until is None or offer.valid_until > now:
            before = None if offer.valid_until is None else offer.valid_until.isoformat()
            offer.valid_until = now
            offer.save(update_fields=["valid_until"])
            audit.record(
                actor=actor,
                now=now,
                action="withdraw offer",
                subject_kind="offer",
                subject_id=offer.id,
                right=Right.PROPOSE_OFFER,
                reason=reason,
                before={"valid_until": before},
                change={"valid_until": now.isoformat()},
            )
    return offer


def complete_rulings(*, actor: Actor, now: datetime) -> int:
    """Give every portfolio that has none a default ruling on every offer; return how many."""
    with atomic():
        take_turns("offers")
        return default_rulings(actor, now)


def default_rulings(actor: Actor, now: datetime) -> int:
    """Give every pair of offer and portfolio that has none its first ruling; return how many."""
    offers = list(Offer.objects.values_list("id", "valid_from", "replaces_id"))
    portfolios = list(Portfolio.objects.values_list("id", "default_ruling"))
    ruled = set(Ruling.objects.filter(by_default=True).values_list("offer_id", "portfolio_id"))
    missing = [
        (offer_id, valid_from, before, portfolio_id, effect)
        for offer_id, valid_from, before in offers
        for portfolio_id, effect in portfolios
        if (offer_id, portfolio_id) not in ruled
    ]
    held = held_back(now, {before for _, _, before, _, _ in missing if before is not None})
    ids = new_ids(IdPrefix.RULING, len(missing))
    Ruling.objects.bulk_create(
        _first_ruling(new, row, is_held=(row[3], row[2]) in held, actor=actor, now=now)
        for new, row in zip(ids, missing, strict=True)
    )
    return len(missing)


def _first_ruling(
    new: str,
    row: tuple[str, datetime, str | None, str, str],
    *,
    is_held: bool,
    actor: Actor,
    now: datetime,
) -> Ruling:
    offer_id, valid_from, _, portfolio_id, effect = row
    default = "The portfolio's default policy; nobody has ruled yet."
    resubmitted = "The version before was not let through; this one waits for a ruling."
    return Ruling(
        id=new,
        offer_id=offer_id,
        portfolio_id=portfolio_id,
        effect="block" if is_held else effect,
        by_default=True,
        reason_code=RESUBMITTED if is_held else DEFAULT_REASON,
        reason=resubmitted if is_held else default,
        valid_from=valid_from,
        recorded_at=now,
        actor_id=actor.id,
        actor_name=actor.name,
    )


def own_teams(actor: Actor) -> QuerySet[ProductTeam]:
    """The teams whose offers the actor may propose and withdraw."""
    teams = ProductTeam.objects.order_by("name")
    if actor.id == SYSTEM_ID or Role.ADMINISTRATOR in actor.roles:
        return teams
    return teams.filter(members__id=actor.id)


def offer_of(
    row: Proposal, teams: dict[str, ProductTeam], company: Company, actor: Actor, now: datetime
) -> Offer:
    _check(row, company)
    if row.team not in teams:
        raise OfferRefused(
            ref=row.ref,
            reason=_("you are in no team called %(team)r. Name one of your teams.")
            % {"team": row.team},
        )
    try:
        rule = read_rule(row.eligibility, FIELDS, actor=actor) if row.eligibility.strip() else None
    except PredicateError as error:
        raise OfferRefused(
            ref=row.ref,
            reason=_("its condition cannot be used: %(error)s") % {"error": in_words(error)},
        ) from error
    return Offer(
        ref=row.ref,
        team=teams[row.team],
        name=row.name,
        description=row.description,
        category=row.category,
        department=row.department,
        need=row.need,
        face_value_minor=row.face_value_minor,
        redemption_cost_minor=row.redemption_cost_minor,
        currency=company.currency,
        options=[each.stored() for each in row.options],
        eligibility="" if rule is None else rule.text,
        eligibility_tree=None if rule is None else _document(rule),
        valid_from=as_utc(row.valid_from),
        valid_until=None if row.valid_until is None else as_utc(row.valid_until),
        proposed_by=actor.id,
        proposed_at=now,
    )


def _document(rule: Predicate) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(rule.to_json())
    return document


def treatment_of(offer: Offer, row: Wording, company: Company) -> Treatment:
    declared = {channel.name: channel.cost_minor for channel in company.channels}
    cost = declared[row.channel] if row.cost_minor is None else row.cost_minor
    return Treatment(offer=offer, channel=row.channel, wording=row.wording, cost_minor=cost)


def _same(there: Offer, offer: Offer) -> bool:
    return all(getattr(there, name) == getattr(offer, name) for name in _CONTENT)


_CONTENT: Final = (
    "team_id",
    "name",
    "description",
    "category",
    "department",
    "need",
    "face_value_minor",
    "redemption_cost_minor",
    "currency",
    "eligibility_tree",
    "options",
    "valid_from",
)
#: Longest text of each column.
_LONGEST: Final = {
    "ref": 80,
    "name": 160,
    "description": 400,
    "category": 100,
    "department": 60,
}


def _check(row: Proposal, company: Company) -> None:
    def refuse(reason: str) -> OfferRefused:
        return OfferRefused(ref=row.ref, reason=reason)

    for name, longest in _LONGEST.items():
        text = getattr(row, name)
        if "\x00" in text or len(text) > longest or (name != "description" and not text.strip()):
            raise refuse(
                _("its %(name)s has 1 to %(longest)s characters; found %(length)s.")
                % {"name": name, "longest": longest, "length": len(text)}
            )
    for name in ("face_value_minor", "redemption_cost_minor"):
        if not 0 <= getattr(row, name) <= _MOST_MINOR:
            raise refuse(
                _("its %(name)s is %(value)s; expected 0 to %(most_minor)s.")
                % {"name": name, "value": getattr(row, name), "most_minor": _MOST_MINOR}
            )
    needs = [need.name for need in company.needs]
    if row.need and row.need not in needs:
        raise refuse(
            _("%(need)r is none of the company's needs (%(needs)s).")
            % {"need": row.need, "needs": ", ".join(needs)}
        )
    if row.valid_until is not None and as_utc(row.valid_until) <= as_utc(row.valid_from):
        raise refuse(_("it ends before it begins."))
    wrong = declared_wrong(row.options)
    if wrong is not None:
        raise refuse(wrong)
    if any(type(e.price_minor) is not int or abs(e.price_minor) > _MOST_MINOR for e in row.options):
        raise refuse(
            _("an option's price_minor is a whole number up to %(most_minor)s either way.")
            % {"most_minor": _MOST_MINOR}
        )
    channels = [channel.name for channel in company.channels]
    used = [each.channel for each in row.treatments]
    if not used:
        raise refuse(_("it has no treatment. Say what it says in at least one channel."))
    if len(set(used)) < len(used):
        raise refuse(_("a channel has two wordings; an offer says one thing in a channel."))
    for each in row.treatments:
        if each.channel not in channels:
            raise refuse(
                _("%(channel)r is none of the channels (%(channels)s).")
                % {"channel": each.channel, "channels": ", ".join(channels)}
            )
        if not 0 < len(each.wording.strip()) <= LONGEST_WORDING or "\x00" in each.wording:
            raise refuse(
                _("its %(channel)s wording has 1 to %(longest_wording)s characters.")
                % {"channel": each.channel, "longest_wording": LONGEST_WORDING}
            )
        if each.cost_minor is not None and not 0 <= each.cost_minor <= _MOST_MINOR:
            raise refuse(
                _("a contact by %(channel)s costs %(cost_minor)s; expected 0 or more.")
                % {"channel": each.channel, "cost_minor": each.cost_minor}
            )
