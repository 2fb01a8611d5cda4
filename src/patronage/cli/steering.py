"""`patronage value levers|metrics|loyalty|segments|acquisition`: what value is steered by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from patronage.cli.call import current
from patronage.cli.show import Share, facts, heading, rows
from patronage.differentiate.reads.acquisition import Acquisition, Source
from patronage.differentiate.reads.acquisition import acquisition as read_acquisition
from patronage.differentiate.reads.layers import layers
from patronage.differentiate.reads.loyalty import Kept
from patronage.differentiate.reads.loyalty import loyalty as read_loyalty
from patronage.steer.lever_tree import Branch, lever_tree
from patronage.steer.metric_pairs import metric_pairs
from patronage.vocabulary.money import Money


def levers(*, as_of: date | None = None) -> None:
    """Show what one point more of each lever is worth, by portfolio.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    """
    call = current()
    tree = lever_tree(call.actor, call.clock(), as_of=as_of)

    def worth(branch: Branch, lever: str) -> Money | None:
        amount = branch.worth_minor[lever]
        return None if amount is None else Money(amount, tree.currency)

    rows(
        f"What one point more is worth, as of {tree.as_of}",
        [
            {
                "portfolio": branch.portfolio or "all",
                "value": Money(branch.value_minor, tree.currency),
                **{lever: worth(branch, lever) for lever in tree.levers},
                "retention_now": _share(branch.retention),
            }
            for branch in (*tree.portfolios, tree.total)
        ],
    )


def metrics(*, as_of: date | None = None) -> None:
    """Show old metrics beside new ones: product and customer profit, sales and lifetime value.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    """
    call = current()
    pairs = metric_pairs(call.actor, call.clock(), as_of=as_of)
    profit, sales = pairs.profit, pairs.sales
    currency = profit.currency
    rows(
        f"Profit by product, {profit.quarter}",
        [
            {
                "department": each.department or "not in the catalogue",
                "sales": Money(each.revenue_minor, currency),
                "margin": Money(each.margin_minor, currency),
            }
            for each in profit.departments
        ],
    )
    facts(
        "",
        {
            "as_of": profit.as_of,
            "products_earned": Money(profit.products_margin_minor, currency),
            "customers_earned": Money(profit.customers_margin_minor, currency),
            "rounding": Money(profit.rounding_minor, currency),
            "sales": Money(sales.revenue_minor, currency),
            "customer_equity": Money(sales.value_minor, currency),
            "best_by_sales_only": sales.best_by_sales_only,
            "equity_share_estimate": _share(
                pairs.equity_share.share if pairs.equity_share else None
            ),
        },
    )


def loyalty(*, as_of: date | None = None, limit: int = 20) -> None:
    """Show who stayed, who left, and who is satisfied and leaving.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    limit
        How many of the satisfied and leaving to name.
    """
    call = current()
    shown = read_loyalty(call.actor, call.clock(), as_of=as_of, limit=limit)

    def row(kept: Kept) -> dict[str, object]:
        return {
            "tier": kept.tier or "all",
            "bought_before": kept.bought_before,
            "stayed": kept.stayed,
            "retention": _share(kept.retention),
            "expected": _share(kept.expected),
            "margin_lost": Money(kept.margin_lost_minor, shown.currency),
        }

    rows(
        f"Loyalty, {shown.quarter}",
        [row(each) for each in (*shown.tiers, shown.total) if each is not None],
        empty="There is no valuation as of the end of the quarter before to compare with.",
    )
    heading("Satisfied and leaving")
    rows(
        "",
        [
            {
                "customer": each.label,
                "satisfaction": each.satisfaction,
                "buys_before": _share(each.probability_before),
                "buys_now": _share(each.probability_now),
                "at_risk": Money(each.at_risk_minor, shown.currency),
            }
            for each in (shown.satisfaction.leavers if shown.satisfaction else ())
        ],
        empty="Nobody."
        if shown.fact_is_known
        else f"No customer has the fact {shown.fact!r}: import it among the customers' facts.",
    )


def segments(*, as_of: date | None = None) -> None:
    """Describe customers by value, need and demographics, with how many each layer covers.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    """
    call = current()
    shown = layers(call.actor, call.clock(), as_of=as_of)
    rows(
        f"Layers over {shown.customers:,} customers as of {shown.as_of}",
        [
            {
                "layer": each.name,
                "kind": each.kind,
                "covered": each.covered,
                "coverage": _share(each.coverage),
                "segments": ", ".join(f"{part.name} {part.customers:,}" for part in each.segments),
            }
            for each in shown.layers
        ],
    )


def acquisition(
    *, as_of: date | None = None, window_days: int = 90, outcome_days: int = 90, limit: int = 10
) -> None:
    """Show what new customers are predicted to bring, and what winning one may cost.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    window_days
        How many first days are read.
    outcome_days
        How many days after them are predicted.
    limit
        How many new customers to name.
    """
    call = current()
    shown = read_acquisition(
        call.actor,
        call.clock(),
        as_of=as_of,
        window_days=window_days,
        outcome_days=outcome_days,
        limit=limit,
    )
    _show_scores(shown)
    _show_newcomers(shown)


def _show_scores(shown: Acquisition) -> None:
    facts(
        f"Winning customers, as of {shown.as_of}",
        {
            "a_prospect_brings": _money(shown.prospect_minor, shown),
            "winning_one_may_cost": _money(shown.prospect_allowed_minor, shown),
            "declared_share": Share(shown.share),
            "customers_whose_time_is_over": shown.matured,
            "still_new": shown.coming,
        },
    )
    rows(
        "Scores, tested on customers who came later than those they were fitted to",
        [
            {
                "reads": name,
                "tested": test.tested,
                "best_tenth": _money(test.best_minor, shown),
                "by_spend_so_far": _money(test.by_spend_minor, shown),
                "at_random": _money(test.random_minor, shown),
                "gain": _money(test.gain_minor, shown),
                "low": _money(test.gain_low_minor, shown),
                "high": _money(test.gain_high_minor, shown),
            }
            for name, test in shown.tests.items()
            if test is not None
        ],
        empty="Too few customers were won long enough ago to test a score.",
    )


def _show_newcomers(shown: Acquisition) -> None:
    _show_sources("By entry channel", "channel", shown.channels, shown)
    _show_sources("By quarter of the first order", "quarter", shown.periods, shown)
    rows(
        "The newest customers",
        [
            {
                "customer": each.label,
                "came_on": each.came_on,
                "score_reads": each.by,
                "predicted": _money(each.predicted_minor, shown),
                "may_have_cost": _money(each.allowed_minor, shown),
            }
            for each in shown.newcomers
        ],
        empty="Nobody in scope is new.",
    )


def _show_sources(title: str, what: str, found: Sequence[Source], shown: Acquisition) -> None:
    rows(
        title,
        [
            {
                what: each.name,
                "customers": each.customers,
                "one_brings": _money(each.each_minor, shown),
                "one_may_cost": _money(each.allowed_minor, shown),
                "all_may_cost": _money(each.budget_minor, shown),
            }
            for each in found
        ],
        empty=f"No {what} is on record.",
    )


def _money(minor: float | None, shown: Acquisition) -> Money | None:
    return None if minor is None else Money(round(minor), shown.currency)


def _share(value: float | None) -> Share | None:
    return None if value is None else Share(value)
