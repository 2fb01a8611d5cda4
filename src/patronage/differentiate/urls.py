"""Addresses of the pages on what customers are worth."""

from __future__ import annotations

from django.urls import path

from patronage.differentiate import pages

app_name = "differentiate"
urlpatterns = [
    path("value", pages.value, name="value"),
    path("value/audit", pages.audit, name="audit"),
    path("customers/<str:customer_id>/objective", pages.set_objective, name="set-objective"),
    path(
        "customers/<str:customer_id>/objective/revocation",
        pages.revoke_objective,
        name="revoke-objective",
    ),
    path("value/assumptions", pages.assumptions, name="assumptions"),
    path("value/assumptions/steps", pages.assumption_steps, name="assumption-steps"),
    path("value/reconciliation", pages.reconcile, name="reconciliation"),
    path("value/reconciliation/totals", pages.record_total, name="record-total"),
    path("models", pages.models, name="models"),
    path("models/tracking", pages.model_tracking, name="model-tracking"),
    path("value/customers.csv", pages.value_csv, name="value-csv"),
    path("value/loyalty", pages.loyalty, name="loyalty"),
    path("value/segments", pages.segments, name="segments"),
    path("value/acquisition", pages.acquisition, name="acquisition"),
    path("rankings", pages.rankings, name="rankings"),
    path("rankings/openings", pages.open_ranking, name="open-ranking"),
    path("rankings/<str:ranking_id>", pages.ranking, name="ranking"),
    path("rankings/<str:ranking_id>/votes", pages.vote_ranking, name="vote-ranking"),
    path("rankings/<str:ranking_id>/moves", pages.move_ranking, name="move-ranking"),
    path("rankings/<str:ranking_id>/review", pages.review_ranking, name="review-ranking"),
]
