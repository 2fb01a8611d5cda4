"""Managers allow, adapt or block each offer; owners see why and what it costs, and cannot send."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.access.transactions import atomic
from patronage.customize import reads
from patronage.customize.actions import (
    complete_rulings,
    decide_now,
    preview_ruling,
    propose_offers,
    rule,
    withdraw_offer,
)
from patronage.customize.errors import OfferRefused, RulingRefused
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, Offer, Ruling
from patronage.govern.models import Portfolio

from ..differentiate.history import NOW
from .world import AS_OF, BEGINNING, World, proposal

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def decided(world: World) -> World:
    """Decided once, so that it is known what is at stake."""
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return world


def block(world: World, category: str = "APPLES", **changes: Any) -> Ruling:
    """Ana blocks an offer in her portfolio."""
    asked: dict[str, Any] = {
        "actor": world.ana,
        "now": NOW,
        "offer_id": world.offers[category].id,
        "portfolio_id": world.portfolios["Top"].id,
        "effect": "block",
        "reason_code": "wrong_customers",
        "reason": "They grow their own",
    }
    return rule(**(asked | changes))


def test_every_offer_is_ruled_in_every_portfolio_before_any_contact(world: World) -> None:
    pairs = {
        (offer.id, each.id) for offer in world.offers.values() for each in Portfolio.objects.all()
    }

    assert set(Ruling.objects.values_list("offer_id", "portfolio_id")) == pairs
    assert complete_rulings(actor=SYSTEM, now=NOW) == 0


def test_a_portfolio_that_comes_later_is_ruled_by_its_default(world: World) -> None:
    Portfolio.objects.create(name="Later", default_ruling="block", position=9, created_at=NOW)

    assert complete_rulings(actor=SYSTEM, now=NOW) == len(world.offers)
    assert set(Ruling.objects.filter(portfolio__name="Later").values_list("effect", flat=True)) == {
        "block"
    }


def test_a_blocked_offer_is_gone_from_the_next_decision(decided: World) -> None:
    top = decided.portfolios["Top"]
    served = Decision.objects.filter(portfolio=top, outcome="offered")
    decision = served.select_related("treatment__offer").first()
    assert decision is not None
    assert decision.treatment is not None
    offer = decision.treatment.offer

    block(decided, offer.category)

    answer = decide_now(actor=decided.ana, now=LATER, customer_id=decision.customer_id)
    reasons = {each.reason for each in answer.candidates if each.offer_id == offer.id}
    assert reasons == {"blocked"}
    assert offer.id not in {each.offer_id for each in answer.offers}


def test_the_owner_sees_the_reason_and_the_value_forgone(decided: World) -> None:
    ruling = block(decided)

    (mine,) = reads.my_offers(decided.olga, LATER)
    (place,) = [each for each in mine.portfolios if each.portfolio == "Top"]
    assert mine.offer == decided.offers["APPLES"]
    assert place.ruling == ruling
    assert (ruling.reason_code, ruling.reason) == ("wrong_customers", "They grow their own")
    assert ruling.gross_forgone_minor is not None
    assert ruling.forgone_minor is not None
    assert 0 < ruling.forgone_minor < ruling.gross_forgone_minor


def test_the_value_forgone_is_what_the_next_run_loses(decided: World) -> None:
    """Nothing but the ruling differs between two runs, and the budget binds in neither."""
    ruling = block(decided, valid_from=BEGINNING)
    before = value_decided(decided)
    Contact.objects.all().delete()

    decide(actor=SYSTEM, now=LATER, as_of=AS_OF)

    assert before - value_decided(decided) == pytest.approx(ruling.forgone_minor, abs=0.6)


def value_decided(world: World) -> float:
    """What the newest run offers to the portfolio is worth."""
    newest = reads.decision_runs(world.ana)[0]
    offered = Decision.objects.filter(run=newest, portfolio=world.portfolios["Top"], held_out=False)
    return sum(score for score in offered.values_list("score_minor", flat=True) if score)


def test_a_preview_says_the_same_and_writes_nothing(decided: World) -> None:
    preview = preview_ruling(
        actor=decided.ana,
        now=NOW,
        offer_id=decided.offers["APPLES"].id,
        portfolio_id=decided.portfolios["Top"].id,
        effect="block",
    )
    assert not Ruling.objects.filter(by_default=False).exists()

    ruling = block(decided)

    assert preview.forgone_minor == ruling.forgone_minor
    assert preview.gross_forgone_minor == ruling.gross_forgone_minor


def test_allowing_forgoes_nothing(decided: World) -> None:
    ruling = block(decided, effect="allow", reason_code="fits", reason="")

    assert (ruling.forgone_minor, ruling.gross_forgone_minor) == (0, 0)


def test_before_the_first_run_the_value_forgone_is_not_known(world: World) -> None:
    assert block(world).forgone_minor is None


def test_ruling_again_adds_a_row_and_the_newest_counts(world: World) -> None:
    block(world)
    block(world, now=LATER, effect="allow", reason_code="fits", reason="")

    rows = reads.gate(world.ana, LATER, state="ruled")
    assert [row.effect for row in rows] == ["allow"]
    assert Ruling.objects.filter(by_default=False).count() == 2
    assert AuditEntry.objects.filter(action="rule on offer").count() == 2


def test_the_gate_shows_what_waits_first_and_what_is_at_stake(decided: World) -> None:
    block(decided, "SOAP")

    rows = reads.gate(decided.ana, LATER)

    assert {row.portfolio for row in rows} == {"Top"}
    assert [row.by_default for row in rows] == [True, True, True, False]
    stakes = [row.at_stake_minor or 0 for row in rows[:3]]
    assert stakes == sorted(stakes, reverse=True)
    assert stakes[0] > 0


def test_a_manager_rules_only_where_they_answer(world: World) -> None:
    others = world.portfolios["Everybody else"]
    with pytest.raises(NotFound):
        block(world, portfolio_id=others.id)
    with pytest.raises(NotFound):
        block(world, portfolio_id="prt_nowhere")


@pytest.mark.parametrize("who", ["olga", "agent", "service"])
def test_nobody_but_a_manager_rules(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        block(world, actor=getattr(world, who))


def test_owners_see_their_own_teams_offers_only(world: World) -> None:
    assert {view.offer.category for view in reads.offers(world.olga, NOW)} == {"APPLES"}
    with pytest.raises(NotFound):
        reads.offer(world.olga, world.offers["SOAP"].id, NOW)
    with pytest.raises(NotFound):
        withdraw_offer(actor=world.olga, now=NOW, offer_id=world.offers["SOAP"].id, reason="try")
    assert reads.gate(world.olga, NOW) == []


def test_an_owner_proposes_for_their_own_team_only(world: World) -> None:
    with pytest.raises(OfferRefused, match="no team called 'Dry'"):
        propose_offers(actor=world.olga, now=NOW, rows=[proposal("SOAP", ref="another")])


def test_a_withdrawn_offer_is_not_considered_any_more(decided: World) -> None:
    withdraw_offer(
        actor=decided.olga, now=NOW, offer_id=decided.offers["APPLES"].id, reason="sold out"
    )

    answer = decide_now(actor=decided.service, now=LATER, customer_id=decided.customers[0])

    assert decided.offers["APPLES"].id not in {each.offer_id for each in answer.candidates}


def test_an_adapted_offer_goes_out_as_adapted(world: World) -> None:
    apples = world.offers["APPLES"]
    block(
        world,
        effect="adapt",
        reason_code="price",
        valid_from=BEGINNING,
        adaptation={
            "face_value_minor": 50,
            "channels": ["email"],
            "wording": "Half as much, by mail no more",
            "not_before": "2025-02-10",
        },
    )

    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    contacts = Contact.objects.filter(treatment__offer=apples, decision__portfolio__name="Top")
    assert contacts.exists()
    for contact in contacts:
        assert contact.channel == "email"
        assert contact.terms["face_value_minor"] == 50
        assert contact.terms["wording"] == "Half as much, by mail no more"
        assert contact.due_at.isoformat() == "2025-02-10T05:00:00+00:00"
        assert contact.cap_month == "2025-02"
        # The contact and half of the redemption's cost.
        assert contact.reserved_minor == 2 + 5


def test_what_may_not_go_out_yet_is_not_said_in_the_moment(decided: World) -> None:
    top = Decision.objects.filter(portfolio=decided.portfolios["Top"]).first()
    assert top is not None
    block(
        decided,
        effect="adapt",
        reason_code="timing",
        adaptation={"not_before": "2026-03-01"},
    )

    answer = decide_now(actor=decided.ana, now=LATER, customer_id=top.customer_id)

    apples = decided.offers["APPLES"].id
    assert {each.reason for each in answer.candidates if each.offer_id == apples} == {"blocked"}


@pytest.mark.parametrize(
    ("effect", "adaptation"),
    [
        ("forbid", {}),
        ("adapt", {}),
        ("block", {"wording": "words"}),
        ("adapt", {"price": 3}),
        ("adapt", {"face_value_minor": 101}),
        ("adapt", {"face_value_minor": -1}),
        ("adapt", {"face_value_minor": 50.0}),
        ("adapt", {"channels": []}),
        ("adapt", {"channels": ["pigeon"]}),
        ("adapt", {"channels": ["app", "app"]}),
        ("adapt", {"channels": "app"}),
        ("adapt", {"wording": "  "}),
        ("adapt", {"wording": "x" * 301}),
        ("adapt", {"not_before": "soon"}),
        ("adapt", {"not_before": "20250210"}),
    ],
)
def test_a_ruling_that_makes_no_sense_is_refused(
    world: World, effect: str, adaptation: dict[str, Any]
) -> None:
    with pytest.raises(RulingRefused):
        block(world, effect=effect, adaptation=adaptation)
    assert not Ruling.objects.filter(by_default=False).exists()


def test_a_reason_is_on_the_list_and_other_is_described(world: World) -> None:
    with pytest.raises(RulingRefused):
        block(world, reason_code="because")
    with pytest.raises(RulingRefused):
        block(world, reason_code="other", reason=" ")


def test_an_owners_counts_equal_the_decision_log(decided: World) -> None:
    (mine,) = reads.my_offers(decided.olga, NOW)
    chosen = Decision.objects.filter(treatment__offer=mine.offer)

    for place in mine.portfolios:
        here = chosen.filter(portfolio_id=place.portfolio_id)
        counts = {each.reason: each.customers for each in place.reasons}
        assert counts.get("chosen", 0) == here.filter(outcome="offered").count() == place.offered
        assert counts.get("withheld", 0) == here.filter(outcome="withheld").count()
        members = Decision.objects.filter(portfolio_id=place.portfolio_id).count()
        assert sum(counts.values()) == members


def test_whose_offer_it_is_and_what_it_is_called_changes_no_choice(world: World) -> None:
    first = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    before = dict(Decision.objects.filter(run=first).values_list("customer_id", "treatment_id"))
    teams = {offer.id: offer.team_id for offer in Offer.objects.all()}
    (one, other) = sorted(set(teams.values()))
    for offer in Offer.objects.all():
        offer.team_id = other if offer.team_id == one else one
        offer.name, offer.description, offer.ref = "Push me", "Target: 9000 units", offer.ref + "!"
        offer.need = ""
        offer.save()
    Contact.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customize_decisionrun SET input_digest = 'an earlier one'")

    again = decide(actor=SYSTEM, now=LATER, as_of=AS_OF)

    assert again.id != first.id
    after = dict(Decision.objects.filter(run=again).values_list("customer_id", "treatment_id"))
    assert after == before


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"eligibility": "orders_90d >"}, "condition"),
        ({"eligibility": "secret = 1"}, "secret"),
        ({"eligibility": "orders_90d"}, "condition"),
        ({"treatments": []}, "no treatment"),
        ({"need": "sleep"}, "needs"),
        ({"face_value_minor": -1}, "face_value_minor"),
        ({"redemption_cost_minor": 10**12}, "redemption_cost_minor"),
        ({"name": ""}, "name"),
        ({"ref": "x" * 81}, "ref"),
        ({"valid_until": BEGINNING}, "ends before"),
        ({"team": "Nobody"}, "no team"),
    ],
)
def test_a_proposal_that_cannot_be_kept_keeps_nothing(
    world: World, changes: dict[str, Any], says: str
) -> None:
    fine = proposal("SOAP", ref="fine")
    bad = proposal("SOAP", **({"ref": "bad"} | changes))

    with pytest.raises(OfferRefused, match=says), atomic():
        propose_offers(actor=SYSTEM, now=NOW, rows=[fine, bad])

    assert Offer.objects.count() == len(world.offers)


def test_the_same_proposal_again_changes_nothing_and_another_is_refused(world: World) -> None:
    again = propose_offers(actor=SYSTEM, now=LATER, rows=[proposal("SOAP")])

    assert again == [world.offers["SOAP"]]
    with pytest.raises(OfferRefused, match="other content"):
        propose_offers(actor=SYSTEM, now=LATER, rows=[proposal("SOAP", face_value_minor=999)])
