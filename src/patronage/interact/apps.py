"""Registers the stage with Django."""

from django.apps import AppConfig


class InteractConfig(AppConfig):
    name = "patronage.interact"
    label = "interact"
    default_auto_field = "django.db.models.BigAutoField"
