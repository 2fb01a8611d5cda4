"""Addresses of the pages on imports."""

from __future__ import annotations

from django.urls import path

from patronage.identify import pages

app_name = "identify"
urlpatterns = [
    path("privacy", pages.privacy, name="privacy"),
    path("customers/<str:customer_id>/erasure", pages.erase_customer, name="erase-customer"),
    path("imports", pages.imports, name="imports"),
    path("imports/<str:import_id>", pages.import_run, name="import"),
    path("imports/<str:import_id>/quarantine.csv", pages.quarantine_csv, name="quarantine-csv"),
]
