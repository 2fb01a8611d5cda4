"""Is what `company.toml` declares usable? Each refusal names the key and the mend."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfoNotFoundError

from patronage.vocabulary.declared import (
    Company,
    LookAlikes,
    PortfolioRule,
    Provenance,
    ServiceTier,
    Steering,
)
from patronage.vocabulary.identifiers import IdentifierKind, problem_with

#: Assumptions that somebody stands for.
ASSUMPTIONS: Final = ("annual_discount_rate", "horizon_days", "margins", "costs")
#: What serving costs beside the baskets, as the table `serving` names it.
_COSTS: Final = ("per_contact_minor", "per_case_minor", "per_visit_minor", "per_month_minor")
LONGEST_TIER: Final = 20
CHANNEL_KINDS: Final = ("pushed", "answered", "personal")


class CompanyError(ValueError):
    """`company.toml` says something that cannot be used; the message names the key and the mend."""


def check(company: Company) -> None:
    try:
        company.zone()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CompanyError(
            f"time_zone {company.time_zone!r} is not an IANA time zone, such as Europe/Paris"
        ) from error
    if len(company.currency) != 3 or not company.currency.isupper():
        raise CompanyError(f"currency {company.currency!r} is not an ISO 4217 code, such as EUR")
    total = sum(tier.share for tier in company.tiers)
    if abs(total - 1) > 1e-9:
        raise CompanyError(f"tiers: the shares sum to {total}, they must sum to 1")
    names = [portfolio.name for portfolio in company.portfolios]
    if len(set(names)) != len(names):
        raise CompanyError("portfolios: a name stands twice; names must be unique")
    if company.entry_portfolio not in names:
        raise CompanyError(
            f"entry_portfolio {company.entry_portfolio!r} is none of the portfolios {names}"
        )
    if [rule.when is None for rule in company.portfolios].count(True) != 1:
        raise CompanyError("portfolios: exactly one has no `when`: it takes everybody else")
    if not company.objectives or company.objectives[-1].when is not None:
        raise CompanyError("objectives: the last one has no `when`: it takes everybody else")
    for key in ("default_margin", "holdout_share", "incrementality_prior"):
        value = getattr(company, key)
        if not 0 <= value <= 1:
            raise CompanyError(f"{key} is {value}; it is a share between 0 and 1")
    if not -1 < company.annual_discount_rate < 10:
        raise CompanyError(
            f"annual_discount_rate is {company.annual_discount_rate}; it lies between -1 and 10"
        )
    if company.objective_after_valuations < 1:
        raise CompanyError(
            f"objective_after_valuations is {company.objective_after_valuations}; it is 1 (change "
            "at once) or more"
        )
    _check_gates(company.portfolios)
    _check_costs(company)
    _check_service_tiers(company.service_tiers)
    _check_fence(company)
    _check_look_alikes(company.look_alikes)
    _check_steering(company.steering)
    _check_provenance(company.provenance)
    _check_identifiers(company.identifiers)


def _check_gates(portfolios: tuple[PortfolioRule, ...]) -> None:
    for rule in portfolios:
        if not 0 <= rule.gate_days <= 365:
            raise CompanyError(
                f"gate_days of portfolio {rule.name!r} is {rule.gate_days}; it is 0 to 365 days"
            )


def _check_costs(company: Company) -> None:
    where: dict[str, Any] = {
        "cost_per_basket_minor": company.cost_per_basket_minor,
        "acquisition_cost_minor": company.acquisition_cost_minor,
        "prefer_limit_minor": company.prefer_limit_minor,
    }
    where |= {f"serving.{name}": getattr(company.serving, name) for name in _COSTS}
    names = [model.name for model in company.service_models]
    if len(set(names)) != len(names):
        raise CompanyError("service_models: a name stands twice; names must be unique")
    for model in company.service_models:
        for name in ("cost_per_basket_minor", *_COSTS):
            where[f"service_models {model.name}: {name}"] = getattr(model, name)
    for key, value in where.items():
        if value is not None and (type(value) is not int or value < 0):
            raise CompanyError(f"{key} is {value!r}; it is a whole number of minor units from 0")


def _check_fence(company: Company) -> None:
    if type(company.fence_margin) not in (int, float) or not 0 <= company.fence_margin < 1:
        raise CompanyError(
            f"fence_margin is {company.fence_margin!r}; it is a share from 0 to below 1"
        )
    for rule in company.portfolios:
        capacity = rule.fence_capacity
        if capacity is not None and (type(capacity) is not int or capacity < 0):
            raise CompanyError(
                f"portfolios {rule.name!r}: fence_capacity is {capacity!r}; it is a whole number "
                "of customers, or left out"
            )
    for channel in company.channels:
        if channel.kind not in CHANNEL_KINDS:
            raise CompanyError(
                f"channels {channel.name!r}: kind is {channel.kind!r}; it is one of "
                f"{', '.join(CHANNEL_KINDS)}"
            )


def _check_service_tiers(tiers: tuple[ServiceTier, ...]) -> None:
    names = [tier.name for tier in tiers]
    if len(set(names)) != len(names):
        raise CompanyError("service_tiers: a name stands twice; names must be unique")
    for place, tier in enumerate(tiers, start=1):
        _check_service_tier(tier, is_last=place == len(tiers))
    edges = [tier.from_value_minor or 0 for tier in tiers[:-1]]
    if any(low >= high for high, low in itertools.pairwise(edges)):
        raise CompanyError(
            f"service_tiers: from_value_minor is {edges}; list the tiers from the highest value "
            "down, each below the one before"
        )


def _check_service_tier(tier: ServiceTier, *, is_last: bool) -> None:
    where, edge = f"service_tiers {tier.name!r:.40}", tier.from_value_minor
    if not isinstance(tier.name, str) or not 1 <= len(tier.name) <= LONGEST_TIER:
        raise CompanyError(f"{where}: a name has 1 to {LONGEST_TIER} characters")
    if is_last and (edge, tier.capacity) != (None, None):
        raise CompanyError(
            f"{where} is the last and takes everybody else: leave from_value_minor and capacity out"
        )
    if not is_last and type(edge) is not int:
        raise CompanyError(
            f"{where}: from_value_minor is {edge!r}; it is a whole number of minor units, and only "
            "the last tier has none"
        )
    if type(tier.margin) not in (int, float) or not 0 <= tier.margin < 1:
        raise CompanyError(f"{where}: margin is {tier.margin!r}; it is a share from 0 to below 1")
    if tier.capacity is not None and (type(tier.capacity) is not int or tier.capacity < 0):
        raise CompanyError(
            f"{where}: capacity is {tier.capacity!r}; it is a whole number of customers, or left "
            "out"
        )


def _check_look_alikes(declared: LookAlikes) -> None:
    if not 0 < declared.quantile < 1:
        raise CompanyError(
            f"look_alikes.quantile is {declared.quantile}; it lies between 0 and 1, such as 0.8"
        )
    if declared.smallest_group < 2:
        raise CompanyError(
            f"look_alikes.smallest_group is {declared.smallest_group}; it is 2 or more"
        )


def _check_steering(declared: Steering) -> None:
    market, share = declared.market_value_minor, declared.acquisition_cost_share
    if market is not None and (type(market) is not int or market <= 0):
        raise CompanyError(
            f"steering.market_value_minor is {market!r}; it is a whole number of minor units above "
            "0, or left out"
        )
    if not 0 <= share <= 1:
        raise CompanyError(
            f"steering.acquisition_cost_share is {share}; it is a share between 0 and 1"
        )


def _check_provenance(declared: tuple[Provenance, ...]) -> None:
    names = [each.assumption for each in declared]
    if unknown := sorted(set(names) - set(ASSUMPTIONS)):
        raise CompanyError(
            f"provenance: {unknown[0]!r} is none of the assumptions {', '.join(ASSUMPTIONS)}"
        )
    if len(set(names)) != len(names):
        raise CompanyError("provenance: an assumption stands twice; say it once")
    for each in declared:
        if not each.approved_on:
            continue
        try:
            date.fromisoformat(each.approved_on)
        except (TypeError, ValueError) as error:
            raise CompanyError(
                f"provenance {each.assumption}: approved_on {each.approved_on!r} is not a date "
                'written as text, such as "2026-01-31"'
            ) from error


def _check_identifiers(declared: tuple[IdentifierKind, ...]) -> None:
    names = [kind.name for kind in declared]
    if len(set(names)) != len(names):
        raise CompanyError("identifiers: a name stands twice; names must be unique")
    for kind in declared:
        if (wrong := problem_with(kind)) is not None:
            raise CompanyError(f"identifiers {kind.name!r:.50}: {wrong}")
