"""Registers the stage with Django, and with the question that the portfolio page asks."""

from django.apps import AppConfig


class CustomizeConfig(AppConfig):
    name = "patronage.customize"
    label = "customize"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from patronage.customize.waiting import offers_waiting
        from patronage.govern import waiting

        waiting.offers_waiting.register(offers_waiting)
