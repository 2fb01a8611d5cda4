"""What a company declares about itself, as records; `company.py` reads and checks them."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from patronage.vocabulary.identifiers import IdentifierKind


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
    #: days after which an offer that nobody has ruled on falls to that; 0: it waits for ever
    gate_days: int = 14
    #: most customers whom its manager looks after in person, so that no campaign reaches them;
    #: None: no fence
    fence_capacity: int | None = None
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
class ServiceTier:
    """How customers of some value are served: by a person of their own, by a pool, by themselves.

    The tiers stand in order, the most served first; the last takes everybody else.
    """

    #: name used in rules, e.g. "dedicated"
    name: str
    title: str
    #: value from which a customer is served so, minor units; None marks the last tier
    from_value_minor: int | None = None
    #: leaving it takes a value below the threshold by this share of it, and coming back one above
    #: it by the same share, 0..1
    margin: float = 0.1
    #: most customers that can be served so; None: any number
    capacity: int | None = None


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
    #: "pushed": the company begins, which the fence stops; "answered": in the moment the customer
    #: begins; "personal": a person speaks or writes, and no fence stops them
    kind: str = "pushed"


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
    #: how much more than the least valuable within the fence a customer outside must be worth to
    #: take their place, 0..1
    fence_margin: float = 0.1
    #: cheaper ways to serve
    service_models: tuple[ServiceModel, ...] = ()
    #: how customers are served by their value, the most served first
    service_tiers: tuple[ServiceTier, ...] = ()
    #: what winning a customer costs, minor units; None: not known
    acquisition_cost_minor: int | None = None
    #: who is compared with whom
    look_alikes: LookAlikes = field(default_factory=LookAlikes)
    #: what the views for steering rest on
    steering: Steering = field(default_factory=Steering)
    #: kinds of identifier beside the standard ones, or instead of one of them
    identifiers: tuple[IdentifierKind, ...] = ()
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
