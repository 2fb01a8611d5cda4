"""What an owner may do after a ruling: submit a new version of the offer, back to every gate."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.customize.actions.offers import (
    Proposal,
    default_rulings,
    offer_of,
    own_teams,
    treatment_of,
)
from patronage.customize.errors import OfferRefused
from patronage.customize.models import Offer, Treatment
from patronage.customize.versions import content_of


def resubmit_offer(*, actor: Actor, now: datetime, offer_id: str, row: Proposal) -> Offer:
    """Submit a new version of an offer; the version before closes now, and its rulings stay on it.

    The new version stands at every gate again. A portfolio that did not let all of the version
    before through keeps the new one back until somebody rules.

    Args:
        row: the new version under a reference of its own.

    Raises:
        NotAllowed: the actor may not propose.
        NotFound: there is no such offer of the actor's teams.
        OfferRefused: it cannot be kept, differs in nothing, is another team's, or the offer has a
            newer version already.
    """
    actor.require(Right.PROPOSE_OFFER)
    with atomic():
        take_turns("offers")
        teams = {team.name: team for team in own_teams(actor)}
        before = Offer.objects.select_for_update(of=("self",)).filter(id=offer_id)
        old = before.filter(team__in=teams.values()).select_related("team").first()
        if old is None:
            raise NotFound(noun="offer", id=offer_id)
        new = _next_version(old, row, made=offer_of(row, teams, current().company, actor, now))
        treatments = [treatment_of(new, each, current().company) for each in row.treatments]
        was, becomes = content_of(old, list(old.treatments.all())), content_of(new, treatments)
        changed = {name: becomes[name] for name in becomes if becomes[name] != was[name]}
        if not changed:
            raise OfferRefused(
                ref=row.ref, reason=_("nothing differs from the version before. Change something.")
            )
        if old.valid_until is None or old.valid_until > now:
            Offer.objects.filter(id=old.id).update(valid_until=now)
        new.save(force_insert=True)
        Treatment.objects.bulk_create(treatments)
        default_rulings(actor, now)
        audit.record(
            actor=actor,
            now=now,
            action="resubmit offer",
            subject_kind="offer",
            subject_id=new.id,
            right=Right.PROPOSE_OFFER,
            before={"offer": old.id} | {name: was[name] for name in changed},
            change={"offer": new.id} | changed,
        )
    return new


def _next_version(old: Offer, row: Proposal, *, made: Offer) -> Offer:
    new = made
    if new.team_id != old.team_id:
        raise OfferRefused(
            ref=row.ref, reason=_("it stays with its team, %(name)r.") % {"name": old.team.name}
        )
    newer = Offer.objects.filter(replaces=old).first()
    if newer is not None:
        raise OfferRefused(
            ref=row.ref,
            reason=_("%(ref)r has a newer version already, %(ref_2)r. Resubmit that one.")
            % {"ref": old.ref, "ref_2": newer.ref},
        )
    if Offer.objects.filter(ref=row.ref).exists():
        raise OfferRefused(ref=row.ref, reason=_("the reference is taken. Choose another one."))
    new.replaces, new.version = old, old.version + 1
    return new


def next_reference(offer: Offer) -> str:
    """A reference for the version after one, such as `apples-2024 v2`."""
    known = offer.ref.rsplit(" v", 1)
    root = known[0] if len(known) == 2 and known[1].isdigit() else offer.ref
    return f"{root[:74]} v{offer.version + 1}"
