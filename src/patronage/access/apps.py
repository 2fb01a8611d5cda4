"""Registers the stage with Django."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "patronage.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"
