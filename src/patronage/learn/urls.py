"""Addresses of read-outs."""

from django.urls import path

from patronage.learn import pages

app_name = "learn"
urlpatterns = [
    path("read-outs", pages.read_outs, name="read-outs"),
    path("read-outs/<str:read_out_id>", pages.read_out, name="read-out"),
]
