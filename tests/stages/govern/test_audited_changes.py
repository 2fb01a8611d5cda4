"""Every change of who is in charge, by which right and rule says from what to what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from patronage.access.company import current
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.differentiate.actions import override_objective, revoke_override
from patronage.govern.actions import (
    NewRule,
    appoint,
    arrange_cover,
    change_draft,
    discard_draft,
    draft_policy,
    end_cover,
    end_grant,
    grant_lever,
    hand_over,
    lift_boundary,
    publish_policy,
    roll_back,
    set_boundary,
    set_up_portfolios,
)
from patronage.govern.boundaries import NewBoundary
from patronage.identify.actions import record_consent

from .world import START, World

DAY = timedelta(days=1)


def newest(action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    entry = AuditEntry.objects.filter(action=action).latest("id")
    return entry.before, entry.change


def says_from_what_to_what(action: str, *names: str) -> None:
    before, change = newest(action)
    for name in names:
        assert name in before, (action, name, before)
        assert before[name] != change[name], (action, name)


def test_appointments_hand_overs_cover_and_set_up_say_both(world: World, customer: str) -> None:
    top, now = world.portfolios["Top"], world.now
    appoint(
        actor=SYSTEM, now=now, portfolio_id=top, manager_id=world.people["ana"].id,
        starts_at=now, reason="tests",
    )  # fmt: skip
    says_from_what_to_what("appoint manager", "manager", "starts_at")
    assert newest("appoint manager")[0]["manager"] == world.people["ben"].id
    hand_over(actor=SYSTEM, now=now, customer_ids=[customer], to_portfolio_id=top, reason="tests")
    says_from_what_to_what("hand over customers", "portfolio")
    cover = arrange_cover(
        actor=SYSTEM, now=now, portfolio_id=top, deputy_id=world.people["cho"].id, reason="tests"
    )
    assert newest("arrange cover")[0] == {}
    end_cover(actor=SYSTEM, now=now + DAY, cover_id=cover.id, reason="tests")
    says_from_what_to_what("end cover", "ends_at")
    earlier = START - DAY
    set_up_portfolios(actor=SYSTEM, now=now, company=current().company, starts_at=earlier)
    before, _change = newest("set up portfolios")
    assert before["portfolios"]["Top"]["starts_at"] == START.isoformat()


def test_rights_and_boundaries_say_both(world: World) -> None:
    grant = grant_lever(
        actor=SYSTEM, now=world.now, lever="discount", limit=100, per="use", reason="tests",
        portfolio_id=world.portfolios["Top"],
    )  # fmt: skip
    assert newest("grant lever")[0] == {}
    end_grant(actor=SYSTEM, now=world.now + DAY, grant_id=grant.id, reason="tests")
    says_from_what_to_what("end grant", "ends_at")
    for limit in (1_000, 2_000):
        at = world.now + limit * DAY
        new = NewBoundary(name="Cap", kind="discount_cap", source="board", limit=limit)
        made = set_boundary(actor=SYSTEM, now=at, new=new, reason="tests")
    says_from_what_to_what("set boundary", "limit", "valid_from")
    lift_boundary(actor=SYSTEM, now=made.valid_from + DAY, boundary_id=made.id, reason="tests")
    says_from_what_to_what("lift boundary", "lifted")


def test_rules_say_both(world: World) -> None:
    block = NewRule(name="no mail", effect="block", offers="channel = 'mail'")
    asked: dict[str, Any] = {"actor": SYSTEM, "now": world.now}
    portfolio_id = world.portfolios["Top"]
    first = draft_policy(portfolio_id=portfolio_id, rules=[], note="first", **asked).version
    change_draft(version_id=first.id, rules=[block], note="second", **asked)
    says_from_what_to_what("change policy draft", "rules", "note")
    publish_policy(version_id=first.id, reason="tests", **asked)
    assert newest("publish policy")[0] == {}
    asked["now"] += DAY
    second = draft_policy(portfolio_id=portfolio_id, rules=[], note="next", **asked).version
    publish_policy(version_id=second.id, reason="tests", **asked)
    says_from_what_to_what("publish policy", "version", "number", "valid_from")
    asked["now"] += DAY
    roll_back(portfolio_id=portfolio_id, reason="tests", **asked)
    says_from_what_to_what("roll policy back", "version", "number")
    third = draft_policy(portfolio_id=portfolio_id, rules=[], note="no", **asked).version
    discard_draft(version_id=third.id, reason="tests", **asked)
    says_from_what_to_what("discard policy draft", "state")


def test_consents_and_objectives_say_both(world: World, customer: str) -> None:
    asked: dict[str, Any] = {"actor": SYSTEM, "customer_id": customer}
    for place, state in enumerate(("given", "withdrawn")):
        at = world.now + place * DAY
        record_consent(
            now=at, purpose="marketing", channel="mail", state=state, source=f"call {place}",
            valid_from=at, **asked,
        )  # fmt: skip
    says_from_what_to_what("record consent", "state", "source")
    override_objective(now=world.now, objective="retain", reason="tests", **asked)
    override_objective(now=world.now + DAY, objective="grow", reason="tests", **asked)
    says_from_what_to_what("set objective", "objective", "override")
    revoke_override(now=world.now + DAY, reason="tests", **asked)
    assert newest("revoke objective")[0]["objective"] == "grow"
