"""In what does a version of an offer differ from the one before?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from patronage.customize.models import Offer, Treatment

#: What a reader compares, in the order shown; wordings follow, one a channel.
COMPARED: Final = (
    "name",
    "description",
    "category",
    "department",
    "need",
    "face_value_minor",
    "redemption_cost_minor",
    "eligibility",
    "options",
)


def content_of(offer: Offer, treatments: Sequence[Treatment]) -> dict[str, Any]:
    """What an offer says and costs, by name; its dates are not part of what differs."""
    content = {name: getattr(offer, name) for name in COMPARED}
    said = {each.channel: [each.wording, each.cost_minor] for each in treatments}
    # a change of its rules alone is a change too
    content["options"] = [_in_words(each) for each in offer.options]
    return content | {"treatments": dict(sorted(said.items()))}


def _in_words(option: dict[str, Any]) -> str:
    rules = "".join(
        f", {kind} {', '.join(option[kind])}" for kind in ("needs", "excludes") if option[kind]
    )
    return f"{option['name']} ({option['price_minor']}{rules})"


def differences(offer: Offer) -> list[tuple[str, Any, Any]]:
    """What changed since the version before: name, before, after; empty for a first version."""
    if offer.replaces is None:
        return []
    was = content_of(offer.replaces, list(offer.replaces.treatments.all()))
    becomes = content_of(offer, list(offer.treatments.all()))
    changed = [(name, was[name], becomes[name]) for name in COMPARED if was[name] != becomes[name]]
    channels = sorted({*was["treatments"], *becomes["treatments"]})
    for channel in channels:
        before, after = (side["treatments"].get(channel, [""])[0] for side in (was, becomes))
        if before != after:
            changed.append((channel, before, after))
    return changed
