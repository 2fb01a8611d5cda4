"""`patronage audit …`: who did what, and that nobody changed the log since."""

from __future__ import annotations

from cyclopts import App

from patronage.access import audit, reads
from patronage.access.errors import Refused
from patronage.access.roles import Right
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say

app = App(name="audit", help="Who did what, and that nobody changed the log since.")


@app.command
def show(*, limit: int = 20) -> None:
    """Show the newest entries.

    Parameters
    ----------
    limit
        How many.
    """
    rows(
        "",
        [
            {
                "at": entry.at,
                "who": entry.actor_name,
                "what": entry.action,
                "subject": f"{entry.subject_kind} {entry.subject_id}",
                "reason": entry.reason or None,
            }
            for entry in reads.audit_page(current().actor, limit=limit).entries
        ],
        empty="Nothing was recorded yet.",
    )


@app.command
def seal() -> None:
    """Number and chain what was recorded since the last time."""
    call = current()
    call.actor.require(Right.ADMINISTER)
    say(f"{audit.seal(call.clock())} entries were sealed.")


@app.command
def checkpoint() -> None:
    """Print the end of the chain, to be kept where nobody who writes here can reach it."""
    current().actor.require(Right.SEE_AUDIT)
    end = audit.checkpoint()
    facts("", {"number": end.number, "digest": end.digest})


@app.command
def verify(*, number: int | None = None, digest: str | None = None) -> None:
    """Check the whole chain, against a kept checkpoint too where one is given.

    Parameters
    ----------
    number
        Number of the kept checkpoint.
    digest
        Its digest.
    """
    current().actor.require(Right.SEE_AUDIT)
    if (number is None) != (digest is None):
        raise Refused("A checkpoint has a number and a digest: give both, or neither.")
    kept = [] if number is None else [audit.Checkpoint(number=number, digest=digest or "")]
    report = audit.verify(*kept)
    rows("", [{"number": each.number, "what": each.what} for each in report.problems], empty="")
    if not report.intact:
        raise Refused(
            f"The log was changed: {len(report.problems) + report.further_problems} problems among "
            f"{report.sealed:,} sealed entries. Compare it with a backup."
        )
    say(f"The log is intact: {report.sealed:,} entries are sealed, {report.waiting:,} wait.")
