"""How does every customer stand today? One statement computes it for all from what is on record."""

from __future__ import annotations

from django.db import connection

# A standing follows from the newest membership, the customer's label and the latest valuation;
# this is its definition, so that running it after any history of changes changes nothing.
_REFRESH = """
    UPDATE govern_standing SET
        portfolio_id = m.portfolio_id,
        label = c.label,
        value_minor = v.value_minor,
        probability_of_purchase = v.probability_of_purchase,
        at_risk_minor =
            CAST(ROUND(v.value_minor * (1.0 - v.probability_of_purchase)) AS BIGINT),
        tier = COALESCE(v.tier, ''),
        need = COALESCE(v.need, ''),
        objective = COALESCE(v.objective, ''),
        recency_days = v.recency_days,
        as_of = r.as_of
    FROM (SELECT customer_id, MAX(starts_at) AS starts_at
          FROM govern_membership GROUP BY customer_id) AS newest
    JOIN govern_membership AS m
      ON m.customer_id = newest.customer_id AND m.starts_at = newest.starts_at
    JOIN identify_customer AS c ON c.id = newest.customer_id
    LEFT JOIN differentiate_latestvaluation AS v ON v.customer_id = newest.customer_id
    LEFT JOIN differentiate_valuationrun AS r ON r.id = v.run_id
    WHERE govern_standing.customer_id = newest.customer_id
      AND NOT (govern_standing.portfolio_id = m.portfolio_id
           AND govern_standing.label = c.label
           AND govern_standing.tier = COALESCE(v.tier, '')
           AND govern_standing.need = COALESCE(v.need, '')
           AND govern_standing.objective = COALESCE(v.objective, '')
           AND COALESCE(govern_standing.value_minor = v.value_minor,
                        govern_standing.value_minor IS NULL AND v.value_minor IS NULL)
           AND COALESCE(govern_standing.probability_of_purchase = v.probability_of_purchase,
                        govern_standing.probability_of_purchase IS NULL
                        AND v.probability_of_purchase IS NULL)
           AND COALESCE(govern_standing.recency_days = v.recency_days,
                        govern_standing.recency_days IS NULL AND v.recency_days IS NULL)
           AND COALESCE(govern_standing.as_of = r.as_of,
                        govern_standing.as_of IS NULL AND r.as_of IS NULL))
"""


def refresh() -> int:
    """Bring every standing up to date in the caller's transaction; return how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH)
        return int(cursor.rowcount)
