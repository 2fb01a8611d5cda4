"""Which of the fitting rows are new, which were there before, and which contradict another?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import ibis
from ibis import _

from patronage.identify.imports.source import Workspace
from patronage.identify.mapping import Mapping
from patronage.identify.mapping.targets import targets
from patronage.warehouse import DATASETS

FACT_KEY: Final = ("customer_id", "name", "source", "observed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What becomes of the rows that fit."""

    #: table of new rows: `line` and the dataset's columns, `import_id` apart
    new: Any
    #: table (line) of the file's rows of which something is new
    landed: Any
    #: table (line) of rows that were there before, or stand twice in the file with equal values
    repeated: Any
    #: table (line, reason) of rows that contradict another under the same key
    conflicts: Any


def with_customers(work: Workspace, rows: Any, ids: Any) -> tuple[Any, Any]:
    """Put the customer's id on each row; return those rows and the lines of unknown customers.

    Args:
        rows: fitted rows with `customer_value`.
        ids: Arrow table (customer_value, customer_id).
    """
    known = work.keep(ids, "ids").rename(known_value="customer_value")
    joined = rows.left_join(known, rows.customer_value == known.known_value).drop("known_value")
    kept = work.keep(joined.filter(_.customer_id.notnull()), "identified")
    lost = work.keep(joined.filter(_.customer_id.isnull()).select("line"), "unknown")
    return kept, lost


def select_new(work: Workspace, mapping: Mapping, rows: Any, existing: Any | None) -> Selection:
    """Compare the rows with each other and with those committed before.

    Args:
        rows: fitted rows, with `customer_id` where the dataset is about customers.
        existing: the dataset's committed rows; None where there are none.
    """
    facts = mapping.dataset == "customer_facts"
    content = work.keep(_facts(mapping, rows), "facts") if facts else rows
    key = FACT_KEY if facts else tuple(_column(mapping, field) for field in mapping.key)
    kept = [name for name in DATASETS[mapping.dataset].column_names if name in content.columns]
    compared = [name for name in kept if name not in key]
    content = content.select("line", *kept)
    judged = []
    fresh = content
    if existing is not None:
        met = existing.semi_join(content, _same(existing, content, key)).select(*kept)
        earlier = work.keep(met.mutate(line=ibis.null("int64")), "earlier")
        judged.append(work.keep(_judged(content, earlier, key, compared), "judged_earlier"))
        fresh = content.anti_join(earlier, _same(content, earlier, key))
    first, later = _first_of_each(work, fresh, key)
    if later is not None:
        judged.append(work.keep(_judged(later, first, key, compared), "judged_later"))
    return _selection(work, rows, first, judged)


def _selection(work: Workspace, rows: Any, first: Any, judged: list[Any]) -> Selection:
    lines = rows.select("line")
    if not judged:
        return Selection(
            new=first,
            landed=lines,
            repeated=lines.limit(0),
            conflicts=lines.limit(0).mutate(reason=ibis.literal("")),
        )
    verdicts = reduce(lambda left, right: left.union(right), judged)
    differing = verdicts.filter(~_.equal).group_by("line").aggregate(other=_.other.min())
    elsewhere = differing.other.cast("string")
    reason = ibis.ifelse(
        differing.other.isnull(),
        ibis.literal("the same key was imported before with other values"),
        ibis.literal("the same key stands in line ") + elsewhere + " with other values",
    )
    conflicts = work.keep(differing.select(line=differing.line, reason=reason), "conflicts")
    new = work.keep(first.anti_join(conflicts, "line"), "new")
    landed = work.keep(
        lines.semi_join(new, "line").union(
            lines.anti_join(verdicts, "line").anti_join(new, "line")
        ),
        "landed",
    )
    repeated = lines.anti_join(landed, "line").anti_join(conflicts, "line")
    return Selection(
        new=new, landed=landed, repeated=work.keep(repeated, "repeated"), conflicts=conflicts
    )


def _facts(mapping: Mapping, rows: Any) -> Any:
    """Turn each row into one row a stated fact; what is unknown is no fact."""
    source = rows.source if "source" in rows.columns else ibis.literal(mapping.name)
    parts = [
        rows.select(
            line=rows.line,
            customer_id=rows.customer_id,
            name=ibis.literal(fact.name),
            value_text=rows[f"fact_{i}"] if fact.type == "text" else ibis.null("string"),
            value_number=(
                rows[f"fact_{i}"].try_cast("float64")
                if fact.type == "number"
                else ibis.null("float64")
            ),
            observed_at=rows.observed_at,
            source=source,
        ).filter(_.value_text.notnull() | _.value_number.notnull())
        for i, fact in enumerate(mapping.facts)
    ]
    if not parts:
        return rows.limit(0).select(
            line=rows.line,
            customer_id=rows.customer_id,
            name=ibis.literal(""),
            value_text=ibis.null("string"),
            value_number=ibis.null("float64"),
            observed_at=rows.observed_at,
            source=source,
        )
    return reduce(lambda left, right: left.union(right), parts)


def _column(mapping: Mapping, field: str) -> str:
    return field if field == "customer_id" else targets(mapping.dataset)[field].column


def _same(left: Any, right: Any, key: Sequence[str]) -> list[Any]:
    return [left[name].identical_to(right[name]) for name in key]


def _first_of_each(work: Workspace, table: Any, key: Sequence[str]) -> tuple[Any, Any | None]:
    """Separate the first row under each key from those that follow; mostly none follows."""
    counted = table.group_by(list(key)).aggregate(times=_.count()).filter(_.times > 1)
    twice = work.keep(counted, "twice")
    if not twice.count().execute():
        return table, None
    inside = table.semi_join(twice, _same(table, twice, key))
    ranked = inside.mutate(place=ibis.row_number().over(group_by=list(key), order_by="line"))
    kept = work.keep(ranked, "ranked")
    single = table.anti_join(twice, _same(table, twice, key))
    first = single.union(kept.filter(_.place == 0).drop("place"))
    return work.keep(first, "first"), kept.filter(_.place > 0).drop("place")


def _judged(rows: Any, others: Any, key: Sequence[str], compared: Sequence[str]) -> Any:
    """Say of each row that meets another under its key whether the two are equal."""
    other = others.rename({f"other_{name}": name for name in others.columns})
    met = rows.inner_join(other, [rows[k].identical_to(other[f"other_{k}"]) for k in key])
    equal = reduce(
        lambda so_far, name: so_far & met[name].identical_to(met[f"other_{name}"]),
        compared,
        ibis.literal(True),
    )
    return met.select(line=met.line, equal=equal, other=met.other_line)
