"""What the company declares about itself: read from `company.toml`, checked, kept as versions.

Every figure here is an *assumption*: screens show it with its source. Unknown keys are refused
when the file is loaded, so that a misspelt setting never passes silently.
"""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class CompanyError(ValueError):
    """`company.toml` says something that cannot be used; the message names the key and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A band of customers by long-term value: the first tier holds the most valuable share."""

    #: name used in rules, e.g. "top"
    name: str
    #: share of customers, 0..1; the shares of all tiers sum to 1
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedRule:
    """A need of the taxonomy and the product departments and categories that show it."""

    name: str
    title: str
    departments: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRule:
    """A portfolio, its first manager and the predicate that assigns customers to it (in order)."""

    name: str
    #: e-mail address of the first accountable manager
    manager: str
    #: predicate over the field catalogue; None marks the one portfolio that takes everybody else
    when: str | None = None
    #: what happens to an offer that nobody has ruled on: "allow" or "block"
    default_ruling: str = "allow"
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRule:
    """One objective and when it applies; the first true rule wins, the last has no `when`."""

    objective: str
    reason: str
    when: str | None = None
    #: predicate under which a change to this objective does not wait: the condition holds by a
    #: margin
    clearly: str | None = None
    #: neither a change to this objective nor one away from it waits: its condition is a fact that
    #: does not waver, such as an age
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCosts:
    """What serving a customer costs beside the baskets; minor units, each an assumption."""

    #: one contact that was made before this system decided them; what it decides itself costs
    #: what its channel declares
    per_contact_minor: int = 0
    #: one case: a complaint or an enquiry that somebody worked on
    per_case_minor: int = 0
    #: one visit: a day on which the customer came to buy
    per_visit_minor: int = 0
    #: keeping a customer for a month, as long as they are one
    per_month_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceModel:
    """A cheaper way to serve a customer; a cost that it does not name stays as it is."""

    #: name used in reasons, e.g. "self-service"
    name: str
    title: str
    cost_per_basket_minor: int | None = None
    per_contact_minor: int | None = None
    per_case_minor: int | None = None
    per_visit_minor: int | None = None
    per_month_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlikes:
    """Who is compared with whom when a customer's potential is estimated."""

    #: declared facts that look-alikes share, the most telling first
    facts: tuple[str, ...] = ()
    #: where the potential stands among the values of the look-alikes, 0..1
    quantile: float = 0.8
    #: fewer look-alikes than this say nothing; a wider group is asked
    smallest_group: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """What the views for steering rest on beside the valuation; each an assumption."""

    #: what all customers of the market are worth, to whomever they buy from, minor units; None:
    #: nobody estimated it, so that no equity share is shown
    market_value_minor: int | None = None
    #: what winning a customer may cost, as a share of what they are predicted to bring, 0..1
    acquisition_cost_share: float = 0.3
    #: name of the imported numeric fact that says how satisfied a customer is
    satisfaction_fact: str = "satisfaction"
    #: satisfied from this value of the fact on
    satisfied_from: float = 8.0


