"""Registers the stage with Django."""

from django.apps import AppConfig


class SteerConfig(AppConfig):
    name = "patronage.steer"
    label = "steer"
    default_auto_field = "django.db.models.BigAutoField"
