"""Put every customer into the portfolio that the company's declared policy names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from patronage.access import audit
from patronage.access.company import current
from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, much_at_once
from patronage.differentiate import reads as valuations
from patronage.differentiate.models import ValuationRun
from patronage.govern import accounts, fence, memberships, policy, service_tiers, standing
from patronage.govern.actions import digest_of
from patronage.govern.actions.conditions import stated
from patronage.govern.errors import NotSetUp, OtherDate
from patronage.govern.models import AccountMember, Portfolio
from patronage.identify import fields as identities
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

_MOVER_COLUMNS: Final = ("customer_id", "portfolio_id", "target_id", "value_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How many customers change from one portfolio to another, and what they are worth."""

    from_portfolio_id: str
    from_portfolio: str
    to_portfolio_id: str
    to_portfolio: str
    customers: int
    #: of those whose value is known, minor units
    value_minor: int
    #: whose value is not known yet
    unvalued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioTotal:
    """What a portfolio holds after the assignment, of the customers there were by its date."""

    portfolio_id: str
    portfolio: str
    customers: int
    #: of those whose value is known, minor units
    value_minor: int
    unvalued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentSummary:
    """What an assignment did, or would do."""

    as_of: date
    run_id: str
    #: nothing was written
    dry_run: bool
    #: start of the new memberships: the instant at which `as_of` ends
    starts_at: datetime
    #: customers the policy was asked about
    customers: int
    moved: int
    #: stay, because their value is within 5 % of the edge of the tier that would move them
    kept_near_edge: int
    #: stay, because a person handed them over last
    kept_by_hand: int
    #: not asked about, because they entered or changed portfolio at `starts_at` or later
    changed_since: int
    currency: str
    #: from → to, the most customers first
    flows: tuple[Flow, ...]
    #: in the declared order
    portfolios: tuple[PortfolioTotal, ...]
    #: changes of service tier: from_tier, to_tier, cause, customers, value_minor
    service_changes: tuple[Mapping[str, str | int], ...] = ()
    #: who moves: `customer_id`, `portfolio_id` (from), `target_id` (to), `value_minor`
    movers: pl.DataFrame = field(repr=False, compare=False)

    def most_valuable_first(self) -> pl.DataFrame:
        """The movers by value; whose value is unknown come last."""
        return self.movers.sort(
            ["value_minor", "customer_id"], descending=[True, False], nulls_last=True
        )


def assign(
    *,
    actor: Actor,
    now: datetime,
    as_of: date,
    run: ValuationRun,
    dry_run: bool = False,
    reason: str = "",
    progress: Progress = silent,
) -> AssignmentSummary:
    """Move the customers whose portfolio changes under the policy, from the end of `as_of` on.

    A customer whom a person handed over stays where that person put them. Everybody's standing
    is brought up to date with the latest valuation. A dry run writes nothing, and refuses what
    the assignment itself would.

    Args:
        reason: why now, for the audit log; without one it names the policy and the date.

    Raises:
        OtherDate: the valuation is of another date.
        NotSetUp: a declared portfolio does not exist.
        NoManagerYet: a portfolio that customers go to has no manager at the end of `as_of`.
        RuleRefused: a rule cannot be read.
        NoReason: the reason is too long or cannot be kept.
    """
    actor.require(Right.ASSIGN)
    why = stated(reason) if reason else ""
    if run.as_of != as_of:
        raise OtherDate(as_of=as_of, run_as_of=run.as_of)
    company = current().company
    portfolios = _declared(company)
    when = policy.conditions(company.portfolios)
    calendar = BusinessCalendar(company.time_zone)
    instant = calendar.end_of_day(as_of)
    progress(0.1, "Reading what is known of each customer")
    known = _known(run, when, calendar)

    def plan(everybody: pl.DataFrame) -> tuple[AssignmentSummary, pl.DataFrame]:
        here = _with_trees(everybody.filter(~pl.col("erased")))
        customers = here.join(known, on="customer_id", how="left", maintain_order="left")
        served = service_tiers.planned(customers, instant, company)
        told = accounts.with_account(customers.with_columns(served["service_tier"]), instant)
        placed = _placed(told, when, portfolios, company)
        summary = _summary(placed, run, instant, portfolios, dry_run=dry_run)
        _require_managers(summary)
        changes = tuple(service_tiers.flows_of(served, company))
        return replace(summary, service_changes=changes), served

    if dry_run:
        progress(0.5, "Comparing with where everybody is")
        return plan(memberships.everybody(instant))[0]
    with much_at_once(), atomic():
        memberships.take_turns_moving()
        progress(0.4, "Comparing with where everybody is")
        everybody = memberships.everybody(instant)
        summary, served = plan(everybody)
        progress(0.6, "Moving customers")
        _write(actor, now, summary)
        progress(0.8, "Bringing everybody's standing up to date")
        standing.refresh(_moved(everybody, summary.movers))
        service_tiers.write(
            actor=actor, now=now, planned=served, starts_at=instant, as_of=as_of, company=company
        )
        fence.refresh(actor=actor, now=now, as_of=as_of, company=company)
        _record(actor, now, summary, why)
    progress(1.0, "Done")
    return summary


def _declared(company: Company) -> dict[str, str]:
    """Give the id of each declared portfolio by its name, in order."""
    there = dict(Portfolio.objects.values_list("name", "id"))
    for rule in company.portfolios:
        if rule.name not in there:
            raise NotSetUp(name=rule.name)
    return {rule.name: there[rule.name] for rule in company.portfolios}


