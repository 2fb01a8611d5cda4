"""The pages that belong to no stage, each noun in a module of its own."""

from patronage.site.pages.audit import (
    audit_csv,
    audit_log,
    export_checkpoint,
    verify_audit_log,
)
from patronage.site.pages.home import chart_script, customer_names, home, search
from patronage.site.pages.keys import create_key, keys, revoke_key, rotate_key
from patronage.site.pages.people import (
    add_person,
    close_account,
    grant_role,
    people,
    person,
    remove_second_factor,
    reopen_account,
    reset_password,
    revoke_role,
    roles,
)
from patronage.site.pages.profile import (
    add_second_factor,
    change_password,
    confirm_second_factor,
    drop_second_factor,
    profile,
    renew_recovery_codes,
)

__all__ = [
    "add_person",
    "add_second_factor",
    "audit_csv",
    "audit_log",
    "change_password",
    "chart_script",
    "close_account",
    "confirm_second_factor",
    "create_key",
    "customer_names",
    "drop_second_factor",
    "export_checkpoint",
    "grant_role",
    "home",
    "keys",
    "people",
    "person",
    "profile",
    "remove_second_factor",
    "renew_recovery_codes",
    "reopen_account",
    "reset_password",
    "revoke_key",
    "revoke_role",
    "roles",
    "rotate_key",
    "search",
    "verify_audit_log",
]
