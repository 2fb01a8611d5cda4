"""What the audit log says of a change, and how it is asked."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import patronage
from patronage.access import audit, reads
from patronage.access.audit import Checkpoint, NoCheckpoint, check, export_checkpoint, record, seal
from patronage.access.errors import NotAllowed
from patronage.access.models import AuditEntry, User
from patronage.access.people import create_user, grant_role, revoke_role
from patronage.access.reads import AuditQuestion, audit_page, audit_rows
from patronage.access.roles import POLICY, SYSTEM, Actor, Right, Role

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def calls_of_record(path: Path) -> list[ast.Call]:
    """Every call in a file that writes an entry."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(each.arg == "subject_kind" for each in node.keywords)
    ]


def test_every_change_of_the_product_says_under_which_right() -> None:
    root = Path(next(iter(patronage.__path__)))
    calls = [(path, call) for path in root.rglob("*.py") for call in calls_of_record(path)]
    writing = [each for each in calls if each[0].name not in {"reads.py", "audit.py"}]
    assert len(writing) > 25
    silent = [
        f"{path.relative_to(root)}:{call.lineno}"
        for path, call in writing
        if not any(each.arg == "right" for each in call.keywords)
    ]
    assert silent == []


def test_an_entry_says_which_role_held_the_right_and_what_it_was_before(
    administrator: Actor, administrator_user: User, now: datetime
) -> None:
    user = administrator_user.id
    grant_role(actor=administrator, now=now, user_id=user, role=Role.AGENT, reason="helps out")
    revoke_role(actor=administrator, now=now + HOUR, user_id=user, role=Role.AGENT, reason="done")
    granted, revoked = AuditEntry.objects.filter(actor_id=user).order_by("id")
    assert (granted.right, granted.role) == ("administer", "administrator")
    assert granted.before == {"roles": ["administrator"]}
    assert granted.change == {"role": "agent", "roles": ["administrator", "agent"]}
    assert revoked.before == {"roles": ["administrator", "agent"]}
    assert revoked.change["roles"] == ["administrator"]


def test_the_system_holds_every_right_from_no_role(now: datetime) -> None:
    row = record(
        actor=SYSTEM,
        now=now,
        action="x",
        subject_kind="y",
        subject_id="z",
        right=Right.VALUE,
        before={},
    )
    assert (row.right, row.role) == ("value customers", "")


@pytest.fixture
def log(administrator: Actor, now: datetime) -> Actor:
    """Some entries by two people about two things."""
    ben = Actor(id="usr_ben", name="Ben Ruiz", roles=frozenset({Role.MANAGER}))
    made: list[tuple[Actor, str, str, dict[str, Any]]] = [
        (ben, "rule on offer", "ofr_1", {"portfolio": "prt_1"}),
        (ben, "rule on offer", "ofr_2", {"portfolio": "prt_2", "others": ["ofr_1"]}),
        (administrator, "hand over", "cus_1", {"to": "prt_1"}),
        (administrator, "hand over", "cus_11", {"to": "prt_11"}),
    ]
    for number, (who, action, subject, change) in enumerate(made):
        record(
            actor=who,
            now=now + (1 + number) * HOUR,
            action=action,
            subject_kind="thing",
            subject_id=subject,
            right=None,
            before={"then": f"prt_{number + 5}"},
            change=change,
        )
    return administrator


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"about": "ofr_1"}, ["ofr_2", "ofr_1"]),
        ({"about": "prt_1"}, ["cus_1", "ofr_1"]),
        ({"about": "prt_6"}, ["ofr_2"]),
        ({"about": "cus_1"}, ["cus_1"]),
        ({"who": "ruiz"}, ["ofr_2", "ofr_1"]),
        ({"who": "usr_ben", "action": "rule on offer", "about": "prt_2"}, ["ofr_2"]),
        ({"action": "hand over"}, ["cus_11", "cus_1"]),
        ({"about": "%"}, []),
        ({"about": "ofr_9"}, []),
    ],
)
def test_the_log_is_asked_by_who_what_and_about_what(
    log: Actor, question: dict[str, Any], found: list[str]
) -> None:
    page = audit_page(log, AuditQuestion(**question))
    assert [each.subject_id for each in page.entries] == found
    rows = audit_rows(log, AuditQuestion(**question))
    at = reads.EXPORT_COLUMNS.index("subject_id")
    assert [row[at] for row in rows] == found


def test_days_are_half_open(log: Actor, now: datetime) -> None:
    question = AuditQuestion(since=now + 2 * HOUR, until=now + 4 * HOUR)
    assert [each.subject_id for each in audit_page(log, question).entries] == ["cus_1", "ofr_2"]


def test_who_lacks_the_right_reads_exports_and_checks_nothing(log: Actor, now: datetime) -> None:
    roles = frozenset(role for role in Role if Right.SEE_AUDIT not in POLICY[role].rights)
    curious = Actor(id="usr_x", name="X", roles=roles)
    before = AuditEntry.objects.count()
    for attempt in (
        lambda: audit_page(curious),
        lambda: audit_rows(curious, AuditQuestion()),
        lambda: reads.audit_actions(curious),
        lambda: reads.newest(curious, reads.CHECKED),
        lambda: check(actor=curious, now=now),
        lambda: export_checkpoint(actor=curious, now=now),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert AuditEntry.objects.count() == before


def test_checks_and_exports_are_entries_themselves(log: Actor, now: datetime) -> None:
    late = now + 9 * HOUR
    end = export_checkpoint(actor=log, now=late)
    assert end.number == AuditEntry.objects.count() - 1
    assert check(actor=log, now=late, checkpoints=[end]).intact
    exported, checked = reads.newest(log, reads.EXPORTED), reads.newest(log, reads.CHECKED)
    assert exported is not None
    assert checked is not None
    assert exported.change == {"number": end.number, "digest": end.digest}
    assert (checked.change["intact"], checked.change["checkpoints"]) == (True, [end.number])
    AuditEntry.objects.filter(number=2).update(reason="forged")
    assert not check(actor=log, now=late, checkpoints=[end]).intact
    checked = reads.newest(log, reads.CHECKED)
    assert checked is not None
    assert not checked.change["intact"]
    assert "row 2" in checked.change["first"][0]


@pytest.mark.parametrize(
    "point",
    [
        Checkpoint(number=0, digest="0" * 64),
        Checkpoint(number=1, digest="0" * 63),
        Checkpoint(number=1, digest="Z" * 64),
    ],
)
def test_what_is_no_checkpoint_is_refused_and_not_taken_for_one(
    log: Actor, now: datetime, point: Checkpoint
) -> None:
    with pytest.raises(NoCheckpoint, match="exported"):
        check(actor=log, now=now, checkpoints=[point])


def test_reading_goes_on_where_the_page_before_ended(log: Actor, now: datetime) -> None:
    first = audit_page(log, AuditQuestion(action="hand over"), limit=1)
    rest = audit_page(log, AuditQuestion(action="hand over"), before=first.next)
    assert [each.subject_id for each in (*first.entries, *rest.entries)] == ["cus_11", "cus_1"]
    assert rest.next is None


def test_a_person_added_is_in_the_log_by_right_and_reason(now: datetime) -> None:
    create_user(
        actor=SYSTEM, now=now, email="a@example.com", name="A", password="a long phrase here",
        roles=[Role.AGENT], reason="joins",
    )  # fmt: skip
    seal(now)
    assert audit.verify().intact
    assert {row.right for row in AuditEntry.objects.all()} == {"administer"}
