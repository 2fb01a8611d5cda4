"""Addresses of the pages on equity, scorecards and the loop."""

from __future__ import annotations

from django.urls import path

from patronage.steer import pages

app_name = "steer"
urlpatterns = [
    path("equity", pages.equity, name="equity"),
    path("equity/drafts", pages.draft, name="draft"),
    path("equity/<str:statement_id>/statement.csv", pages.statement_csv, name="statement-csv"),
    path("equity/<str:statement_id>/review", pages.review, name="review"),
    path("equity/<str:statement_id>/publication", pages.publish, name="publish"),
    path("equity/<str:statement_id>/lines/<str:kind>.csv", pages.line_csv, name="line-csv"),
    path("equity/<str:statement_id>/lines/<str:kind>", pages.behind_line, name="line"),
    path("scorecards", pages.scorecards, name="scorecards"),
    path("cycles", pages.cycles, name="cycles"),
    path("levers", pages.levers, name="levers"),
    path("levers.csv", pages.levers_csv, name="levers-csv"),
    path("metrics", pages.metrics, name="metrics"),
]
