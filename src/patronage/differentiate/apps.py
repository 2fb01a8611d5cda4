"""Registers the stage with Django, and with the ports of access."""

from django.apps import AppConfig


class DifferentiateConfig(AppConfig):
    name = "patronage.differentiate"
    label = "differentiate"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from patronage.access.ports import customers_erased
        from patronage.differentiate import erasing

        customers_erased.register(erasing.erase)
