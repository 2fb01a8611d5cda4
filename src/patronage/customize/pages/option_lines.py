"""How does an owner write the options of an offer? One a line, as they read back."""

from __future__ import annotations

from django.utils.translation import gettext as _

from patronage.customize.models import Offer
from patronage.customize.options import Option, declared_wrong, read_options
from patronage.vocabulary.money import Money, MoneyError, currency_decimals


def options_typed(text: str, currency: str) -> tuple[Option, ...]:
    """Read lines such as `Gift wrap; 2.50; needs Card; excludes Locker`.

    Raises:
        ValueError: a line cannot be read, or the options cannot be together; says which and why.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    options = tuple(_option(line, currency) for line in lines)
    wrong = declared_wrong(options)
    if wrong is not None:
        raise ValueError(wrong)
    return options


def _option(line: str, currency: str) -> Option:
    name, *parts = (part.strip() for part in line.split(";"))
    if not parts:
        raise ValueError(
            _("“%(line)s” says no price. Write it like: Gift wrap; 2.50") % {"line": line[:80]}
        )
    try:
        price = Money.typed(parts[0], currency).minor
    except MoneyError as error:
        raise ValueError(
            _("“%(line)s”: its price is an amount such as 2.50 or -1.00.") % {"line": line[:80]}
        ) from error
    rules: dict[str, tuple[str, ...]] = {}
    for part in parts[1:]:
        kind, _space, names = part.partition(" ")
        if kind not in ("needs", "excludes") or kind in rules:
            raise ValueError(
                _("“%(line)s”: after the price come “needs …” and “excludes …”, each once.")
                % {"line": line[:80]}
            )
        rules[kind] = tuple(each.strip() for each in names.split(",") if each.strip())
    return Option(name=name, price_minor=price, **rules)


def options_written(offer: Offer) -> str:
    """The same lines of an offer's options."""
    digits = currency_decimals(offer.currency)
    return "\n".join(
        "; ".join(
            [
                each.name,
                f"{Money(each.price_minor, offer.currency).major:.{digits}f}",
                *([f"needs {', '.join(each.needs)}"] if each.needs else []),
                *([f"excludes {', '.join(each.excludes)}"] if each.excludes else []),
            ]
        )
        for each in read_options(offer.options)
    )
