"""Registers the stage with Django, and with the stages below that it adds to."""

from django.apps import AppConfig


class InteractConfig(AppConfig):
    name = "patronage.interact"
    label = "interact"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Stop contacts when consent is withdrawn; add to the timeline."""
        from patronage.access.ports import consent_withdrawn, customers_erased
        from patronage.identify.timeline import sources
        from patronage.interact import erasing
        from patronage.interact.actions import stop_contacts
        from patronage.interact.timeline import conversations, sent_contacts

        customers_erased.register(erasing.erase)
        consent_withdrawn.register(stop_contacts)
        sources.register(conversations)
        sources.register(sent_contacts)
