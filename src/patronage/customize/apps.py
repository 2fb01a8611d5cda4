"""Registers the stage with Django, and with the questions that govern asks."""

from django.apps import AppConfig


class CustomizeConfig(AppConfig):
    name = "patronage.customize"
    label = "customize"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from patronage.access.ports import customers_erased
        from patronage.customize import erasing
        from patronage.customize.reads.offers import open_offers
        from patronage.customize.waiting import offers_waiting
        from patronage.govern import conflicts, waiting

        customers_erased.register(erasing.erase)
        waiting.offers_waiting.register(offers_waiting)
        conflicts.open_offers.register(open_offers)
