"""Who is whom now, or was after some earlier merge or un-merge? Rows keep the id they came under.

A merge or un-merge takes the next number. What read history at a number reads it again with the
merges that stood then, so that figures published since do not change. A room of its own, below
`profiles`, `reads` and `identity`, since all of them and every stage above ask it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis
import pyarrow as pa
from django.db.models import Max, Q
from django.db.models.functions import Coalesce, Greatest

from patronage.access import datasets
from patronage.identify.models import Merge

_NOW: Any = object()


def newest_number() -> int | None:
    """Number of the newest merge or un-merge; None where nobody was ever merged."""
    last = Greatest("number", Coalesce("undone_number", "number"))
    newest: int | None = Merge.objects.aggregate(newest=Max(last))["newest"]
    return newest


def mapping(number: int | None = _NOW) -> dict[str, str]:
    """Absorbed customer → whom they are: now, or after the merge or un-merge of this number.

    Merges in a row are followed to their end.
    """
    rows = Merge.objects.order_by()
    if number is _NOW:
        rows = rows.filter(undone_number__isnull=True)
    else:
        still = Q(undone_number__isnull=True) | Q(undone_number__gt=number or 0)
        rows = rows.filter(still, number__lte=number or 0)
    into = dict(rows.values_list("absorbed_id", "kept_id"))
    return {absorbed: _end(absorbed, into) for absorbed in into}


def ends_of(customer_ids: Iterable[str]) -> dict[str, str]:
    """Whom each of some customers is now; those who are themselves are left out."""
    into: dict[str, str] = {}
    asked = set(customer_ids)
    while asked:
        standing = Merge.objects.filter(absorbed__in=asked, undone_number__isnull=True)
        found = dict(standing.values_list("absorbed_id", "kept_id"))
        into |= found
        asked = set(found.values()) - set(into)
    return {each: _end(each, into) for each in into}


def parts_of(customer_ids: Iterable[str]) -> list[str]:
    """These customers, and everybody whom they absorbed, directly or by another."""
    found = list(dict.fromkeys(customer_ids))
    asked = found
    while asked:
        standing = Merge.objects.filter(kept__in=asked, undone_number__isnull=True)
        asked = list(standing.order_by("number").values_list("absorbed_id", flat=True))
        found = [*found, *asked]
    return found


def absorbed_first(customer_ids: Sequence[str]) -> list[str]:
    """The same, those who were absorbed last coming first, and the customers at the end."""
    return parts_of(customer_ids)[::-1]


def read(dataset: str, state: int | None = _NOW, number: int | None = _NOW) -> Any:
    """Give a dataset as an Ibis table in which absorbed customers are who they became.

    Args:
        state: of the dataset; the committed one where left out.
        number: of the merge or un-merge up to which merges count; all where left out; None: none.
    """
    table = datasets.read(dataset) if state is _NOW else datasets.read(dataset, state)
    into = mapping(number)
    return joined(table, into) if into and "customer_id" in table.columns else table


def joined(table: Any, into: Mapping[str, str]) -> Any:
    """Put who they became in the place of absorbed customers."""
    schema = pa.schema([("absorbed_id", pa.string()), ("became_id", pa.string())])
    rows = pa.Table.from_pydict(
        {"absorbed_id": list(into), "became_id": list(into.values())}, schema=schema
    )
    merges = ibis.memtable(rows)
    both = table.left_join(merges, table.customer_id == merges.absorbed_id)
    known = both.mutate(customer_id=both.became_id.coalesce(both.customer_id))
    return known.select(*table.columns)


def _end(customer_id: str, into: Mapping[str, str]) -> str:
    while customer_id in into:
        customer_id = into[customer_id]
    return customer_id
