"""What jobs read of valuations and needs, without a scope: whole frames, by run."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import ibis
import polars as pl
from django.conf import settings
from django.db.models import QuerySet

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.differentiate import overrides
from patronage.differentiate.models import LatestValuation, Need, ValuationRun
from patronage.differentiate.valuation.history import Horizon, customer_statistics, service_days
from patronage.differentiate.valuation.potential import fact_column
from patronage.identify import merged
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse.untyped import Expression, Table

#: runs whose rows stay in memory: a quarter's and the one's before
_RUNS_KEPT: Final = 2


def run_at(as_of: date) -> ValuationRun | None:
    """The newest run for exactly this date."""
    return newest_first(ValuationRun.objects.filter(as_of=as_of)).first()


def valued_dates() -> tuple[date, ...]:
    """The dates as of which customers were valued, newest first, two dozen at most."""
    newest_first = ValuationRun.objects.order_by("-as_of").values_list("as_of", flat=True)
    return tuple(newest_first.distinct()[:24])


def newest_run() -> ValuationRun | None:
    """The newest run of the newest date valued."""
    return newest_first(ValuationRun.objects.all()).first()


def previous_run(run: ValuationRun) -> ValuationRun | None:
    """The newest run of the newest date before the run's."""
    return run_before(run.as_of)


def run_before(as_of: date) -> ValuationRun | None:
    """The newest run of the newest date before this one."""
    return newest_first(ValuationRun.objects.filter(as_of__lt=as_of)).first()


def valuations(run: ValuationRun) -> pl.DataFrame:
    """The run's rows, sorted by customer, columns as in the dataset `valuations`.

    Its `recency_days` runs from the first to the last purchase, as the models read it. Customers
    erased since are not in it. The last runs read stay in memory for as long as the dataset does
    not change.
    """
    newest = datasets.head("valuations")
    return _rows_of(str(settings.WAREHOUSE_ROOT), newest, run.id, run.as_of)


@lru_cache(maxsize=_RUNS_KEPT)
def _rows_of(_warehouse: str, manifest: int | None, run_id: str, as_of: date) -> pl.DataFrame:
    rows = datasets.read("valuations", manifest)
    chosen = rows.filter((rows.as_of == as_of) & (rows.run_id == run_id))
    return datasets.warehouse().polars(chosen).sort("customer_id")


def features(run: ValuationRun) -> pl.DataFrame:
    """The run's customers with `customer_id` and one column for every field of this stage.

    Sorted by customer; `recency_days` counts from the last purchase; unknown is NULL.
    """
    company = company_of(run.company_version)
    said = said_needs(BusinessCalendar(company.time_zone).end_of_day(run.as_of))
    revenue = pl.col("quarter_sales_minor") + pl.col("quarter_returns_minor")
    costs = pl.col("quarter_cost_of_goods_minor") + pl.col("quarter_cost_to_serve_minor")
    fields = valuations(run).select(
        "customer_id",
        "value_minor",
        "probability_of_purchase",
        "expected_purchases",
        "expected_margin_minor",
        "potential_minor",
        "share_of_customer",
        "value_if_converted_minor",
        "tier",
        "need",
        "orders_90d",
        recency_days=(pl.col("age_days") - pl.col("recency_days")).cast(pl.Int64),
        age_days=pl.col("age_days").cast(pl.Int64),
        quarter_revenue_minor=revenue,
        quarter_margin_minor=revenue - costs,
        objective="objective",
    )
    words = overridden(BusinessCalendar(company.time_zone).end_of_day(run.as_of))
    return (
        fields.join(said, on="customer_id", how="left")
        .join(words, on="customer_id", how="left")
        .with_columns(objective=pl.coalesce("overridden", "objective"))
        .drop("overridden")
        .sort("customer_id")
    )


def field_values(customer_id: str, at: datetime) -> dict[str, Any]:
    """One customer's fields of this stage from the latest valuation; empty if never valued."""
    latest = LatestValuation.objects.filter(customer_id=customer_id).first()
    said = _open_at(at).filter(customer_id=customer_id).order_by("-said_at", "-id").first()
    record: dict[str, Any] = {"said_need": said.name if said else None}
    if latest is not None:
        record |= {name: getattr(latest, name) for name in _PROJECTED_FIELDS}
        record["need"] = latest.need or None
        word = overrides.standing(at).filter(customer_id=customer_id).first()
        record["objective"] = word.objective if word else latest.rule_objective
    return record


