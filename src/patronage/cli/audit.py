"""`patronage audit …`: who did what, and that nobody changed the log since."""

from __future__ import annotations

import json
from datetime import date

from cyclopts import App

from patronage.access import audit, reads
from patronage.access.company import instants_of
from patronage.access.errors import Refused
from patronage.access.roles import Right
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say

app = App(name="audit", help="Who did what, and that nobody changed the log since.")


@app.command
def show(
    *,
    about: str = "",
    who: str = "",
    action: str = "",
    since: date | None = None,
    until: date | None = None,
    changes: bool = False,
    limit: int = 20,
) -> None:
    """Show the newest entries.

    Parameters
    ----------
    about
        Id of what the entries are about, or name.
    who
        A part of the name, or the id, of who acted.
    action
        What was done, such as "grant role".
    since
        First day, in the company's time zone.
    until
        Last day.
    changes
        Show the right, and from what to what, too.
    limit
        How many.
    """
    first, end = instants_of(since, until)
    question = reads.AuditQuestion(who=who, action=action, about=about, since=first, until=end)
    call = current()
    found = reads.audit_page(call.actor, question, limit=limit)
    is_full = changes or call.json
    rows(
        "",
        [
            {
                "at": entry.at,
                "who": entry.actor_name,
                "what": entry.action,
                "subject": f"{entry.subject_kind} {entry.subject_id}",
            }
            | ({"right": entry.right or None} if is_full else {})
            | {"reason": entry.reason or None}
            | ({"from": _written(entry.before), "to": _written(entry.change)} if is_full else {})
            for entry in found.entries
        ],
        empty="Nothing was recorded that answers this.",
    )


def _written(content: dict[str, object]) -> str | None:
    return json.dumps(content, ensure_ascii=False) if content else None


@app.command
def seal() -> None:
    """Number and chain what was recorded since the last time."""
    call = current()
    call.actor.require(Right.ADMINISTER)
    say(f"{audit.seal(call.clock())} entries were sealed.")


@app.command
def checkpoint() -> None:
    """Seal and print the end of the chain, to be kept where nobody who writes here can reach it."""
    call = current()
    end = audit.export_checkpoint(actor=call.actor, now=call.clock())
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
    call = current()
    if (number is None) != (digest is None):
        raise Refused("A checkpoint has a number and a digest: give both, or neither.")
    kept = [] if number is None else [audit.Checkpoint(number=number, digest=digest or "")]
    report = audit.check(actor=call.actor, now=call.clock(), checkpoints=kept)
    rows("", [{"number": each.number, "what": each.what} for each in report.problems], empty="")
    if not report.intact:
        raise Refused(
            f"The log was changed: {len(report.problems) + report.further_problems} problems among "
            f"{report.sealed:,} sealed entries. Compare it with a backup."
        )
    say(f"The log is intact: {report.sealed:,} entries are sealed, {report.waiting:,} wait.")
