"""A page that shows every part at once, for tests only; its addresses beside the product's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django import forms
from django.http import HttpResponse
from django.template import engines
from django.urls import path

from patronage.access.errors import NotFound, Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.site.urls import handler404, handler500
from patronage.site.urls import urlpatterns as product_urls

__all__ = ["handler404", "handler500", "urlpatterns"]

TEMPLATE = Path(__file__).with_name("gallery.html")


class HandOver(forms.Form):
    """A form with an error in it."""

    to = forms.CharField(label="To portfolio", help_text="The manager is told at once.")
    note = forms.CharField(label="Note", required=False)
    sure = forms.BooleanField(label="The customer has agreed")


def gallery(request: CallerRequest) -> HttpResponse:
    """Every part, with figures of the size people see."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return HttpResponse(engines["django"].from_string(text).render(_parts(), request))


def broken(request: CallerRequest) -> HttpResponse:
    """Fails in the way that `?how=` names."""
    how = request.GET.get("how")
    if how == "not-allowed":
        request.actor.require(Right.ADMINISTER)
    if how == "not-found":
        raise NotFound(noun="customer", id="cus_1")
    if how == "refused":
        raise Refused("The offer ended on 1 May; extend it first.")
    raise ZeroDivisionError


def said(request: CallerRequest) -> HttpResponse:
    """Answers the ruling of the gallery's dialog."""
    if request.POST.get("reason_code") == "price":
        raise Refused("The price was already adapted; take that back first.")
    return HttpResponse(f'<p id="ruling">Blocked: {request.POST["reason_code"]}</p>')


urlpatterns = [
    *product_urls,
    path("gallery", gallery),
    path("gallery/broken", broken),
    path("gallery/said", said),
]


def _parts() -> dict[str, Any]:
    noon = datetime(2017, 12, 31, 17, 5, tzinfo=UTC)
    return {
        "unit": "USD",
        "form": HandOver({"to": "", "note": ""}),
        "noon": noon,
        "steps": [
            {
                "label": "Opening, 30 Sep",
                "value": 124_480_000,
                "is_level": True,
                "href": "/gallery?line=opening",
            },
            {"label": "Expected margin", "value": -14_210_000, "href": "/gallery?line=expected"},
            {"label": "Discount unwinding", "value": 2_890_000, "href": "/gallery?line=unwinding"},
            {"label": "Window rolled on", "value": 11_400_000, "href": "/gallery?line=roll"},
            {"label": "Behaviour", "value": -6_730_000, "href": "/gallery?line=experience"},
            {"label": "New customers", "value": 1_120_000, "href": "/gallery?line=new"},
            {"label": "Hand-overs", "value": 0, "href": "/gallery?line=handovers"},
            {
                "label": "Closing, 31 Dec",
                "value": 118_950_000,
                "is_level": True,
                "href": "/gallery?line=closing",
            },
        ],
        "estimates": [
            {"label": "Men's mail", "value": 0.0766, "low": 0.0699, "high": 0.0833},
            {"label": "Women's mail", "value": 0.0452, "low": 0.0388, "high": 0.0516},
            {"label": "Reminder", "value": -0.0031, "low": -0.0102, "high": 0.004},
        ],
        "panels": [
            {
                "title": f"{name}: {tail}",
                "href": "/gallery",
                "amounts": [
                    {
                        "label": "Retain",
                        "value": base * 100_000,
                        "href": "/gallery?objective=retain",
                    },
                    {"label": "Grow", "value": base * 62_000},
                    {"label": "Convert", "value": base * 21_000},
                ],
            }
            for name, tail, base in (
                ("Best families", "keeps most", 520),
                ("Regulars", "grows", 340),
                ("Everybody else", "half asleep", 90),
            )
        ],
        "points": [
            {
                "at": date(2017, 3, 31) + timedelta(days=91 * at),
                "value": value,
                "low": value * 0.86,
                "high": value * 1.17,
                "series": "Value",
            }
            for at, value in enumerate((61_200, 66_800, 71_500, 64_300))
        ],
        "rows": [
            {
                "label": f"Household {number}",
                "value": 9_812_345 - number * 37_111,
                "risk": 0.05 + number * 0.03,
            }
            for number in range(1, 13)
        ],
        "events": [
            {"at": noon, "title": "Bought for $84.10 in 14 lines", "tone": "good"},
            {
                "at": noon - timedelta(days=9),
                "title": "Offer sent by mail",
                "detail": "10% off pasta · treatment 4",
                "href": "/gallery",
                "tone": "info",
            },
            {
                "at": noon - timedelta(days=40),
                "title": "Handed over to Ana Ruiz",
                "detail": "Moved into the top tier",
            },
        ],
        "reasons": [
            ("too-often", "Contacted too often"),
            ("price", "Price too deep"),
            ("season", "Wrong season"),
            ("other", "Other"),
        ],
        "views": [
            {"title": "Waiting", "href": "?", "is_here": True, "count": 12},
            {"title": "Ruled", "href": "?tab=ruled", "is_here": False, "count": 1043},
            {"title": "All", "href": "?tab=all", "is_here": False},
        ],
        "range": (104_000_000, 135_000_000),
    }
