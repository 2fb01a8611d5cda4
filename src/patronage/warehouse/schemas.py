"""Which datasets does the warehouse hold, and what does each column mean?

To add a dataset, declare it here. To add a column, append it to its dataset with
`null=True, since=<next version>` and raise the dataset's `version`; files written before
answer NULL for it. Money is in minor units of `currency` (or of the reporting currency where
the dataset has no such column). Customer ids are random; no dataset holds personal data.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from patronage.warehouse.columns import (
    Dataset,
    boolean,
    date,
    float64,
    instant,
    int8,
    int32,
    int64,
    string,
)

#: What was bought and returned. A return has negative quantity and amount. `amount_minor` is
#: what the company received for the line; the discounts say how it came about and are
#: subtracted from nothing.
ORDER_LINES: Final = Dataset(
    name="order_lines",
    version=1,
    columns=(
        string("customer_id"),
        string("order_id"),
        int32("line_number"),
        string("product_id"),
        instant("ordered_at"),
        float64("quantity"),
        int64("amount_minor"),
        int64("list_discount_minor", null=True),
        int64("coupon_discount_minor", null=True),
        string("currency"),
        string("kind", values=("sale", "return")),
        string("store_id", null=True),
        string("import_id"),
    ),
    sort_by=("customer_id", "ordered_at", "order_id", "line_number"),
)

#: What can be bought.
PRODUCTS: Final = Dataset(
    name="products",
    version=1,
    columns=(
        string("product_id"),
        string("department"),
        string("category"),
        string("subcategory", null=True),
        string("brand", null=True),
        string("manufacturer", null=True),
        string("package", null=True),
        string("import_id"),
    ),
    sort_by=("product_id",),
    subject=None,
)

#: Observed properties of customers that are declared non-personal.
CUSTOMER_FACTS: Final = Dataset(
    name="customer_facts",
    version=1,
    columns=(
        string("customer_id"),
        string("name"),
        string("value_text", null=True),
        float64("value_number", null=True),
        instant("observed_at"),
        string("source"),
        string("import_id"),
    ),
    sort_by=("customer_id", "name", "observed_at"),
)

#: Contacts made before this system decided them.
PAST_CONTACTS: Final = Dataset(
    name="past_contacts",
    version=1,
    columns=(
        string("customer_id"),
        string("campaign_id"),
        string("campaign_kind", null=True),
        string("channel", null=True),
        instant("contacted_at"),
        instant("ended_at", null=True),
        string("import_id"),
    ),
    sort_by=("customer_id", "contacted_at"),
)

#: Complaints and enquiries that somebody worked on.
CASES: Final = Dataset(
    name="cases",
    version=1,
    columns=(
        string("customer_id"),
        string("case_id"),
        string("case_kind", null=True),
        instant("opened_at"),
        string("import_id"),
    ),
    sort_by=("customer_id", "opened_at"),
)

#: Offers that customers took up.
REDEMPTIONS: Final = Dataset(
    name="redemptions",
    version=1,
    columns=(
        string("customer_id"),
        string("offer_ref"),
        string("campaign_id", null=True),
        instant("redeemed_at"),
        string("import_id"),
    ),
    sort_by=("customer_id", "redeemed_at"),
)

#: Which products each imported offer applied to, and when.
COUPON_PRODUCTS: Final = Dataset(
    name="coupon_products",
    version=1,
    columns=(
        string("offer_ref"),
        string("campaign_id"),
        string("product_id"),
        instant("starts_at"),
        instant("ends_at"),
        string("import_id"),
    ),
    sort_by=("offer_ref", "product_id"),
    subject=None,
)

#: What each customer was worth as of a date, and the statistics the figure rests on.
#: `expected_margin_minor` and `expected_purchases` are of the next quarter; `recency_days` runs
#: from the first to the last purchase; `cost_to_serve_minor` is of one shopping day and
#: `keeping_minor` of one month as a customer; the `quarter_` columns are the profit and loss of the
#: quarter of `as_of`, up to that date. `potential_minor` is an estimate. `objective_asked` is what
#: the rules ask for, for the `objective_asked_times`-th valuation in a row, `objective` what is in
#: force since `objective_since`.
VALUATIONS: Final = Dataset(
    name="valuations",
    version=1,
    columns=(
        string("customer_id"),
        date("as_of"),
        string("run_id"),
        string("model_version"),
        int64("value_minor"),
        int64("value_low_minor"),
        int64("value_high_minor"),
        string("currency", null=True),
        float64("probability_alive"),
        float64("probability_of_purchase"),
        int64("expected_margin_minor"),
        float64("expected_purchases"),
        string("tier"),
        string("objective"),
        string("need", null=True),
        string("portfolio_id", null=True),
        int32("frequency"),
        float64("recency_days"),
        float64("age_days"),
        float64("average_spend_minor", null=True),
        float64("margin_rate", null=True),
        float64("cost_to_serve_minor", null=True),
        string("objective_reason", null=True),
        int32("orders_90d", null=True),
        int64("quarter_sales_minor", null=True),
        int64("quarter_returns_minor", null=True),
        int64("quarter_cost_of_goods_minor", null=True),
        int64("quarter_cost_to_serve_minor", null=True),
        int32("quarter_baskets", null=True),
        int64("quarter_discounts_minor", null=True),
        int32("quarter_visits", null=True),
        int32("quarter_contacts", null=True),
        int32("quarter_cases", null=True),
        int64("quarter_keeping_minor", null=True),
        int64("quarter_acquisition_cost_minor", null=True),
        int32("horizon_days", null=True),
        float64("keeping_minor", null=True),
        int64("potential_minor", null=True),
        float64("share_of_customer", null=True),
        int64("value_if_converted_minor", null=True),
        string("service_model", null=True),
        date("objective_since", null=True),
        string("objective_asked", null=True),
        int32("objective_asked_times", null=True),
    ),
    sort_by=("as_of", "customer_id"),
)

#: Every candidate of every decision: what was considered, why it fell out, what it scored.
#: `score_minor` and the two responses are NULL where the candidate fell before scoring; `ruling_id`
#: is that of a ruling on a segment or a customer, or of a tested block, NULL where the portfolio's
#: own ruling decided.
DECISION_CANDIDATES: Final = Dataset(
    name="decision_candidates",
    version=2,
    columns=(
        string("decision_run_id"),
        string("customer_id"),
        string("offer_id"),
        string("treatment_id"),
        string("channel"),
        int8("reason"),
        float64("score_minor", null=True),
        float64("response_with", null=True),
        float64("response_without", null=True),
        boolean("chosen"),
        string("ruling_id", null=True, since=2),
    ),
    sort_by=("decision_run_id", "customer_id"),
)

#: What followed each decided customer in the window `[window_starts_at, window_ends_at)`.
OUTCOMES: Final = Dataset(
    name="outcomes",
    version=1,
    columns=(
        string("outcome_run_id"),
        string("decision_run_id"),
        string("decision_id", null=True),
        string("customer_id"),
        string("offer_id", null=True),
        string("treatment_id", null=True),
        string("arm"),
        instant("window_starts_at"),
        instant("window_ends_at"),
        int32("purchases"),
        int64("revenue_minor"),
        int64("margin_minor", null=True),
        string("currency"),
        boolean("redeemed", null=True),
    ),
    sort_by=("decision_run_id", "customer_id"),
)

#: The customers behind the lines of a statement: what each moved each line by, in which portfolio.
#: Who changed portfolio in the quarter has a row in both; `handed_from` is the portfolio they came
#: from, in the 90 days after, in which both managers see the row. The amounts close:
#: `opening_minor` and the movements make `closing_minor`.
STATEMENT_LINES: Final = Dataset(
    name="statement_lines",
    version=1,
    columns=(
        string("statement_id"),
        date("as_of"),
        string("customer_id"),
        string("portfolio_id"),
        string("handed_from", null=True),
        string("currency"),
        int64("opening_minor"),
        int64("expected_margin_minor"),
        int64("unwinding_minor"),
        int64("roll_forward_minor"),
        int64("experience_frequency_minor"),
        int64("experience_spend_minor"),
        int64("panel_entry_minor"),
        int64("new_customers_minor"),
        int64("hand_overs_minor"),
        int64("model_change_minor"),
        int64("identity_minor"),
        int64("corrections_minor"),
        int64("erased_minor"),
        int64("currency_minor"),
        int64("rounding_minor"),
        int64("closing_minor"),
    ),
    sort_by=("statement_id", "portfolio_id", "customer_id"),
)

#: Every dataset by its name.
DATASETS: Final = MappingProxyType(
    {
        dataset.name: dataset
        for dataset in (
            ORDER_LINES,
            PRODUCTS,
            CUSTOMER_FACTS,
            PAST_CONTACTS,
            CASES,
            REDEMPTIONS,
            COUPON_PRODUCTS,
            VALUATIONS,
            DECISION_CANDIDATES,
            OUTCOMES,
            STATEMENT_LINES,
        )
    }
)
