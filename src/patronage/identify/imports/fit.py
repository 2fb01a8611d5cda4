"""Which rows fit their dataset, what are their values, and what is wrong with the others?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis

from patronage.identify.errors import MappingError
from patronage.identify.imports.csv_file import LINE
from patronage.identify.imports.readings import (
    Check,
    absent,
    constant,
    found,
    has_nul,
    number_text,
    reading,
    text_of,
)
from patronage.identify.imports.source import JOINED, Source, Workspace
from patronage.identify.mapping import Column, Mapping
from patronage.identify.mapping.targets import EVENT_FIELD, targets
from patronage.vocabulary.company import Company
from patronage.vocabulary.money import CURRENCY_DECIMALS
from patronage.vocabulary.periods import BusinessCalendar

LONGEST_IDENTIFIER = 200
LONGEST_FACT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The rows read and checked, each for itself."""

    #: table of rows that passed: line, customer_value, the dataset's fields, fact_…, personal_…
    rows: Any
    #: table (line, column, reason) of rows that did not
    misfits: Any


def fit(
    work: Workspace, mapping: Mapping, source: Source, *, company: Company, now: datetime
) -> Fitted:
    """Read every row; the first check that a row does not pass is its reason."""
    raw = source.rows
    currency = _currency(mapping, raw)
    readings = {rule.field: reading(rule, raw, currency) for rule in mapping.columns}
    values = {_column_of(mapping, field): read.value for field, read in readings.items()}
    values |= _constants(mapping, raw, currency)
    values |= _texts(mapping, raw)
    checks = [*_joined_checks(mapping, raw), *_customer_checks(mapping, raw)]
    if mapping.dataset == "order_lines":
        checks += _currency_checks(mapping, currency, company)
    for read in readings.values():
        checks += read.checks
    checks += _text_checks(mapping, raw)
    if mapping.dataset == "order_lines":
        values, more = _signed(mapping, raw, values)
        checks += more
        values["currency"] = currency
    checks += _window_checks(mapping, values, company, now)
    problem = ibis.cases(
        *((check.broken.fill_null(False), index) for index, check in enumerate(checks)),
        else_=-1,
    )
    computed = raw.select(line=raw[LINE], problem=problem.cast("int16"), **values)
    table = work.keep(computed, "fitted")
    return Fitted(
        rows=table.filter(table.problem == -1).drop("problem"),
        misfits=_misfits(work, raw, table, checks),
    )


def _misfits(work: Workspace, raw: Any, table: Any, checks: Sequence[Check]) -> Any:
    """Say of each row that did not pass which column and why."""
    bad = work.keep(
        table.filter(table.problem >= 0).select(bad_line=table.line, problem=table.problem), "bad"
    )
    if not bad.count().execute():
        return bad.select(line=bad.bad_line, column=ibis.literal(""), reason=ibis.literal(""))
    # The reasons are expressions on `raw`, so they are computed there.
    reasons = raw.select(
        reason_line=raw[LINE],
        **{f"r{index}": _worded(check.reason) for index, check in enumerate(checks)},
    )
    picked = reasons.inner_join(bad, reasons.reason_line == bad.bad_line)
    numbered = list(enumerate(checks))
    return work.keep(
        picked.select(
            line=picked.bad_line,
            column=ibis.cases(*((picked.problem == i, c.column) for i, c in numbered), else_=""),
            reason=ibis.cases(*((picked.problem == i, picked[f"r{i}"]) for i, _ in numbered)),
        ),
        "misfits",
    )


def _worded(reason: Any) -> Any:
    return ibis.literal(reason) if isinstance(reason, str) else reason


def _column_of(mapping: Mapping, field: str) -> str:
    return targets(mapping.dataset)[field].column


def _currency(mapping: Mapping, raw: Any) -> Any:
    if mapping.currency_column is not None:
        return text_of(raw[mapping.currency_column]).upper()
    stated = next((column.currency for column in mapping.columns if column.currency), None)
    return ibis.literal(stated or mapping.currency, type="string")


def _constants(mapping: Mapping, raw: Any, currency: Any) -> dict[str, Any]:
    values = {}
    known = targets(mapping.dataset)
    for field, text in mapping.constants:
        kind = known[field].kind
        rule = Column(
            field=field,
            source=field,
            type=kind,
            time_zone=mapping.time_zone,
            currency=mapping.currency if kind == "money" else None,
        )
        value = constant(rule, text, currency)
        if raw.get_backend().execute(value.isnull()):
            raise MappingError(
                mapping=mapping.name,
                key=f"constants.{field}",
                found=f"{text!r} is not of type {kind}",
                mend="Write it as a file would, dates as 2017-01-31.",
            )
        values[known[field].column] = value
    return values


def _texts(mapping: Mapping, raw: Any) -> dict[str, Any]:
    """Facts, personal values and the customer's identifier."""
    values: dict[str, Any] = {}
    for index, fact in enumerate(mapping.facts):
        text = text_of(raw[fact.source])
        values[f"fact_{index}"] = text if fact.type == "text" else number_text(text, ".")
    for index, personal in enumerate(mapping.personal):
        values[f"personal_{index}"] = text_of(raw[personal.source])
    if mapping.customer is not None:
        values["customer_value"] = text_of(raw[mapping.customer.column])
    return values


