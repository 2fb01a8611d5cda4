"""Addresses of the gate, of offers and of decisions."""

from django.urls import path

from patronage.customize import pages

app_name = "customize"
urlpatterns = [
    path("gate", pages.gate, name="gate"),
    path("gate/<str:offer_id>/<str:portfolio_id>", pages.ruling, name="ruling"),
    path("gate/<str:offer_id>/<str:portfolio_id>/preview", pages.preview, name="preview"),
    path("rulings/<str:ruling_id>/messages", pages.answer, name="answer"),
    path("rulings/<str:ruling_id>/end", pages.take_back, name="take-back"),
    path("offers", pages.offers, name="offers"),
    path("offers/new", pages.propose, name="propose"),
    path("offers/condition", pages.condition, name="condition"),
    path("offers/targets", pages.sales_target, name="sales-target"),
    path("offers/<str:offer_id>", pages.offer, name="offer"),
    path("offers/<str:offer_id>/resubmission", pages.resubmit, name="resubmit"),
    path("offers/<str:offer_id>/withdrawal", pages.withdraw, name="withdraw"),
    path("rules", pages.rules, name="rules"),
    path("rules/check", pages.rules_check, name="rules-check"),
    path("rules/rows", pages.rules_rows, name="rules-rows"),
    path("rules/<str:version_id>", pages.rules_version, name="rules-version"),
    path("rules/<str:version_id>/edit", pages.rules_edit, name="rules-edit"),
    path("rules/<str:version_id>/price", pages.rules_price, name="rules-price"),
    path("rules/<str:version_id>/publish", pages.rules_publish, name="rules-publish"),
    path("rules/<str:version_id>/discard", pages.rules_discard, name="rules-discard"),
    path("portfolio/<str:portfolio_id>/rules/new", pages.rules_new, name="rules-new"),
    path(
        "portfolio/<str:portfolio_id>/rules/roll-back",
        pages.rules_roll_back,
        name="rules-roll-back",
    ),
    path("decisions/<str:decision_id>", pages.decision, name="decision"),
]
