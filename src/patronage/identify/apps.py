"""Registers the stage with Django, and with the ports of access."""

from django.apps import AppConfig


class IdentifyConfig(AppConfig):
    name = "patronage.identify"
    label = "identify"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from patronage.access import vault
        from patronage.access.ports import customers_erased, one_person
        from patronage.identify import erasing, merged

        customers_erased.register(erasing.erase)
        one_person.register(merged.absorbed_first)
        vault.kept_elsewhere(erasing.with_sealed_events)
