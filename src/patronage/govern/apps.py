"""Registers the stage with Django, and with the ports of the rooms below it."""

from django.apps import AppConfig


class GovernConfig(AppConfig):
    name = "patronage.govern"
    label = "govern"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from patronage.access.ports import (
            customers_created,
            customers_erased,
            customers_merged,
            customers_unmerged,
            objective_changed,
            person_leaves,
        )
        from patronage.access.scope import (
            customer_scope,
            memberships_until,
            portfolio_names,
            visible_customers,
        )
        from patronage.govern import erasing, handlers, merging

        customers_erased.register(erasing.erase)
        customers_created.register(handlers.enter_portfolio)
        customers_merged.register(merging.become_one)
        customers_unmerged.register(merging.be_parted)
        person_leaves.register(handlers.refuse_to_leave)
        objective_changed.register(handlers.show_objective)
        customer_scope.register(handlers.scope_of_manager)
        visible_customers.register(handlers.condition_of)
        portfolio_names.register(handlers.names_of)
        memberships_until.register(handlers.memberships_of)
