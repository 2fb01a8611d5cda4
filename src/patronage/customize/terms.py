"""What does a ruling make of an offer, alone and together with a portfolio's rule?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from patronage.customize.models import Offer
from patronage.customize.ruled import adapted
from patronage.govern.policies import RuleInForce, effect_that_counts


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
    #: names of the options kept; None: all
    options: frozenset[str] | None = None

    @classmethod
    def of(cls, effect: str, adaptation: Mapping[str, Any]) -> Terms:
        """Read a ruling's effect and its stored adaptation."""
        channels, day = adaptation.get("channels"), adaptation.get("not_before")
        options = adaptation.get("options")
        return cls(
            effect=effect,
            face_value_minor=adaptation.get("face_value_minor"),
            channels=None if channels is None else frozenset(channels),
            wording=adaptation.get("wording"),
            not_before=None if day is None else date.fromisoformat(day),
            options=None if options is None else frozenset(options),
        )

    def stored(self) -> dict[str, Any]:
        """Give the adaptation as a ruling stores it."""
        given = {
            "face_value_minor": self.face_value_minor,
            "channels": None if self.channels is None else sorted(self.channels),
            "wording": self.wording,
            "not_before": None if self.not_before is None else self.not_before.isoformat(),
            "options": None if self.options is None else sorted(self.options),
        }
        return {name: value for name, value in given.items() if value is not None}


#: What holds for a portfolio that has not ruled: nothing is permitted without a ruling.
UNRULED = Terms(effect="block")
#: What a block is where it is lifted for a test.
LIFTED = Terms(effect="allow")


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
        options=beside.options,
    )


def permits(terms: Terms, channel: str) -> bool:
    """Whether the terms let the offer go out in a channel at all."""
    return terms.effect != "block" and (terms.channels is None or channel in terms.channels)


def face_share_of(terms: Terms, offer: Offer) -> float:
    """The face value under the terms as a share of the proposed one."""
    if terms.face_value_minor is None or offer.face_value_minor == 0:
        return 1.0
    return terms.face_value_minor / offer.face_value_minor


def options_under(terms: Terms, offer: Offer) -> list[dict[str, Any]]:
    """The options that the terms keep, as the offer declares them."""
    kept = terms.options
    return [each for each in offer.options if kept is None or each["name"] in kept]
