"""Registers the stage with Django."""

from django.apps import AppConfig


class GovernConfig(AppConfig):
    name = "patronage.govern"
    label = "govern"
    default_auto_field = "django.db.models.BigAutoField"
