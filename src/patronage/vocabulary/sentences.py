"""How is a text said in the reader's language by parts that know no language but English?"""

from __future__ import annotations

from collections.abc import Callable

#: Gives a text, placeholders kept, in the reader's language.
Translate = Callable[[str], str]


class Sentence(str):
    """A text in English that remembers its template and its parts, for whoever translates it.

    Args:
        template: a text with `%(name)s` for its parts; without parts a per cent sign is itself.
        parts: what stands in it; one that is a `Sentence` is translated too.
    """

    __slots__ = ("parts", "template")

    template: str
    parts: dict[str, object]

    def __new__(cls, template: str, **parts: object) -> Sentence:
        self = super().__new__(cls, template % parts if parts else template)
        self.template, self.parts = template, parts
        return self

    def __reduce__(self) -> tuple[Callable[..., Sentence], tuple[str, dict[str, object]]]:
        return _rebuilt, (self.template, self.parts)

    def said(self, translate: Translate) -> str:
        """Give it in another language."""
        if not self.parts:
            return translate(self.template)
        return translate(self.template) % {
            name: part.said(translate) if isinstance(part, Sentence) else part
            for name, part in self.parts.items()
        }


def as_sentence(text: str) -> Sentence:
    """Give a text that may be one already; a plain one is its own template."""
    return text if isinstance(text, Sentence) else Sentence(text)


def _rebuilt(template: str, parts: dict[str, object]) -> Sentence:
    return Sentence(template, **parts)
