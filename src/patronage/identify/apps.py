"""Registers the stage with Django."""

from django.apps import AppConfig


class IdentifyConfig(AppConfig):
    name = "patronage.identify"
    label = "identify"
    default_auto_field = "django.db.models.BigAutoField"
