"""Can conditions hold together? A search over what is left to each field, within a bound.

What a comparison asks about is its *subject*: a field, an expression, or how two of them compare.
It leaves its subject a set of values, so that AND is an intersection and only OR needs trying.
Subjects that are calculated count as free: where nothing is left although they are, the conditions
cannot hold together; where something is left, only an example proves that they can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from patronage.vocabulary.predicates.nodes import FieldRef, Kind, Scalar
from patronage.vocabulary.predicates.spans import Span, Values, after, line_of

#: How two scalars compare: -1, 0 or 1. A subject like any other.
Sign: TypeAlias = tuple[Scalar, Scalar]
Subject: TypeAlias = Scalar | Sign
#: What is left to each subject; to one that is not in it, everything.
Box: TypeAlias = dict[Subject, Values]

SIGNS: Span = (-1, 2)


@dataclass(frozen=True, slots=True)
class Leave:
    """A comparison: what it leaves to each of its subjects, together."""

    left: tuple[tuple[Subject, Values], ...]


@dataclass(frozen=True, slots=True)
class Both:
    """Goals to be reached together."""

    parts: tuple[Goal, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Goals of which one is enough; of none, none is."""

    parts: tuple[Goal, ...]


Goal: TypeAlias = Leave | Both | Either


class Undetermined(Exception):
    """The search reached its bound."""


@dataclass(slots=True)
class Steps:
    """How many steps may still be taken: intersections of a search, questions to an example."""

    left: int

    def take(self) -> None:
        """Take one; raises Undetermined where none is left."""
        if self.left <= 0:
            raise Undetermined
        self.left -= 1


def search(goals: Iterable[Goal], steps: Steps) -> Box | None:
    """Find what may be left to each subject when all goals are reached; None: they cannot be.

    Raises Undetermined when the steps are used up.
    """
    return _Search(steps).run({}, list(goals), [])


def line_of_subject(subject: Subject) -> Span:
    """Give the line that a subject's values are on."""
    if isinstance(subject, tuple):
        return SIGNS
    return line_of(subject.kind, calculated=not isinstance(subject, FieldRef))


def everything(subject: Subject) -> Values:
    """Give all that a subject may be."""
    return Values((line_of_subject(subject),), unknown=True)


@dataclass(slots=True)
class _Search:
    steps: Steps

    def run(self, box: Box, goals: list[Goal], choices: list[tuple[Goal, ...]]) -> Box | None:
        """Reach the goals in a box of this call's own, then try what is left to choose."""
        if not self._reach(box, goals, choices) or not self._narrow(box, choices):
            return None
        if not choices:
            return box if _signs_are_possible(box) else None
        choices.sort(key=len, reverse=True)
        options = choices.pop()
        for option in options:
            found = self.run(dict(box), [option], list(choices))
            if found is not None:
                return found
        return None

    def _reach(self, box: Box, goals: list[Goal], choices: list[tuple[Goal, ...]]) -> bool:
        waiting = list(goals)
        while waiting:
            match waiting.pop():
                case Leave(left):
                    for subject, values in left:
                        self.steps.take()
                        rest = box[subject] & values if subject in box else values
                        if not rest:
                            return False
                        box[subject] = rest
                case Both(parts):
                    waiting.extend(parts)
                case Either(parts):
                    choices.append(parts)
        return True

    def _narrow(self, box: Box, choices: list[tuple[Goal, ...]]) -> bool:
        """Drop what the box rules out or grants, and reach what is left without a choice."""
        changed = True
        while changed:
            changed, open_choices = False, list(choices)
            choices.clear()
            for options in open_choices:
                states = [(option, self._state(box, option)) for option in options]
                if any(state is True for _, state in states):
                    continue
                kept = tuple(option for option, state in states if state is None)
                if not kept:
                    return False
                if len(kept) > 1:
                    choices.append(kept)
                    continue
                changed = True
                if not self._reach(box, list(kept), choices):
                    return False
        return True

    def _state(self, box: Box, goal: Goal) -> bool | None:
        """Whether the box grants (True) or rules out (False) a goal."""
        if isinstance(goal, Leave):
            states = [self._state_of(box, subject, values) for subject, values in goal.left]
        else:
            states = [self._state(box, part) for part in goal.parts]
        deciding = isinstance(goal, Either)
        if any(state is deciding for state in states):
            return deciding
        return None if any(state is None for state in states) else not deciding

    def _state_of(self, box: Box, subject: Subject, values: Values) -> bool | None:
        self.steps.take()
        before = box.get(subject)
        rest = values if before is None else before & values
        if not rest:
            return False
        return True if rest == (before or everything(subject)) else None


def _signs_are_possible(box: Box) -> bool:
    """Whether two fields can compare as the box says, given what it leaves to each of them."""
    for subject, signs in box.items():
        if not isinstance(subject, tuple) or signs.unknown:
            continue
        one, other = subject
        if not (isinstance(one, FieldRef) and isinstance(other, FieldRef)):
            continue
        if one.kind is not other.kind:
            # Whole numbers are rounded to doubles before they meet one.
            continue
        here, there = (box.get(each) or everything(each) for each in subject)
        if not _possible_signs(one.kind, here.known, there.known) & {
            sign for sign in (-1, 0, 1) if sign in signs
        }:
            return False
    return True


def _possible_signs(kind: Kind, here: Sequence[Span], there: Sequence[Span]) -> set[int]:
    if not here or not there:
        return set()
    signs = set()
    if after(kind, here[0][0]) < there[-1][1]:
        signs.add(-1)
    if after(kind, there[0][0]) < here[-1][1]:
        signs.add(1)
    if Values(tuple(here)) & Values(tuple(there)):
        signs.add(0)
    return signs
