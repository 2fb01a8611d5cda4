"""`patronage merge …`: customers who turned out to be one, and those who did not."""

from __future__ import annotations

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import rows, say
from patronage.identify import reads
from patronage.identify.identity import merge_customers, unmerge_customers

app = App(name="merge", help="Customers who turned out to be one.")


@app.command
def make(kept: str, absorbed: str, *, reason: str) -> None:
    """Make one customer of two; it can be undone.

    Parameters
    ----------
    kept
        Id, or what a source calls the customer who stays.
    absorbed
        The same of the one who turned out to be them.
    reason
        Why they are one.
    """
    call = current()
    made = merge_customers(
        actor=call.actor,
        now=call.clock(),
        kept_id=id_of(kept),
        absorbed_id=id_of(absorbed),
        reason=reason,
    )
    say(
        f"{made.absorbed_id} is {made.kept_id} from now on. Undo it: patronage merge undo {made.id}"
    )


@app.command
def undo(merge: str, *, reason: str) -> None:
    """Part two customers again.

    Parameters
    ----------
    merge
        Id of the merge, as `merge list` shows it.
    reason
        Why they are not the same.
    """
    call = current()
    found = unmerge_customers(actor=call.actor, now=call.clock(), merge_id=merge, reason=reason)
    say(f"{found.absorbed_id} stands alone again.")


@app.command(name="list")
def list_(*, limit: int = 50) -> None:
    """Show merges, newest first.

    Parameters
    ----------
    limit
        How many.
    """
    call = current()
    rows(
        "",
        [
            {
                "merge": each.id,
                "kept": each.kept.label,
                "absorbed": each.absorbed.label,
                "cause": each.cause,
                "at": each.at,
                "undone_at": each.undone_at,
                "reason": each.undone_reason or each.reason,
            }
            for each in reads.merges(call.actor, call.clock(), limit=limit)
        ],
        empty="Nobody was ever merged.",
    )
