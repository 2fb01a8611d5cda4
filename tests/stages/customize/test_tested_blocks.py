"""A block may be lifted for a share drawn by chance, so that what it costs is learned."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from patronage.access.roles import SYSTEM
from patronage.customize import propensity, scoped
from patronage.customize.actions import decide_now
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, DecisionRun, Ruling
from patronage.customize.moment import checked_request, look
from patronage.customize.replay import replay
from patronage.customize.scoped import in_test
from patronage.govern.actions import set_boundary
from patronage.govern.boundaries import NewBoundary
from patronage.identify.models import Consent, Customer

from ..differentiate.history import NOW
from .test_ruling_scopes import SOON, say
from .world import AS_OF, World

APPLES = "APPLES"


@pytest.fixture
def decided(world: World) -> World:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return world


def winners(world: World, category: str = APPLES) -> list[str]:
    """Ana's customers to whom the first run offered it."""
    won = Decision.objects.filter(
        run=DecisionRun.objects.order_by("created_at")[0],
        outcome="offered",
        portfolio=world.portfolios["Top"],
        treatment__offer=world.offers[category],
    )
    return sorted(won.values_list("customer_id", flat=True))


def lifted_block(world: World, **changes: Any) -> tuple[Ruling, list[str], list[str]]:
    """A tested block with some of the winners in its share: who is in it, and who is not."""
    everybody = winners(world)
    for second in range(200):
        asked: dict[str, Any] = {"test_share": 0.05, "now": NOW + timedelta(seconds=second)}
        ruling = say(world, "block", **(asked | changes))
        arm = in_test(ruling, everybody)
        if arm.any():
            inside = [who for who, there in zip(everybody, arm, strict=True) if there]
            return ruling, inside, [who for who in everybody if who not in inside]
        Ruling.objects.filter(id=ruling.id).delete()
    raise AssertionError("two hundred draws put nobody into the share")


def again(world: World) -> DecisionRun:
    Contact.objects.all().delete()
    run = decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    run.budget.reserved_minor = 0
    run.budget.save()
    return run


def test_who_is_in_the_share_still_gets_the_offer_and_nobody_else(decided: World) -> None:
    ruling, inside, outside = lifted_block(decided)
    run = again(decided)
    got = Contact.objects.filter(decision__run=run, treatment__offer=decided.offers[APPLES])
    top = got.filter(decision__portfolio=decided.portfolios["Top"])
    assert set(top.values_list("customer_id", flat=True)) == set(inside)
    assert set(top.values_list("ruling_id", flat=True)) == {ruling.id}
    chances = dict(Decision.objects.filter(run=run).values_list("customer_id", "propensity"))
    assert {chances[who] for who in inside} == {0.05}
    assert {chances[who] for who in outside} == {0.95}
    assert {
        each.versions["tests"][ruling.id]["won"]
        for each in Decision.objects.filter(run=run, customer_id__in=inside)
    } == {True}


def test_a_night_that_lifts_nothing_would_be_noticed(
    decided: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    _, inside, _ = lifted_block(decided)
    monkeypatch.setattr(scoped, "in_test", lambda _, ids: np.zeros(len(ids), dtype=np.bool_))
    run = again(decided)
    got = Contact.objects.filter(decision__run=run, treatment__offer=decided.offers[APPLES])
    assert not got.filter(customer_id__in=inside).exists()


def test_the_moment_draws_as_the_night_does(decided: World) -> None:
    ruling, inside, outside = lifted_block(decided)
    Contact.objects.all().delete()
    for who, lifted in [(inside[0], True), (outside[0], False)]:
        answer = decide_now(actor=decided.ana, now=SOON, customer_id=who)
        assert (decided.offers[APPLES].id in {e.offer_id for e in answer.offers}) == lifted
        made = Decision.objects.get(id=answer.id)
        assert made.propensity == (0.05 if lifted else 0.95)
        assert made.versions["tests"] == {ruling.id: {"share": 0.05, "won": lifted}}
        assert replay(made).equal


def test_a_changed_draw_does_not_replay(decided: World) -> None:
    _, inside, _ = lifted_block(decided)
    Contact.objects.all().delete()
    answer = decide_now(actor=decided.ana, now=SOON, customer_id=inside[0])
    made = Decision.objects.get(id=answer.id)
    made.propensity = 1.0
    assert not replay(made).equal
    made.propensity = 0.95
    (test,) = made.versions["tests"].values()
    test["won"] = False
    assert replay(made).differences == ("a draw of a block's test share comes out otherwise",)


@pytest.mark.parametrize("limit", [1, 2])
def test_the_propensity_is_what_all_draws_together_come_to(
    decided: World, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Every draw of three tested blocks is played; chances are added up by what was chosen."""
    shares = {"APPLES": 0.05, "CEREAL": 0.03, "SOAP": 0.01}
    rulings = [say(decided, "block", name, test_share=share) for name, share in shares.items()]
    Contact.objects.all().delete()
    for who in winners(decided)[:6]:
        summed: dict[tuple[int, ...], float] = {}
        logged: dict[tuple[int, ...], float] = {}
        for arms in itertools.product([False, True], repeat=len(rulings)):
            draw = {each.id: arm for each, arm in zip(rulings, arms, strict=True)}

            def fixed(ruling: Ruling, ids: Sequence[str], draw: Any = draw) -> Any:
                return np.full(len(ids), draw[ruling.id])

            monkeypatch.setattr(scoped, "in_test", fixed)
            request = checked_request(
                customer_id=who, channel=None, placements=limit, context=None, limit=limit
            )
            seen = look(request, Customer.objects.get(id=who), SOON)
            key = tuple(seen.chosen.treatments[0].tolist())
            chance = 1.0
            for each, arm in zip(rulings, arms, strict=True):
                chance *= each.test_share if arm else 1.0 - each.test_share
            summed[key] = summed.get(key, 0.0) + chance
            logged.setdefault(key, float(seen.drawn.propensity[0]))
            assert logged[key] == pytest.approx(float(seen.drawn.propensity[0]))
        assert len(summed) > 1
        assert logged == pytest.approx(summed)


def test_a_propensity_of_one_throughout_would_be_noticed(
    decided: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    _, _, outside = lifted_block(decided)
    monkeypatch.setattr(propensity, "_would_win", lambda *_: np.array([False]))
    Contact.objects.all().delete()
    answer = decide_now(actor=decided.ana, now=SOON, customer_id=outside[0])
    assert Decision.objects.get(id=answer.id).propensity == 1.0


def test_a_test_lifts_no_consent(decided: World) -> None:
    _, inside, _ = lifted_block(decided)
    who = inside[0]
    Contact.objects.all().delete()
    Consent.objects.filter(customer_id=who).delete()
    answer = decide_now(actor=decided.ana, now=SOON, customer_id=who)
    reasons = {e.reason for e in answer.candidates if e.offer_id == decided.offers[APPLES].id}
    assert reasons == {"no_consent"}


def test_a_test_lifts_no_boundary(decided: World) -> None:
    _, inside, _ = lifted_block(decided)
    Contact.objects.all().delete()
    new = NewBoundary(name="Recall", kind="availability", source="law", category=APPLES)
    set_boundary(actor=SYSTEM, now=NOW, new=new, reason="tests")
    answer = decide_now(actor=decided.ana, now=SOON, customer_id=inside[0])
    reasons = {e.reason for e in answer.candidates if e.offer_id == decided.offers[APPLES].id}
    assert reasons == {"boundary"}
