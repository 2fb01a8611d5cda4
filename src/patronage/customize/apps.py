"""Registers the stage with Django."""

from django.apps import AppConfig


class CustomizeConfig(AppConfig):
    name = "patronage.customize"
    label = "customize"
    default_auto_field = "django.db.models.BigAutoField"
