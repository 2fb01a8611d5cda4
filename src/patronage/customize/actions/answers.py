"""What an owner may answer to a ruling, and the manager to the owner: a thread on the ruling."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.access.transactions import atomic
from patronage.customize.actions.offers import own_teams
from patronage.customize.errors import RulingRefused
from patronage.customize.models import Ruling, RulingMessage

LONGEST_MESSAGE: Final = 1000


def answer_ruling(*, actor: Actor, now: datetime, ruling_id: str, text: str) -> RulingMessage:
    """Write to the other side of a ruling; nothing of the ruling changes.

    Raises:
        NotAllowed: the actor neither proposes offers nor rules on them.
        NotFound: there is no such ruling on an offer of the actor's teams, or in a portfolio that
            they answer for.
        RulingRefused: the text is empty or too long.
    """
    right = Right.RULE if actor.may(Right.RULE) else Right.PROPOSE_OFFER
    actor.require(right)
    if not 0 < len(text.strip()) <= LONGEST_MESSAGE or "\x00" in text:
        raise RulingRefused(
            _("An answer has 1 to %(longest_message)s characters.")
            % {"longest_message": LONGEST_MESSAGE}
        )
    with atomic():
        ruling = Ruling.objects.select_related("offer").filter(id=ruling_id).first()
        is_owner = ruling is not None and _owns(actor, ruling)
        if ruling is None or not (is_owner or _rules(actor, ruling, now)):
            raise NotFound(noun="ruling", id=ruling_id)
        message = RulingMessage.objects.create(
            ruling=ruling,
            at=now,
            text=text.strip(),
            by_owner=is_owner,
            actor_id=actor.id,
            actor_name=actor.name,
        )
        audit.record(
            actor=actor,
            now=now,
            action="answer ruling",
            subject_kind="ruling",
            subject_id=ruling.id,
            right=Right.PROPOSE_OFFER if is_owner else Right.RULE,
            before={},
            change={"message": message.pk, "text": message.text},
        )
    return message


def _owns(actor: Actor, ruling: Ruling) -> bool:
    if not actor.may(Right.PROPOSE_OFFER):
        return False
    return own_teams(actor).filter(pk=ruling.offer.team_id).exists()


def _rules(actor: Actor, ruling: Ruling, now: datetime) -> bool:
    return actor.may(Right.RULE) and ruling.portfolio_id in scope_of(actor, now).portfolio_ids
