"""Rules as a condition builder shows them: fields in words, amounts in money, closed lists.

What the builder keeps is what `Predicate.to_builder` gives, with two things said for people: an
amount is in the currency's units, and a field that nobody chose yet is empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from patronage.access.asking import in_words, usable
from patronage.access.company import current
from patronage.access.requests import CallerRequest
from patronage.access.roles import Actor, Right
from patronage.customize.words import (
    BUILDER_WORDS,
    FIELD_KIND_WORDS,
    OPERATOR_WORDS,
    freshness_words,
)
from patronage.differentiate.models import OBJECTIVES
from patronage.govern.fields import RULE_FIELDS, TREATMENT_FIELDS
from patronage.govern.service_tiers import names_of
from patronage.vocabulary.company import Company
from patronage.vocabulary.fields import Field, FieldCatalog
from patronage.vocabulary.money import Money, MoneyError, currency_decimals
from patronage.vocabulary.predicates import Predicate, PredicateError
from patronage.vocabulary.predicates.builder import operators_of
from patronage.vocabulary.predicates.limits import DEEPEST_NESTING
from patronage.vocabulary.sentences import Sentence

#: What each condition of a rule may ask about.
CATALOGS: Final[Mapping[str, FieldCatalog]] = {"when": RULE_FIELDS, "offers": TREATMENT_FIELDS}
_MONEY: Final = "minor units"
#: from a row and its place, as in 2.1
_Change = Callable[[dict[str, Any], str], dict[str, Any]]


@require_POST
def rules_rows(request: CallerRequest) -> HttpResponse:
    """A condition's text as rows, or its rows as text; keeps nothing."""
    request.actor.require(Right.RULE)
    fields = CATALOGS["offers" if request.POST.get("part") == "offers" else "when"]
    fields = usable(fields, request.actor)
    rows = request.POST.get("rows", "")
    try:
        if rows:
            return JsonResponse({"text": text_of(rows, fields)})
        return JsonResponse({"rows": rows_of(request.POST.get("text", ""), fields)})
    except PredicateError as error:
        said = {"refused": in_words(error), "offset": error.offset, "row": error.row}
        return JsonResponse(said)


def rows_of(text: str, fields: FieldCatalog) -> dict[str, Any]:
    """Show a condition as rows; an empty one has none.

    Raises:
        PredicateError: it cannot be read, or no part of it can be shown as rows.
    """
    if not text.strip():
        return {"kind": "group", "match": "all", "rows": []}
    written = Predicate.parse(text, fields).to_builder()
    if [each["kind"] for each in written["rows"]] == ["text"]:
        raise PredicateError(
            Sentence("This condition calculates, which rows cannot show."),
            Sentence("It stays as text."),
        )
    return dict(_each_row(written, lambda row, _place: _shown(row, fields)))


def text_of(document: str, fields: FieldCatalog) -> str:
    """Read what the builder sent; no rows are an empty condition.

    Raises:
        PredicateError: as `Predicate.from_builder` does, naming the row.
    """
    try:
        sent = json.loads(document)
    except (ValueError, RecursionError):
        # the strict reader says what is wrong with it
        return Predicate.from_builder(document, fields).text
    if isinstance(sent, dict) and sent.get("kind") == "group" and sent.get("rows") == []:
        return ""
    read = _each_row(sent, lambda row, place: _read(row, place, fields))
    return Predicate.from_builder(read, fields).text


def conditions_shown(actor: Actor) -> dict[str, Any]:
    """What the builder is told: fields of each condition, operators, and its own words."""
    catalogs = CATALOGS.items()
    return {
        "fields": {part: fields_shown(usable(fields, actor)) for part, fields in catalogs},
        # by `kind:operator` where a kind has its own word for it, else by operator
        "operators": {name: str(words) for name, words in OPERATOR_WORDS.items()},
        "words": {name: str(words) for name, words in BUILDER_WORDS.items()},
    }


def fields_shown(fields: FieldCatalog) -> list[dict[str, Any]]:
    """What is said of each field on screen, those of one source together."""
    company = current().company
    shown = [_field_shown(each, company) for each in fields.values()]
    return sorted(shown, key=lambda each: (each["source"], each["label"]))


def _field_shown(field: Field, company: Company) -> dict[str, Any]:
    money = field.unit == _MONEY
    kind = "money" if money else field.type.__name__
    unit = company.currency if money else field.unit and _(field.unit)
    notes = [str(FIELD_KIND_WORDS[kind]), unit, freshness_words(field.freshness)]
    if field.personal:
        notes.append(_("personal"))
    return {
        "name": field.name,
        "label": _(field.description),
        "kind": kind,
        "unit": unit or "",
        "source": _(field.source),
        "notes": [each for each in notes if each],
        "choices": choices(field.name, company),
        "operators": list(operators_of(field)),
    }


def choices(name: str, company: Company) -> list[str]:
    """The values of a field that has a closed list; else none."""
    closed: dict[str, tuple[str, ...]] = {
        "customer_kind": ("person", "household", "organisation"),
        "entry": ("panel", "acquired"),
        "objective": OBJECTIVES,
        "tier": tuple(each.name for each in company.tiers),
        "service_tier": tuple(names_of(company)),
        "need": tuple(each.name for each in company.needs),
        "said_need": tuple(each.name for each in company.needs),
        "offer_need": tuple(each.name for each in company.needs),
        "portfolio": tuple(each.name for each in company.portfolios),
        "channel": tuple(each.name for each in company.channels),
    }
    return list(closed.get(name, ()))


def _each_row(node: Any, change: _Change, path: tuple[int, ...] = ()) -> Any:
    """The same groups with every row changed; what is no group or row is left to the reader."""
    if not isinstance(node, dict) or len(path) > DEEPEST_NESTING + 2:
        return node
    if node.get("kind") == "group" and isinstance(node.get("rows"), list):
        rows = [_each_row(row, change, (*path, at)) for at, row in enumerate(node["rows"], start=1)]
        return node | {"rows": rows}
    return change(node, ".".join(map(str, path))) if node.get("kind") == "row" else node


def _shown(row: dict[str, Any], fields: FieldCatalog) -> dict[str, Any]:
    """A row with its amounts in the currency's units; as text where they are no whole numbers."""
    if "value" not in row or fields[row["field"]].unit != _MONEY:
        return row
    values = row["value"] if isinstance(row["value"], list) else [row["value"]]
    if not all(each.removeprefix("-").isdecimal() for each in values):
        alone = {"kind": "group", "match": "all", "rows": [row]}
        return {"kind": "text", "text": Predicate.from_builder(alone, fields).text}
    return row | {"value": _each_value(row["value"], _major)}


def _read(row: dict[str, Any], place: str, fields: FieldCatalog) -> dict[str, Any]:
    name = row.get("field")
    if name == "":
        raise PredicateError(
            Sentence("Row %(row)s: %(reason)s", row=place, reason=Sentence("No field is chosen.")),
            Sentence("Choose one, or remove the row."),
            row=place,
        )
    if not isinstance(name, str) or name not in fields or fields[name].unit != _MONEY:
        return row
    try:
        return row | {"value": _each_value(row["value"], _minor)} if "value" in row else row
    except MoneyError as error:
        said = Sentence("Row %(row)s: %(reason)s", row=place, reason=str(error))
        raise PredicateError(said, "", row=place) from error


def _each_value(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_each_value(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


def _major(minor: str) -> str:
    currency = current().company.currency
    return f"{Money(int(minor), currency).major:.{currency_decimals(currency)}f}"


def _minor(typed: str) -> str:
    return str(Money.typed(typed, current().company.currency).minor)
