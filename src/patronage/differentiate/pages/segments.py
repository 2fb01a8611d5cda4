"""Segments: how do value, need and demographics describe the customers, and how many of them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.audit import nothing
from patronage.differentiate.pages.words import need_words
from patronage.differentiate.reads.layers import Layer, layers


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
                else each.name,
                "value_each": each.value_minor // each.customers if each.customers else None,
                "top": each.tiers.get(tiers[0], 0) / each.customers
                if tiers and each.customers
                else None,
            }
            for each in layer.segments
        ],
    }
