"""Can every store keep this text? Asked before anything is written, so that the answer is words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from patronage.access.errors import Refused


class UnstorableText(Refused):
    """A text is too long, or holds what no store keeps."""

    def __init__(self, *, what: str, expected: str, found: str) -> None:
        super().__init__(
            _("The %(what)s must be %(expected)s; found %(found)s. Change it and try again.")
            % {"what": _(what), "expected": expected, "found": found}
        )


def checked(text: str, *, what: str, longest: int) -> str:
    """Give the text back if each store can keep it unchanged.

    Args:
        text: what somebody wrote.
        what: the field's name, for the message.
        longest: how many characters it may have.

    Raises:
        UnstorableText: it is longer, or holds a NUL or half of a surrogate pair.
    """
    if len(text) > longest:
        expected = _("at most %(longest)s characters long") % {"longest": longest}
        raise UnstorableText(
            what=what, expected=expected, found=_("%(length)s characters") % {"length": len(text)}
        )
    if "\0" in text or not is_encodable(text):
        expected = _("text without NUL characters and halves of surrogate pairs")
        raise UnstorableText(what=what, expected=expected, found=ascii(text[:40]))
    return text


def is_encodable(text: str) -> bool:
    """Say whether the text has a UTF-8 form: halves of surrogate pairs have none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