def quarterly_margins(customer_id: str) -> list[tuple[date, int]]:
    """What one customer earned in the quarter up to each quarter's last valuation, oldest first.

    Returns:
        The date, and sales net of returns less both costs in minor units.
    """
    rows = datasets.read("valuations")
    found = datasets.warehouse().polars(rows.filter(rows.customer_id == customer_id))
    newest = {run.as_of: run.id for run in newest_first(ValuationRun.objects.all()).reverse()}
    earned: dict[tuple[int, int], tuple[date, int]] = {}
    for row in found.sort("as_of").iter_rows(named=True):
        day: date = row["as_of"]
        if newest.get(day) == row["run_id"]:
            margin = (
                row["quarter_sales_minor"]
                + row["quarter_returns_minor"]
                - row["quarter_cost_of_goods_minor"]
                - row["quarter_cost_to_serve_minor"]
            )
            earned[day.year, (day.month - 1) // 3] = (day, margin)
    return list(earned.values())


_PROJECTED_FIELDS = (
    "value_minor",
    "probability_of_purchase",
    "expected_purchases",
    "expected_margin_minor",
    "potential_minor",
    "share_of_customer",
    "value_if_converted_minor",
    "tier",
    "need",
    "orders_90d",
    "recency_days",
    "age_days",
    "quarter_revenue_minor",
    "quarter_margin_minor",
)


def overridden(at: datetime) -> pl.DataFrame:
    """`customer_id` and `overridden`: the objectives that people set and that stand then."""
    rows = overrides.standing(at).values_list("customer_id", "objective")
    return pl.DataFrame(
        list(rows), schema={"customer_id": pl.String, "overridden": pl.String}, orient="row"
    )


def said_needs(at: datetime) -> pl.DataFrame:
    """`customer_id` and `said_need`: what each spoke of last that is open at the instant."""
    rows = _open_at(at).order_by("said_at", "id").values_list("customer_id", "name")
    frame = pl.DataFrame(
        list(rows), schema={"customer_id": pl.String, "said_need": pl.String}, orient="row"
    )
    return frame.group_by("customer_id", maintain_order=True).last()


class Manifests(NamedTuple):
    """The states of the datasets that a valuation reads; None: nothing was committed."""

    order_lines: int
    products: int | None
    past_contacts: int | None = None
    cases: int | None = None
    customer_facts: int | None = None
    #: the newest merge or un-merge of customers; None where none counts
    merges: int | None = None

    @classmethod
    def of(cls, run: ValuationRun) -> Manifests:
        """Those that a run has read."""
        others = {name: run.other_manifests.get(name) for name in cls._fields[2:]}
        return cls(run.order_lines_manifest, run.products_manifest, **others)

    @classmethod
    def committed(cls, company: Company) -> Manifests | None:
        """The newest ones that the company's valuations read; None without order lines."""
        newest = {name: datasets.head(name) for name in cls._fields if name != "merges"}
        newest["merges"] = merged.newest_number()
        order_lines = newest.pop("order_lines")
        if not company.look_alikes.facts:
            del newest["customer_facts"]
        return None if order_lines is None else cls(order_lines, **newest)

    def others(self) -> dict[str, int | None]:
        """All but order lines and products, by dataset."""
        return {name: getattr(self, name) for name in self._fields[2:]}

    def kept(self) -> Manifests:
        """The same, with the committed state in place of one that an erasure has removed."""
        order_lines, *others = (_still_there(*named) for named in self._asdict().items())
        return Manifests(self.order_lines if order_lines is None else order_lines, *others)

    def read(self, dataset: str) -> Table:
        """The dataset in its state here, or the committed one where an erasure has removed it.

        Customers are who they were after the merges that counted.
        """
        state = _still_there(dataset, getattr(self, dataset))
        return merged.read(dataset, state, self.merges)


def statistics_of(manifests: Manifests, company: Company, horizon: Horizon) -> pl.DataFrame:
    """Run `customer_statistics` on these manifests."""
    query = customer_statistics(
        manifests.read("order_lines"),
        manifests.read("products"),
        company=company,
        horizon=horizon,
        served=served_days(manifests, company, horizon.as_of),
    )
    return datasets.warehouse().polars(query)


def declared_facts(manifests: Manifests, company: Company, as_of: date) -> pl.DataFrame:
    """`customer_id` and, for each declared fact of look-alikes, its newest value by the date.

    One row a customer of whom any is known; a number is written as text, unknown is NULL.
    """
    names = company.look_alikes.facts
    columns = {fact_column(position): name for position, name in enumerate(names)}
    schema = dict.fromkeys(("customer_id", *columns), pl.String)
    if not names:
        return pl.DataFrame(schema=schema)
    end = BusinessCalendar(company.time_zone).end_of_day(as_of)
    rows = manifests.read("customer_facts")
    seen = rows.filter(rows.name.isin(names), rows.observed_at < _instant(end))
    text = seen.value_text.coalesce(seen.value_number.cast("string"))
    newest = seen.group_by("customer_id", "name").aggregate(value=text.argmax(seen.observed_at))
    frame = datasets.warehouse().polars(newest)
    return frame.group_by("customer_id").agg(
        pl.col("value").filter(pl.col("name") == name).first().alias(column)
        for column, name in columns.items()
    )


def _instant(at: datetime) -> Expression:
    return ibis.literal(at, type="timestamp('UTC')")


def served_days(manifests: Manifests, company: Company, as_of: date) -> Table | None:
    """Contacts and cases by customer and day; None where neither is on record."""
    if manifests.past_contacts is None and manifests.cases is None:
        return None
    contacts, cases = manifests.read("past_contacts"), manifests.read("cases")
    return service_days(contacts, cases, company=company, as_of=as_of)


def _still_there(dataset: str, number: int | None) -> int | None:
    """The manifest, or the committed one where an erasure has removed it since."""
    if number is None or dataset == "merges" or number in datasets.warehouse().numbers(dataset):
        return number
    return datasets.head(dataset)


def _open_at(at: datetime) -> QuerySet[Need]:
    said = Need.objects.filter(said_at__lt=at)
    return said.filter(closed_at__isnull=True) | said.filter(closed_at__gte=at)


def newest_first(runs: QuerySet[ValuationRun]) -> QuerySet[ValuationRun]:
    return runs.order_by("-as_of", "-created_at", "-id")
