"""The customers in sight together: their worth, how it is spread, who carries it."""

from __future__ import annotations

from datetime import date

from ninja import Query, Schema
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate.api.router import router
from patronage.differentiate.reads import worth, worth_list
from patronage.differentiate.reads.customer_base import Chosen, customer_base


class ValueQuestion(Schema):
    """Which customers, as of when: those in scope at the newest date without anything."""

    as_of: date | None = None
    portfolio: str = Field("", max_length=40)
    tier: str = Field("", max_length=20)
    objective: str = Field("", max_length=10)
    need: str = Field("", max_length=40)
    cohort: str = Field("", max_length=7, description='quarter of the first purchase: "2017-Q1"')
    from_minor: int | None = Field(None, ge=-(2**63), lt=2**63)
    below_minor: int | None = Field(None, ge=-(2**63), lt=2**63)

    def chosen(self) -> Chosen:
        """The customers that are meant."""
        return Chosen(
            portfolio_id=self.portfolio,
            tier=self.tier,
            objective=self.objective,
            need=self.need,
            cohort=self.cohort,
            from_minor=self.from_minor,
            below_minor=self.below_minor,
        )


class ListQuestion(ValueQuestion):
    """The same, and in which order; pass `next` as `after` for the ones that follow."""

    sort: worth_list.Sort = "value"
    after: str = Field("", max_length=40)
    limit: int = Field(50, ge=1, le=worth_list.MOST_ROWS)


@router.get(
    "/value", response=worth.ValueSummary, summary="What the customers in scope are worth together"
)
def value_summary(request: CallerRequest, question: Query[ValueQuestion]) -> worth.ValueSummary:
    return worth.value_summary(
        request.actor, request.now, as_of=question.as_of, chosen=question.chosen()
    )


@router.get(
    "/value/distribution",
    response=list[worth.Bin],
    summary="How many customers are worth how much",
)
def value_distribution(request: CallerRequest, question: Query[ValueQuestion]) -> list[worth.Bin]:
    return worth.distribution(
        request.actor, request.now, as_of=question.as_of, chosen=question.chosen()
    )


@router.get(
    "/value/whale-curve",
    response=worth.WhaleCurve,
    summary="Who earned the quarter's margin, the best first",
)
def value_whale_curve(request: CallerRequest, question: Query[ValueQuestion]) -> worth.WhaleCurve:
    base = customer_base(request.actor, request.now, as_of=question.as_of, chosen=question.chosen())
    return worth.whale_curve_of(base)


@router.get(
    "/value/customers",
    response=worth_list.WorthPage,
    summary="Customers with their worth: most valuable, biggest movers, most at risk",
)
def value_customers(request: CallerRequest, question: Query[ListQuestion]) -> worth_list.WorthPage:
    return worth_list.worth_page(
        request.actor,
        request.now,
        as_of=question.as_of,
        chosen=question.chosen(),
        sort=question.sort,
        after=question.after,
        limit=question.limit,
    )