def _known(
    run: ValuationRun, when: dict[str, pl.Expr | None], calendar: BusinessCalendar
) -> pl.DataFrame:
    """Give what the rules may ask about each customer; who they are only if a rule asks."""
    features = valuations.features(run)
    asked = {name for each in when.values() if each is not None for name in each.meta.root_names()}
    if asked.isdisjoint(identities.FIELDS):
        return features
    return identities.frame(calendar).join(features, on="customer_id", how="left")


def _with_trees(customers: pl.DataFrame) -> pl.DataFrame:
    """Count whom a tree of accounts holds together as put there by hand."""
    members = AccountMember.objects.filter(ends_at__isnull=True)
    ids = list(members.values_list("customer_id", flat=True))
    return customers.with_columns(by_hand=pl.col("by_hand") | pl.col("customer_id").is_in(ids))


def _placed(
    customers: pl.DataFrame,
    when: dict[str, pl.Expr | None],
    portfolios: dict[str, str],
    company: Company,
) -> pl.DataFrame:
    """Give these customers with `target_id` and whether each `moves`."""
    placed = policy.assigned(customers, when, portfolios, company.tiers)
    differs = ~pl.col("later") & (pl.col("target_id") != pl.col("portfolio_id"))
    return placed.with_columns(
        differs=differs,
        moves=differs & ~pl.col("by_hand") & ~pl.col("near_edge"),
    )


def _summary(
    placed: pl.DataFrame,
    run: ValuationRun,
    instant: datetime,
    portfolios: dict[str, str],
    *,
    dry_run: bool,
) -> AssignmentSummary:
    names = dict(Portfolio.objects.values_list("id", "name"))
    asked = placed.filter(~pl.col("later"))
    movers = asked.filter("moves").select(_MOVER_COLUMNS)
    kept = asked.filter(pl.col("differs") & ~pl.col("moves"))
    by_hand = int(kept["by_hand"].sum())
    return AssignmentSummary(
        as_of=run.as_of,
        run_id=run.id,
        dry_run=dry_run,
        starts_at=instant,
        customers=len(asked),
        moved=len(movers),
        kept_near_edge=len(kept) - by_hand,
        kept_by_hand=by_hand,
        changed_since=len(placed) - len(asked),
        currency=run.currency,
        flows=_flows(movers, names),
        portfolios=_totals(asked, names, portfolios),
        movers=movers,
    )


_AMOUNTS: Final = (
    pl.len().alias("customers"),
    pl.col("value_minor").sum().alias("value_minor"),
    pl.col("value_minor").null_count().alias("unvalued"),
)


def _flows(movers: pl.DataFrame, names: dict[str, str]) -> tuple[Flow, ...]:
    rows = movers.group_by("portfolio_id", "target_id").agg(*_AMOUNTS)
    ordered = rows.sort(["customers", "portfolio_id", "target_id"], descending=[True, False, False])
    return tuple(
        Flow(
            from_portfolio_id=source,
            from_portfolio=names[source],
            to_portfolio_id=to,
            to_portfolio=names[to],
            customers=customers,
            value_minor=value,
            unvalued=unvalued,
        )
        for source, to, customers, value, unvalued in ordered.iter_rows()
    )


def _totals(
    asked: pl.DataFrame, names: dict[str, str], portfolios: dict[str, str]
) -> tuple[PortfolioTotal, ...]:
    after = pl.when("moves").then("target_id").otherwise("portfolio_id").alias("portfolio_id")
    rows = asked.group_by(after).agg(*_AMOUNTS)
    held = {portfolio_id: amounts for portfolio_id, *amounts in rows.iter_rows()}
    order = [*portfolios.values(), *sorted(set(held) - set(portfolios.values()))]
    return tuple(
        PortfolioTotal(
            portfolio_id=portfolio_id,
            portfolio=names[portfolio_id],
            customers=customers,
            value_minor=value,
            unvalued=unvalued,
        )
        for portfolio_id in order
        for customers, value, unvalued in [held.get(portfolio_id, (0, 0, 0))]
    )


def _require_managers(summary: AssignmentSummary) -> None:
    targets = {flow.to_portfolio_id for flow in summary.flows}
    for portfolio in Portfolio.objects.filter(pk__in=targets):
        memberships.require_manager(portfolio, summary.starts_at)


def _write(actor: Actor, now: datetime, summary: AssignmentSummary) -> None:
    memberships.write(
        actor=actor,
        now=now,
        customer_ids=summary.movers["customer_id"],
        portfolio_ids=summary.movers["target_id"],
        starts_at=summary.starts_at,
        cause="policy",
        reason=f"Assignment policy as of {summary.as_of}",
    )


def _moved(everybody: pl.DataFrame, movers: pl.DataFrame) -> pl.DataFrame:
    """Everybody's newest membership after the movers' new one."""
    went = everybody.join(movers, on="customer_id", how="left", maintain_order="left")
    portfolio_id = pl.coalesce("target_id", "portfolio_id")
    return went.select("customer_id", portfolio_id=portfolio_id)


def _record(actor: Actor, now: datetime, summary: AssignmentSummary, why: str) -> None:
    lines = pl.concat_str("customer_id", pl.lit(" "), "target_id")
    change: dict[str, Any] = {
        "as_of": summary.as_of.isoformat(),
        "customers": summary.customers,
        "moved": summary.moved,
        "digest": digest_of(summary.movers.select(lines).to_series().to_list()),
        "flows": [
            {"from": flow.from_portfolio_id, "to": flow.to_portfolio_id, "moved": flow.customers}
            for flow in summary.flows
        ],
        "service_tiers": list(summary.service_changes),
    }
    audit.record(
        actor=actor,
        now=now,
        action="assign portfolios",
        subject_kind="valuation",
        subject_id=summary.run_id,
        right=Right.ASSIGN,
        reason=why or f"Assignment policy as of {summary.as_of}",
        before={},
        change=change,
    )