#: Assumptions that somebody stands for.
ASSUMPTIONS = ("annual_discount_rate", "horizon_days", "margins", "costs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who stands for an assumption; what is not said is not approved yet."""

    #: one of `ASSUMPTIONS`
    assumption: str
    owner: str = ""
    approved_by: str = ""
    #: ISO date, such as 2026-01-31
    approved_on: str = ""
    #: where the figure comes from
    source: str = ""

    @property
    def is_approved(self) -> bool:
        """Whether somebody approved it, and when is known."""
        return bool(self.approved_by and self.approved_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel that treatments are sent through, with what one contact costs."""

    name: str
    title: str
    cost_minor: int
    #: response in this channel as a share of the response that was observed, 0..1
    response: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One version of the company's declared assumptions."""

    name: str
    #: IANA time zone of business dates
    time_zone: str
    #: ISO 4217 reporting currency
    currency: str
    #: horizon of long-term value, days
    horizon_days: int = 1095
    #: annual effective discount rate
    annual_discount_rate: float = 0.10
    #: gross margin as a share of sales where no department says otherwise
    default_margin: float
    #: gross margin as a share of sales, by department
    margin_by_department: dict[str, float] = field(default_factory=dict)
    #: cost to serve one basket, minor units
    cost_per_basket_minor: int = 0
    #: what else serving costs
    serving: ServingCosts = field(default_factory=ServingCosts)
    #: cheaper ways to serve
    service_models: tuple[ServiceModel, ...] = ()
    #: what winning a customer costs, minor units; None: not known
    acquisition_cost_minor: int | None = None
    #: who is compared with whom
    look_alikes: LookAlikes = field(default_factory=LookAlikes)
    #: what the views for steering rest on
    steering: Steering = field(default_factory=Steering)
    #: who stands for which assumption
    provenance: tuple[Provenance, ...] = ()
    tiers: tuple[Tier, ...]
    needs: tuple[NeedRule, ...] = ()
    objectives: tuple[ObjectiveRule, ...]
    #: valuations in a row that must ask for another objective before it changes; 1: at once
    objective_after_valuations: int = 2
    portfolios: tuple[PortfolioRule, ...]
    #: portfolio that a customer enters on creation
    entry_portfolio: str
    channels: tuple[Channel, ...]
    #: share of customers held out of every marketing contact, 0..1
    holdout_share: float = 0.10
    #: keeps the holdout's hash apart from every other hash
    holdout_salt: str
    #: marketing contacts a customer may get in one calendar month
    contacts_per_month: int = 2
    #: what all offers of one quarter may cost, minor units
    quarterly_budget_minor: int
    #: share of responses that the contact caused, assumed where nothing randomised exists
    incrementality_prior: float = 0.3
    #: money each contact costs in goodwill, minor units
    fatigue_minor: int = 0
    #: by how much a portfolio's rules may prefer an offer to what it earns, minor units either
    #: way; 0: not at all
    prefer_limit_minor: int = 0

    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def margin(self, department: str | None) -> float:
        """Gross margin share of a department; the declared default for one not listed."""
        return self.margin_by_department.get(department or "", self.default_margin)

    def provenance_of(self, assumption: str) -> Provenance:
        """Who stands for the assumption; nobody, where nothing is declared."""
        declared = (each for each in self.provenance if each.assumption == assumption)
        return next(declared, Provenance(assumption=assumption))


_LISTS: dict[str, type] = {
    "tiers": Tier,
    "needs": NeedRule,
    "objectives": ObjectiveRule,
    "portfolios": PortfolioRule,
    "channels": Channel,
    "service_models": ServiceModel,
    "provenance": Provenance,
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
    _check(company)
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


def _check(company: Company) -> None:
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
    _check_costs(company)
    _check_look_alikes(company.look_alikes)
    _check_steering(company.steering)
    _check_provenance(company.provenance)


def _check_costs(company: Company) -> None:
    where: dict[str, Any] = {
        "cost_per_basket_minor": company.cost_per_basket_minor,
        "acquisition_cost_minor": company.acquisition_cost_minor,
        "prefer_limit_minor": company.prefer_limit_minor,
    }
    where |= {f"serving.{each.name}": getattr(company.serving, each.name) for each in _COSTS}
    names = [model.name for model in company.service_models]
    if len(set(names)) != len(names):
        raise CompanyError("service_models: a name stands twice; names must be unique")
    for model in company.service_models:
        for name in ("cost_per_basket_minor", *(each.name for each in _COSTS)):
            where[f"service_models {model.name}: {name}"] = getattr(model, name)
    for key, value in where.items():
        if value is not None and (type(value) is not int or value < 0):
            raise CompanyError(f"{key} is {value!r}; it is a whole number of minor units from 0")


_COSTS = fields(ServingCosts)


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
