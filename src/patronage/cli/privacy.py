"""`patronage privacy …`: forget customers, and prove it."""

from __future__ import annotations

from cyclopts import App

from patronage.access.models import Erasure
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, rows
from patronage.identify import erasing

app = App(name="privacy", help="Forget customers, and prove it.")


@app.command
def erase(customer: str, *, reason: str) -> None:
    """Forget a customer everywhere, for good; it cannot be taken back.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    reason
        asked, court, retention or mistake.
    """
    call = current()
    made = erasing.erase_customer(
        actor=call.actor, now=call.clock(), customer_id=id_of(customer), reason=reason
    )
    facts("", _shown(made))


@app.command
def erasures(*, limit: int = 20) -> None:
    """Show the certificates, newest first.

    Parameters
    ----------
    limit
        How many.
    """
    found = erasing.certificates(current().actor, limit=limit)
    rows("", [_shown(each) for each in found], empty="Nobody was erased yet.")


def _shown(made: Erasure) -> dict[str, object]:
    return {
        "id": made.id,
        "erased_at": made.erased_at,
        "customer": made.subject_id,
        "reason": made.reason,
        "removed": made.removed,
        "key_destroyed": made.key_destroyed,
        "keys_backup": made.keys_backup,
        "values_digest": made.values_digest,
    }
