"""Why was a rule or a record refused? Errors that say where, why and what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable

from patronage.vocabulary.sentences import Sentence, Translate, as_sentence


class PredicateError(ValueError):
    """A rule that is not in the language. Raised when a rule is read, never when it is used."""

    def __init__(
        self,
        reason: str,
        advice: str,
        *,
        offset: int | None = None,
        line: int | None = None,
        column: int | None = None,
        row: str | None = None,
    ) -> None:
        #: What is wrong, in English; a `Sentence` where it has parts.
        self.reason = reason
        #: What to write instead, likewise.
        self.advice = advice
        #: Characters before the fault, from 0; None for a stored tree, which has no text.
        self.offset = offset
        #: Line of the fault, from 1.
        self.line = line
        #: Column of the fault in its line, from 1.
        self.column = column
        #: The row of a condition builder, as in 2.1; None for a text or a stored tree.
        self.row = row
        super().__init__(self.said(str))

    def __reduce__(self) -> tuple[Callable[..., PredicateError], tuple[str, str]]:
        rebuild = functools.partial(
            PredicateError,
            offset=self.offset,
            line=self.line,
            column=self.column,
            row=self.row,
        )
        return rebuild, (self.reason, self.advice)

    def said(self, translate: Translate) -> str:
        """Say where, what is wrong and what to write instead in another language."""
        reason = as_sentence(self.reason).said(translate)
        advice = as_sentence(self.advice).said(translate) if self.advice else ""
        place = ""
        if self.line is not None:
            at = Sentence("Line %(line)s, column %(column)s:", line=self.line, column=self.column)
            place = at.said(translate)
        return " ".join(part for part in (place, reason, advice) if part)

    @classmethod
    def at(cls, text: str, offset: int, reason: str, advice: str) -> PredicateError:
        """Build the error for a place in a text."""
        before = text[:offset]
        line = before.count("\n") + 1
        column = offset - (before.rfind("\n") + 1) + 1
        return cls(reason, advice, offset=offset, line=line, column=column)


class RecordError(TypeError):
    """A record whose value has not the type its field declares: a fault of the caller."""
