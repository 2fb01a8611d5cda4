"""Registers the stage with Django."""

from django.apps import AppConfig
from django.core import checks


class AccessConfig(AppConfig):
    name = "patronage.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from patronage.access.checks import mandatory_ports

        checks.register(mandatory_ports, "patronage")
