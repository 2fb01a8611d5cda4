"""Segments: how do value, need and demographics describe the customers, and how many of them?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.audit import nothing
from patronage.differentiate.pages.words import need_words
from patronage.differentiate.reads.layers import Layer, Segment, layers


@require_safe
def segments(request: CallerRequest) -> HttpResponse:
    """The layers over the reader's customers, as of the date asked for."""
    request.actor.require(Right.SEE_PROFITABILITY)
    try:
        shown = layers(request.actor, request.now, as_of=request.as_of)
    except NotFound:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    tiers = [tier.name for tier in request.company.tiers] if request.company else []
    return render(
        request,
        "differentiate/segments.html",
        {
            "shown": shown,
            "described": shown.described / shown.customers if shown.customers else None,
            "layers": [_layer(request, layer, tiers) for layer in shown.layers],
            "demographic": any(layer.kind == "demographic" for layer in shown.layers),
            "best": tiers[0] if tiers else "",
        },
    )


def _layer(request: CallerRequest, layer: Layer, tiers: list[str]) -> Mapping[str, Any]:
    titles = {"value": _("Value"), "need": _("Need")}
    return {
        "layer": layer,
        "title": titles.get(layer.kind, layer.name.replace("_", " ").capitalize()),
        "segments": [
            {
                "segment": each,
                "title": need_words(request.company, each.name)
                if layer.kind == "need"
                else (each.name.capitalize() if layer.kind == "value" else each.name),
                "href": _customers(request, layer.kind, each.name),
                "value_each": each.value_minor // each.customers if each.customers else None,
                "top": each.tiers.get(tiers[0], 0) / each.customers
                if tiers and each.customers
                else None,
            }
            for each in (_by_size(layer) if layer.kind == "demographic" else layer.segments)
        ],
    }


def _customers(request: CallerRequest, kind: str, name: str) -> str:
    """The customers of a tier or a need; no list is by a demographic fact."""
    asked = {"value": "tier", "need": "need"}.get(kind)
    if asked is None:
        return ""
    query = {asked: name}
    if request.as_of is not None:
        query["as_of"] = request.as_of.isoformat()
    return f"{reverse('differentiate:value')}?{urlencode(query)}"


def _by_size(layer: Layer) -> list[Segment]:
    """Classes of a number (ages, incomes) from the lowest up; others as they come, largest first.

    "Under 15K" stands before "15-24K".
    """
    numbers = [re.search(r"\d+", each.name) for each in layer.segments]
    if not all(numbers):
        return list(layer.segments)
    lowest = [(int(found[0]), found.start() == 0) for found in numbers if found]
    return [each for _place, each in sorted(zip(lowest, layer.segments, strict=True), key=_first)]


def _first(pair: tuple[tuple[int, bool], Segment]) -> tuple[int, bool]:
    return pair[0]
