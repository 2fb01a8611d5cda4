"""Addresses of a customer, what happened with them and what they said."""

from django.urls import path

from patronage.interact import pages

app_name = "interact"
urlpatterns = [
    path("customers/<str:customer_id>", pages.customer, name="customer"),
    path("customers/<str:customer_id>/timeline", pages.timeline, name="timeline"),
    path("customers/<str:customer_id>/needs", pages.record_need, name="record-need"),
    path("customers/<str:customer_id>/needs/<str:need_id>", pages.close_need, name="close-need"),
]
