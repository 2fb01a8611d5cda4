"""Owners answer rulings and resubmit offers; earlier rulings stand on the earlier version."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.customize import reads
from patronage.customize.actions import answer_ruling, next_reference, resubmit_offer
from patronage.customize.errors import OfferRefused, RulingRefused
from patronage.customize.models import Offer
from patronage.customize.versions import differences

from ..differentiate.history import NOW
from .test_ruling_scopes import say
from .world import World, proposal

SOON = NOW + timedelta(minutes=5)


def again(world: World, **changes: Any) -> Offer:
    row = proposal("APPLES", **({"ref": "apples v2", "face_value_minor": 60} | changes))
    return resubmit_offer(actor=world.olga, now=SOON, offer_id=world.offers["APPLES"].id, row=row)


def test_a_new_version_shows_its_difference_and_the_one_before_closes(world: World) -> None:
    ruling = say(world, "block")
    new = again(world, name="Save a little on apples")
    old = Offer.objects.get(id=world.offers["APPLES"].id)
    assert (new.version, new.replaces_id, old.valid_until) == (2, old.id, SOON)
    assert differences(new) == [
        ("name", "Save on apples", "Save a little on apples"),
        ("face_value_minor", 100, 60),
    ]
    assert differences(old) == []
    views = reads.offer_rulings(world.olga, old.id, SOON)
    assert ruling.id in {each.ruling.id for each in views}
    assert {each.ruling.by_default for each in reads.offer_rulings(world.olga, new.id, SOON)} == {
        True
    }
    rows = {each.offer_id: each for each in reads.gate(world.ana, SOON)}
    assert old.id not in rows
    assert (rows[new.id].version, rows[new.id].waits, rows[new.id].effect) == (2, True, "block")
    entry = AuditEntry.objects.get(action="resubmit offer")
    assert (entry.before["face_value_minor"], entry.change["face_value_minor"]) == (100, 60)


def test_where_all_was_let_through_the_default_holds(world: World) -> None:
    say(world, "allow")
    new = again(world)
    (row,) = [each for each in reads.gate(world.ana, SOON) if each.offer_id == new.id]
    assert (row.effect, row.reason_code) == ("allow", "default")


def test_what_differs_in_nothing_or_twice_or_in_its_team_is_refused(world: World) -> None:
    with pytest.raises(OfferRefused, match="nothing differs"):
        again(world, face_value_minor=100)
    with pytest.raises(OfferRefused, match="reference is taken"):
        again(world, ref="soap-2024")
    new = again(world)
    with pytest.raises(OfferRefused, match="newer version already, 'apples v2'"):
        again(world, ref="apples v3")
    assert next_reference(new) == "apples v3"


def test_only_its_team_resubmits_an_offer(world: World) -> None:
    for who in (world.omar,):
        with pytest.raises(NotFound):
            resubmit_offer(
                actor=who,
                now=SOON,
                offer_id=world.offers["APPLES"].id,
                row=proposal("APPLES", ref="mine"),
            )
    with pytest.raises(NotAllowed):
        resubmit_offer(
            actor=world.ana,
            now=SOON,
            offer_id=world.offers["APPLES"].id,
            row=proposal("APPLES", ref="mine"),
        )


def test_owner_and_manager_write_to_each_other_beside_the_ruling(world: World) -> None:
    ruling = say(world, "block")
    answer_ruling(actor=world.olga, now=NOW, ruling_id=ruling.id, text="Half the price, then?")
    answer_ruling(actor=world.ana, now=SOON, ruling_id=ruling.id, text="Then yes.")
    for who in (world.olga, world.ana):
        (view,) = [
            each
            for each in reads.offer_rulings(who, ruling.offer_id, SOON)
            if each.ruling.id == ruling.id
        ]
        assert [(each.text, each.by_owner) for each in view.messages] == [
            ("Half the price, then?", True),
            ("Then yes.", False),
        ]
    (row,) = [each for each in reads.gate(world.ana, SOON) if each.ruling_id == ruling.id]
    assert row.messages == 1


def test_nobody_else_writes_and_nothing_empty(world: World) -> None:
    ruling = say(world, "block")
    for who in (world.omar, world.ben):
        with pytest.raises(NotFound):
            answer_ruling(actor=who, now=NOW, ruling_id=ruling.id, text="I too")
    with pytest.raises(NotAllowed):
        answer_ruling(actor=world.agent, now=NOW, ruling_id=ruling.id, text="I too")
    for text in (" ", "x" * 1001, "a\x00b"):
        with pytest.raises(RulingRefused):
            answer_ruling(actor=world.olga, now=NOW, ruling_id=ruling.id, text=text)


def test_an_owner_does_not_learn_on_which_customer_a_ruling_is(world: World) -> None:
    from .test_ruling_scopes import members

    ruling = say(world, "block", customer_id=members(world)[0])
    views = {
        each.ruling.id: each for each in reads.offer_rulings(world.olga, ruling.offer_id, SOON)
    }
    assert (views[ruling.id].customer_id, views[ruling.id].customer) == (None, "")
    seen = {each.ruling.id: each for each in reads.offer_rulings(world.ana, ruling.offer_id, SOON)}
    assert seen[ruling.id].customer_id == ruling.customer_id
