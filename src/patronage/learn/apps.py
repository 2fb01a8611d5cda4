"""Registers the stage with Django, and with the question that the gate asks."""

from django.apps import AppConfig


class LearnConfig(AppConfig):
    name = "patronage.learn"
    label = "learn"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from patronage.customize import learned
        from patronage.learn.blocks import cost_of_block

        learned.cost_of_block.register(cost_of_block)
