"""Addresses of the gate, of offers and of decisions."""

from django.urls import path

from patronage.customize import pages

app_name = "customize"
urlpatterns = [
    path("gate", pages.gate, name="gate"),
    path("gate/<str:offer_id>/<str:portfolio_id>", pages.ruling, name="ruling"),
    path("gate/<str:offer_id>/<str:portfolio_id>/preview", pages.preview, name="preview"),
    path("offers", pages.offers, name="offers"),
    path("offers/new", pages.propose, name="propose"),
    path("offers/condition", pages.condition, name="condition"),
    path("offers/<str:offer_id>", pages.offer, name="offer"),
    path("offers/<str:offer_id>/withdrawal", pages.withdraw, name="withdraw"),
    path("decisions/<str:decision_id>", pages.decision, name="decision"),
]