def _joined_checks(mapping: Mapping, raw: Any) -> Iterator[Check]:
    if mapping.join is not None:
        yield Check(
            column=mapping.join.on,
            broken=raw[JOINED].isnull(),
            reason=ibis.literal(f"no such row in {mapping.join.file}, ")
            + found(raw[mapping.join.on]).fill_null("found nothing"),
        )


def _customer_checks(mapping: Mapping, raw: Any) -> Iterator[Check]:
    if mapping.customer is None:
        return
    name = mapping.customer.column
    text = text_of(raw[name])
    yield Check(column=name, broken=text.isnull(), reason="it names no customer")
    yield Check(
        column=name,
        broken=(text.length() > LONGEST_IDENTIFIER) | has_nul(text),
        reason=f"longer than {LONGEST_IDENTIFIER} characters, or with a NUL character",
    )


def _text_checks(mapping: Mapping, raw: Any) -> Iterator[Check]:
    for fact in mapping.facts:
        text = text_of(raw[fact.source])
        yield Check(
            column=fact.source,
            broken=(text.length() > LONGEST_FACT) | has_nul(text),
            reason=f"longer than {LONGEST_FACT} characters, or with a NUL character",
        )
        if fact.type == "number":
            yield Check(
                column=fact.source,
                broken=~absent(raw[fact.source]) & number_text(text, ".").isnull(),
                reason=ibis.literal("expected a number such as 12.5, ") + found(raw[fact.source]),
            )
    for personal in mapping.personal:
        text = text_of(raw[personal.source])
        yield Check(column=personal.source, broken=has_nul(text), reason="it holds a NUL character")


def _signed(
    mapping: Mapping, raw: Any, values: dict[str, Any]
) -> tuple[dict[str, Any], list[Check]]:
    """Tell sales from returns; a return gets negative quantity and amount in any case."""
    quantity, amount = values["quantity"], values["amount_minor"]
    sources = {column.field: column.source for column in mapping.columns}
    columns = sources.get("quantity", "quantity"), sources.get("amount", "amount")
    rule = mapping.returns
    marked: Any = quantity < 0
    if rule is not None and rule.column is not None:
        marked = text_of(raw[rule.column]).isin(list(rule.values)).fill_null(False)
        values = values | {
            "quantity": ibis.ifelse(marked, -quantity.abs(), quantity),
            "amount_minor": ibis.ifelse(marked, -amount.abs(), amount),
        }
    kind = ibis.ifelse(marked, "return", "sale")
    return values | {"kind": kind}, _sign_checks(mapping, quantity, amount, marked, columns)


def _sign_checks(
    mapping: Mapping, quantity: Any, amount: Any, marked: Any, columns: tuple[str, str]
) -> list[Check]:
    rule = mapping.returns
    if rule is None:
        why = "negative, and the mapping says of no line that it is a return"
        broken = (quantity < 0, amount < 0)
    elif rule.column is not None:
        why = f"negative, but {rule.column} does not mark a return"
        broken = (~marked & (quantity < 0), ~marked & (amount < 0))
    else:
        why = "a return has negative quantity and amount; here one of them is not"
        broken = ((quantity < 0) & (amount > 0), (quantity >= 0) & (amount < 0))
    return [
        Check(column=column, broken=wrong, reason=why)
        for column, wrong in zip(columns, broken, strict=True)
    ]


def _currency_checks(mapping: Mapping, currency: Any, company: Company) -> Iterator[Check]:
    name = mapping.currency_column
    if name is not None:
        yield Check(column=name, broken=currency.isnull(), reason="the currency is missing")
        yield Check(
            column=name,
            broken=currency.notin(list(CURRENCY_DECIMALS)),
            reason="it is not an ISO 4217 code such as 'USD'",
        )
    yield Check(
        column=name or "currency",
        broken=currency != company.currency,
        reason=f"the company reports in {company.currency} and has no dated rate for another",
    )


def _window_checks(
    mapping: Mapping, values: dict[str, Any], company: Company, now: datetime
) -> Iterator[Check]:
    event = EVENT_FIELD[mapping.dataset]
    if event is None:
        return
    sources = {column.field: column.source for column in mapping.columns}
    at, name = values[event], sources.get(event, event)
    yield Check(
        column=name,
        broken=at > ibis.literal(now, type="timestamp('UTC')"),
        reason=f"in the future: the import ran at {now:%Y-%m-%d %H:%M} UTC",
    )
    calendar = BusinessCalendar(company.time_zone)
    if mapping.window.earliest is not None:
        start = calendar.start_of_day(mapping.window.earliest)
        yield Check(
            column=name,
            broken=at < ibis.literal(start, type="timestamp('UTC')"),
            reason=f"before {mapping.window.earliest}, where the mapping's window begins",
        )
    if mapping.window.latest is not None:
        end = calendar.end_of_day(mapping.window.latest)
        yield Check(
            column=name,
            broken=at >= ibis.literal(end, type="timestamp('UTC')"),
            reason=f"after {mapping.window.latest}, where the mapping's window ends",
        )
