"""How is a value written so that two spellings of one name are the same text?"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from patronage.access.texts import is_encodable
from patronage.vocabulary.identifiers import IdentifierKind

#: Why a value names nobody.
EMPTY: Final = "empty"
JUNK: Final = "junk"
MALFORMED: Final = "malformed"
TOO_LONG: Final = "too long"

_LONGEST: Final = 200
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_EMAIL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}@[^\s@]{1,190}")
_HOST: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_SEPARATOR: Final = re.compile(r"[\s.\-_/]+")


def normal(kind: IdentifierKind, value: str) -> tuple[str | None, str]:
    """Give the one way in which a value is written, or None and why it names nobody.

    E-mail addresses lose capitals and `mailto:`; their domain is written as the net writes it
    (IDNA). Dots and what follows a plus sign stay: only the receiving domain knows what they mean.
    Phone numbers become E.164 and must be assigned by their country's plan (libphonenumber).
    """
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        return None, EMPTY
    if len(text) > _LONGEST:
        return None, TOO_LONG
    if not is_encodable(text) or _CONTROL.search(text):
        return None, MALFORMED
    if kind.is_junk(text):
        return None, JUNK
    written = _written(kind, text)
    if written is None:
        return None, MALFORMED
    if kind.is_junk(written):
        return None, JUNK
    return written, ""


def _written(kind: IdentifierKind, text: str) -> str | None:
    if kind.form == "email":
        return _email(unicodedata.normalize("NFKC", text))
    if kind.form == "phone":
        return _phone(text, kind.region)
    if kind.form == "code":
        code = _SEPARATOR.sub("", unicodedata.normalize("NFKC", text)).upper()
        return code if code.isalnum() else None
    return text


def _email(text: str) -> str | None:
    address = text.casefold().removeprefix("mailto:")
    if not _EMAIL.fullmatch(address):
        return None
    local, _, domain = address.partition("@")
    try:
        host = domain.removesuffix(".").encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return f"{local}@{host}" if _HOST.fullmatch(host) and ".." not in local else None


@lru_cache(maxsize=50_000)
def _phone(text: str, region: str) -> str | None:
    import phonenumbers

    number = text.removeprefix("tel:")
    if number.startswith("00"):
        number = f"+{number[2:]}"
    try:
        read = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return None
    if read.extension or not phonenumbers.is_valid_number(read):
        return None
    written: str = phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)
    return written
