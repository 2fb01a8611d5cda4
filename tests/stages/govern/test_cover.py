"""Somebody stands in for a manager: acts at once, returns by itself, is never accountable."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from ninja.testing import TestClient

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.people import close_account
from patronage.access.roles import SYSTEM, Role
from patronage.access.scope import scope_of
from patronage.govern import handlers, reads
from patronage.govern.actions import appoint, arrange_cover, end_cover, hand_over
from patronage.govern.api import router
from patronage.govern.errors import CannotCover, NoReason, StillInCharge
from patronage.govern.in_charge import portfolios_of
from patronage.govern.models import Accountability, Cover

from .world import World, add_customers, add_person

DAY = timedelta(days=1)


def stand_in(world: World, deputy: str, portfolio: str, by: str = "", **more: Any) -> Cover:
    asked: dict[str, Any] = {"now": world.now, "ends_at": world.now + 7 * DAY} | more
    return arrange_cover(
        actor=world.actor(by) if by else SYSTEM,
        portfolio_id=world.portfolios[portfolio],
        deputy_id=world.people[deputy].id,
        reason="on leave",
        **asked,
    )


def seen_by(world: World, name: str, at: datetime) -> frozenset[str]:
    held = scope_of(world.actor(name), at).portfolio_ids
    return frozenset(label for label, key in world.portfolios.items() if key in held)


def test_who_stands_in_sees_the_portfolio_from_the_first_instant_to_the_last(world: World) -> None:
    starts = world.now + DAY
    stand_in(world, "ana", "New", by="dev", starts_at=starts, ends_at=starts + DAY)
    own = {"Top, fresh"}
    assert seen_by(world, "ana", starts - timedelta(microseconds=1)) == own
    assert seen_by(world, "ana", starts) == own | {"New"}
    assert seen_by(world, "ana", starts + DAY - timedelta(microseconds=1)) == own | {"New"}
    assert seen_by(world, "ana", starts + DAY) == own


def test_the_manager_stays_accountable_and_nobody_becomes_so(world: World) -> None:
    before = list(Accountability.objects.order_by("pk").values())
    stand_in(world, "ana", "New")
    (customer,) = add_customers(1, world.now)
    assert list(Accountability.objects.order_by("pk").values()) == before
    found = reads.manager_of(SYSTEM, customer, world.now, now=world.now)
    assert found.manager == "Dev"
    for name, seen in (("dev", ["Ana"]), ("ben", [])):
        actor, portfolio = world.actor(name), world.portfolios["New"]
        assert reads.deputies_of(actor, portfolio, world.now, now=world.now) == seen


def test_who_stands_in_hands_nobody_over(world: World) -> None:
    stand_in(world, "ana", "New")
    (customer,) = add_customers(1, world.now)
    assert reads.history_of(world.actor("ana"), customer, world.now)
    with pytest.raises(NotFound):
        hand_over(
            actor=world.actor("ana"),
            now=world.now,
            customer_ids=[customer],
            to_portfolio_id=world.portfolios["Top, fresh"],
            reason="mine now",
        )


def test_a_scope_without_covers_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(world, "ana", "New")
    monkeypatch.setattr(handlers, "covered_by", lambda _person, _at: frozenset())
    assert seen_by(world, "ana", world.now) == {"Top, fresh"}


def test_a_standing_deputy_acts_until_somebody_ends_it(world: World) -> None:
    made = stand_in(world, "ana", "New", ends_at=None)
    later = world.now + 400 * DAY
    assert seen_by(world, "ana", later) == {"Top, fresh", "New"}
    end_cover(actor=world.actor("dev"), now=later, cover_id=made.id, reason="back")
    assert seen_by(world, "ana", later) == {"Top, fresh"}
    assert seen_by(world, "ana", later - DAY) == {"Top, fresh", "New"}
    with pytest.raises(CannotCover, match="ended"):
        end_cover(actor=world.actor("dev"), now=later, cover_id=made.id, reason="again")
    said = AuditEntry.objects.filter(action__in=("arrange cover", "end cover")).order_by("pk")
    assert [each.reason for each in said] == ["on leave", "back"]


def test_what_is_ended_before_its_first_day_never_begins(world: World) -> None:
    made = stand_in(world, "ana", "New", starts_at=world.now + DAY)
    end_cover(actor=SYSTEM, now=world.now, cover_id=made.id, reason="not needed")
    assert seen_by(world, "ana", world.now + DAY) == {"Top, fresh"}
    (row,) = reads.covers(world.actor("dev"), world.now + 2 * DAY)
    assert (row.state, row.end_reason, row.may_end) == ("over", "not needed", False)


def test_only_who_answers_for_a_portfolio_arranges_and_foreign_looks_absent(world: World) -> None:
    made = stand_in(world, "ana", "New", by="dev")
    with pytest.raises(NotFound) as foreign:
        stand_in(world, "cho", "New", by="ben")
    with pytest.raises(NotFound):
        # who stands in passes it on to nobody
        stand_in(world, "cho", "New", by="ana")
    with pytest.raises(NotFound) as absent:
        arrange_cover(
            actor=world.actor("ben"),
            now=world.now,
            portfolio_id="prt_none",
            deputy_id=world.people["cho"].id,
            reason="on leave",
        )
    assert str(foreign.value).replace(world.portfolios["New"], "prt_none") == str(absent.value)
    with pytest.raises(NotFound, match="There is no cover"):
        end_cover(actor=world.actor("ben"), now=world.now, cover_id=made.id, reason="no")
    with pytest.raises(NotAllowed):
        stand_in(world, "ana", "New", by="gus")
    assert reads.covers(world.actor("ben"), world.now) == []


def test_what_cannot_be_is_refused_with_what_to_do(world: World) -> None:
    stand_in(world, "ana", "New")
    with pytest.raises(CannotCover, match="already"):
        stand_in(world, "ana", "New", starts_at=world.now + 6 * DAY, ends_at=world.now + 9 * DAY)
    stand_in(world, "ana", "New", starts_at=world.now + 7 * DAY, ends_at=world.now + 9 * DAY)
    with pytest.raises(CannotCover, match="in charge"):
        stand_in(world, "dev", "New")
    with pytest.raises(CannotCover, match="role manager"):
        stand_in(world, "gus", "New")
    with pytest.raises(CannotCover, match="ends after"):
        stand_in(world, "ben", "New", ends_at=world.now)
    with pytest.raises(CannotCover, match="now or later"):
        stand_in(world, "ben", "New", starts_at=world.now - DAY)
    world.people["ida"] = add_person("ida", Role.MANAGER, world.now)
    close_account(actor=SYSTEM, now=world.now, user_id=world.people["ida"].id, reason="left")
    with pytest.raises(CannotCover, match="nobody"):
        stand_in(world, "ida", "New")
    with pytest.raises(NoReason):
        arrange_cover(
            actor=SYSTEM,
            now=world.now,
            portfolio_id=world.portfolios["New"],
            deputy_id=world.people["cho"].id,
            reason=" ",
        )


def test_a_deputy_who_is_appointed_answers_alone_and_the_old_manager_sees_nothing(
    world: World,
) -> None:
    stand_in(world, "ana", "New")
    appoint(
        actor=SYSTEM,
        now=world.now,
        portfolio_id=world.portfolios["New"],
        manager_id=world.people["ana"].id,
        starts_at=world.now,
        reason="for good",
    )
    assert world.portfolios["New"] in portfolios_of(world.people["ana"].id, world.now)
    assert seen_by(world, "dev", world.now) == frozenset()


def test_rest_arranges_lists_and_ends(world: World) -> None:
    dev, client = world.actor("dev"), TestClient(router)
    body = {
        "portfolio_id": world.portfolios["New"],
        "deputy_id": world.people["ana"].id,
        "reason": "on leave",
        "ends_at": (world.now + DAY).isoformat(),
    }
    made = client.post("/covers", json=body, actor=dev, now=world.now)
    assert made.status_code == 201
    (row,) = client.get("/covers", actor=dev, now=world.now).json()
    assert (row["deputy"], row["manager"], row["state"]) == ("Ana", "Dev", "now")
    ended = client.post(
        f"/covers/{row['id']}/ends", json={"reason": "back"}, actor=dev, now=world.now
    )
    assert ended.json()["end_reason"] == "back"


def test_the_page_lists_arranges_and_ends_in_days_of_the_company(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: world.now)
    client = Client()
    client.force_login(world.people["dev"])
    asked = client.get("/cover").content.decode()
    assert "Every manager acts in person today" in asked
    assert re.search(r'href="/portfolio"[^>]* aria-current="page"', asked)
    given = {
        "portfolio": world.portfolios["New"],
        "deputy": world.people["ana"].id,
        "first": "2026-01-16",
        "last": "2026-01-20",
        "reason": "skiing",
    }
    assert client.post("/cover", given).status_code == 302
    made = Cover.objects.get()
    # New York's midnights
    assert made.starts_at == datetime(2026, 1, 16, 5, tzinfo=UTC)
    assert made.ends_at == datetime(2026, 1, 21, 5, tzinfo=UTC)
    shown = client.get("/cover").content.decode()
    assert "Arranged ahead" in shown
    assert "16 Jan 2026" in shown
    # the last day, not the midnight after it
    assert "20 Jan 2026" in shown
    assert "21 Jan 2026" not in shown
    assert "skiing" in shown
    beyond = [{"last": "9999-12-31"}, {"first": "0001-01-01"}]
    for wrong in ({"last": "2026-13-01"}, {"deputy": ""}, {"last": "2026-01-15"}, *beyond):
        assert client.post("/cover", given | wrong).status_code == 422
    client.post(f"/cover/{made.id}/end", {"reason": "stayed"})
    assert "Ended early: stayed" in client.get("/cover").content.decode()


def test_a_deputy_does_not_let_the_last_manager_leave_and_the_next_manager_does(
    world: World,
) -> None:
    """Who stands in is not accountable: the portfolio would be left without anybody who is."""
    stand_in(world, "ana", "New", ends_at=None)
    leaving: dict[str, Any] = {
        "actor": SYSTEM,
        "now": world.now + DAY,
        "user_id": world.people["dev"].id,
        "reason": "moves abroad",
    }
    with pytest.raises(StillInCharge, match=r"in charge of 'New'.*Appoint another manager"):
        close_account(**leaving)
    asked: dict[str, Any] = {"actor": SYSTEM, "portfolio_id": world.portfolios["New"]}
    ana = world.people["ana"].id
    # one who is only appointed to come does not answer for it yet
    appoint(now=world.now, manager_id=ana, starts_at=world.now + 2 * DAY, reason="next", **asked)
    with pytest.raises(StillInCharge):
        close_account(**leaving)
    close_account(**leaving | {"now": world.now + 2 * DAY})
    found = Accountability.objects.filter(portfolio=world.portfolios["New"])
    assert found.latest("starts_at").manager_id == ana
