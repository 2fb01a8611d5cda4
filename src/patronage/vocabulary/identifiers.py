"""What kinds of identifier are there, and what is declared of each?

A company declares its own kinds in `company.toml`, or declares a standard one anew; a kind that
nobody declares is a text that names one customer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

#: how a value is normalised: kept as it is but for blanks around it; an e-mail address; a phone
#: number as E.164; letters and digits alone, as on a card
FORMS: Final = ("text", "email", "phone", "code")
#: what stands where a name should, in whatever kind; compared without regard to capitals
JUNK: Final = frozenset(
    (
        *("null", "(null)", "nil", "none", "undefined", "nan", "n/a", "na", "#n/a", "-", "--"),
        *("unknown", "anonymous", "guest", "default", "test", "true", "false", "[object object]"),
        *("userid", "user_id", "anonymousid", "anonymous_id", "deviceid", "device_id", "id"),
        *("email", "e-mail", "phone", "test@example.com", "test@test.com", "null@null.com"),
        *("noreply@example.com", "no@email.com", "none@none.com", "a@a.com"),
        *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    )
)
_ZEROS: Final = re.compile(r"[0\s.\-]+")
_ONE_SIGN: Final = re.compile(r"\D*(\d)(?:\D*\1){5,}\D*")


@dataclass(frozen=True, kw_only=True)
class IdentifierKind:
    """A kind of name under which sources know customers: how it is read and how far it is trusted.

    Where two names of one bundle stand for different customers, the more trusted one decides.
    """

    #: as sources and mappings write it, at most 40 characters
    name: str
    #: as screens show it; empty: the name itself
    title: str = ""
    #: how a value is normalised: text, email, phone or code
    form: str = "text"
    #: how far a value is believed, 1 to 100; equal trusts: the kind declared first decides
    trust: int = 50
    #: kept as a keyed digest only
    personal: bool = False
    #: names an event's sender, not a person: a customer known by such names alone is anonymous,
    #: and is adopted by the customer that the same bundle names
    anonymous: bool = False
    #: a value that brings two customers together makes them one at once; else a steward is asked
    merges: bool = False
    #: most customers that one value may stand for; with more than one it proves nothing alone
    customers_a_value: int = 1
    #: most values that one customer may have; None: any number
    values_a_customer: int | None = None
    #: values that name nobody, beside the standard ones
    junk: tuple[str, ...] = ()
    #: country of numbers written without one, as ISO 3166 such as "FR"; empty: such a number
    #: names nobody
    region: str = ""

    @cached_property
    def _declared_junk(self) -> frozenset[str]:
        return frozenset(word.strip().casefold() for word in self.junk)

    def is_junk(self, value: str) -> bool:
        """Whether a value is declared to name nobody, or is nothing but zeros.

        Of e-mail addresses, phone numbers and codes, six or more of one digit alone are junk too.
        """
        plain = value.strip().casefold()
        if plain in JUNK or plain in self._declared_junk or _ZEROS.fullmatch(plain):
            return True
        return self.form != "text" and _ONE_SIGN.fullmatch(plain) is not None


#: Kinds that need no declaration.
STANDARD: Final[tuple[IdentifierKind, ...]] = (
    IdentifierKind(name="user_id", title="User id", trust=100, merges=True, values_a_customer=1),
    IdentifierKind(name="loyalty_card", title="Loyalty card", form="code", trust=90, merges=True),
    IdentifierKind(
        name="email", title="E-mail address", form="email", trust=80, personal=True, merges=True
    ),
    IdentifierKind(
        name="phone",
        title="Phone number",
        form="phone",
        trust=60,
        personal=True,
        customers_a_value=5,
        values_a_customer=5,
    ),
    IdentifierKind(name="anonymous_id", title="Visitor id", trust=30, anonymous=True),
    IdentifierKind(name="device", title="Device", trust=20, anonymous=True, customers_a_value=5),
)


def kinds_of(declared: Sequence[IdentifierKind]) -> Mapping[str, IdentifierKind]:
    """Every kind by name, the most trusted first; a declared kind replaces the standard one."""
    every = {kind.name: kind for kind in STANDARD} | {kind.name: kind for kind in declared}
    return dict(sorted(every.items(), key=lambda item: -item[1].trust))


def problem_with(kind: IdentifierKind) -> str | None:
    """Say what is wrong with a declaration and how to mend it; None: nothing."""
    wrong: list[str] = []
    if not isinstance(kind.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", kind.name):
        wrong.append("name: 1 to 40 small letters, digits and underscores, a letter first")
    if kind.form not in FORMS:
        wrong.append(f"form is {kind.form!r}; it is one of {', '.join(FORMS)}")
    if type(kind.trust) is not int or not 1 <= kind.trust <= 100:
        wrong.append(f"trust is {kind.trust!r}; it is a whole number from 1 to 100")
    limits = (("customers_a_value", kind.customers_a_value), *_second(kind))
    wrong += [
        f"{name} is {limit!r}; it is a whole number from 1 to 1,000"
        for name, limit in limits
        if type(limit) is not int or not 1 <= limit <= 1000
    ]
    wrong += [
        f"{name} is {getattr(kind, name)!r}; it is true or false"
        for name in ("personal", "anonymous", "merges")
        if type(getattr(kind, name)) is not bool
    ]
    if not all(isinstance(word, str) for word in kind.junk):
        wrong.append("junk: a list of texts")
    if kind.region and not re.fullmatch("[A-Z]{2}", str(kind.region)):
        wrong.append(f'region is {kind.region!r}; it is a country of ISO 3166 such as "FR"')
    return wrong[0] if wrong else None


def _second(kind: IdentifierKind) -> tuple[tuple[str, int], ...]:
    limit = kind.values_a_customer
    return () if limit is None else (("values_a_customer", limit),)
