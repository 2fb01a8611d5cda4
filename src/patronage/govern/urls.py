"""Addresses of the pages on who is in charge of whom."""

from __future__ import annotations

from django.urls import path

from patronage.govern import pages

app_name = "govern"
urlpatterns = [
    path("assignment", pages.assignment, name="assignment"),
    path("assignment/movers.csv", pages.assignment_csv, name="assignment-csv"),
    path("cover", pages.cover, name="cover"),
    path("cover/<str:cover_id>/end", pages.cover_end, name="cover-end"),
    path("portfolio", pages.portfolio, name="portfolio"),
    path("portfolio/hand-over", pages.hand_over, name="hand-over"),
    path("portfolios", pages.portfolios, name="portfolios"),
]
