"""What may a customer add to an offer, and which additions go together?

An option has a name and a price effect; it may need other options, or exclude them. A ruling keeps
some and strikes others, and what is kept must be able to stand: a kept option needs no struck one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

MOST_OPTIONS: Final = 20
LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Something that may be added to an offer."""

    name: str
    #: what it adds to what the customer pays, minor units; below zero: takes off
    price_minor: int
    #: options without which it cannot be
    needs: tuple[str, ...] = ()
    #: options with which it cannot be
    excludes: tuple[str, ...] = ()

    def stored(self) -> dict[str, Any]:
        """As an offer stores it."""
        return {
            "name": self.name,
            "price_minor": self.price_minor,
            "needs": list(self.needs),
            "excludes": list(self.excludes),
        }


def read_options(rows: Iterable[Mapping[str, Any]]) -> tuple[Option, ...]:
    """Options as an offer stores them."""
    return tuple(
        Option(
            name=row["name"],
            price_minor=row["price_minor"],
            needs=tuple(row.get("needs", ())),
            excludes=tuple(row.get("excludes", ())),
        )
        for row in rows
    )


def declared_wrong(options: Sequence[Option]) -> str | None:
    """Why options cannot be declared so; None where they can."""
    names = [each.name for each in options]
    if len(names) > MOST_OPTIONS:
        return _("it has %(length)s options; expected at most %(most_options)s.") % {
            "length": len(names),
            "most_options": MOST_OPTIONS,
        }
    for name in names:
        if not is_name(name):
            return _(
                "an option is called %(name).80r; expected 1 to %(longest_name)s printable "
                "characters without comma, semicolon or space at an end."
            ) % {"name": name, "longest_name": LONGEST_NAME}
        if names.count(name) > 1:
            return _("two options are called %(name)r. Give each a name of its own.") % {
                "name": name
            }
    for each in options:
        for other in (*each.needs, *each.excludes):
            if other not in names or other == each.name:
                return _("the option %(name)r names %(other)r, which is no other option.") % {
                    "name": each.name,
                    "other": other,
                }
    for each in options:
        clash = wrong_together(options, needed_by(options, each.name))
        if clash is not None:
            return f"the option {each.name!r} can never be chosen: {clash}"
    return None


def is_name(text: str) -> bool:
    """Whether an option can be called so: it reads back from the line that an owner writes."""
    fits = 0 < len(text) <= LONGEST_NAME and text.isprintable() and text == text.strip()
    return fits and not set(text) & set(",;")


def needed_by(options: Sequence[Option], name: str) -> set[str]:
    """An option with all that it needs, directly or not."""
    known = {each.name: each for each in options}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += known[each].needs
    return found


def wrong_together(options: Sequence[Option], chosen: Collection[str]) -> str | None:
    """Why these options cannot be chosen together, with both names; None where they can."""
    for each in options:
        if each.name not in chosen:
            continue
        for other in each.needs:
            if other not in chosen:
                return _("%(name)r needs %(other)r, which is not among them.") % {
                    "name": each.name,
                    "other": other,
                }
        for other in each.excludes:
            if other in chosen:
                return _("%(name)r excludes %(other)r; leave one of them out.") % {
                    "name": each.name,
                    "other": other,
                }
    return None


def kept_wrong(options: Sequence[Option], kept: Collection[str]) -> str | None:
    """Why a ruling cannot keep these options and strike the others; None where it can.

    Two that exclude each other may both be kept: the customer takes one of them.
    """
    for each in options:
        if each.name in kept:
            for other in sorted(needed_by(options, each.name)):
                if other not in kept:
                    return _("%(name)r needs %(other)r, which is struck. Keep both or neither.") % {
                        "name": each.name,
                        "other": other,
                    }
    return None
