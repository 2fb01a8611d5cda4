"""Registers the stage with Django."""

from django.apps import AppConfig


class DifferentiateConfig(AppConfig):
    name = "patronage.differentiate"
    label = "differentiate"
    default_auto_field = "django.db.models.BigAutoField"
