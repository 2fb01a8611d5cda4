"""What the company declares about itself: read from `company.toml`, checked, kept as versions.

Every figure here is an *assumption*: screens show it with its source. Unknown keys are refused
when the file is loaded, so that a misspelt setting never passes silently.
"""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from typing import Any

from patronage.vocabulary.company_checks import ASSUMPTIONS, CompanyError, check
from patronage.vocabulary.declared import (
    Channel,
    Company,
    LookAlikes,
    NeedRule,
    ObjectiveRule,
    PortfolioRule,
    Provenance,
    ServiceModel,
    ServiceTier,
    ServingCosts,
    Steering,
    Tier,
)
from patronage.vocabulary.identifiers import IdentifierKind

__all__ = [
    "ASSUMPTIONS",
    "Channel",
    "Company",
    "CompanyError",
    "IdentifierKind",
    "LookAlikes",
    "NeedRule",
    "ObjectiveRule",
    "PortfolioRule",
    "Provenance",
    "ServiceModel",
    "ServiceTier",
    "ServingCosts",
    "Steering",
    "Tier",
    "company_from_dict",
    "parse_company",
]


_LISTS: dict[str, type] = {
    "tiers": Tier,
    "needs": NeedRule,
    "objectives": ObjectiveRule,
    "portfolios": PortfolioRule,
    "channels": Channel,
    "service_models": ServiceModel,
    "service_tiers": ServiceTier,
    "provenance": Provenance,
    "identifiers": IdentifierKind,
}
_TABLES: dict[str, type] = {
    "serving": ServingCosts,
    "look_alikes": LookAlikes,
    "steering": Steering,
}


def parse_company(text: str) -> Company:
    """Read and check `company.toml`.

    Raises:
        CompanyError: the text is no TOML, a key is unknown or missing, or a value is out of range.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CompanyError(f"company.toml is not valid TOML: {error}") from error
    return company_from_dict(raw)


def company_from_dict(raw: dict[str, Any]) -> Company:
    """The same from the stored form (a plain dictionary, as kept in the assumption rows)."""
    prepared = dict(raw)
    for key, kind in _LISTS.items():
        if key in prepared:
            prepared[key] = tuple(_record(kind, item, key) for item in prepared[key])
    for key, kind in _TABLES.items():
        if key in prepared:
            if not isinstance(prepared[key], dict):
                raise CompanyError(f"{key} is {prepared[key]!r}; it is a table: write [{key}]")
            prepared[key] = _record(kind, prepared[key], key)
    company: Company = _record(Company, prepared, "company.toml")
    check(company)
    return company


def _record(kind: type, raw: dict[str, Any], where: str) -> Any:
    known = {item.name: item for item in fields(kind)}
    unknown = sorted(set(raw) - set(known))
    if unknown:
        raise CompanyError(
            f"{where}: unknown key {unknown[0]!r}; expected one of {', '.join(sorted(known))}"
        )
    needed = {
        name
        for name, item in known.items()
        if item.default is MISSING and item.default_factory is MISSING
    }
    missing = sorted(needed - set(raw))
    if missing:
        raise CompanyError(f"{where}: {missing[0]!r} is missing; add it")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    return kind(**values)
