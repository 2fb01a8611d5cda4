"""Two claim one customer: a case with a deadline, one ruling, one owner, and a precedent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.people import grant_role
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate.reads import quarterly_margins
from patronage.govern import conflicts as room
from patronage.govern import reads
from patronage.govern.actions import (
    NewEvidence,
    appoint,
    arrange_cover,
    hand_over,
    make_claim,
    rule_on_conflict,
    set_boundary,
    withdraw_claim,
)
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import BoundaryRefused, CannotRuleOnConflict, ClaimRefused, NoReason
from patronage.govern.models import Claim, Conflict, ConflictRuling, Membership, Standing
from patronage.identify.models import Customer

from .world import World, add_customers, figures, value

DAY = timedelta(days=1)
CONTRACT = (NewEvidence(kind="contract", id="K-7"),)


def claims(world: World, by: str, customer: str, **more: Any) -> Claim:
    """Somebody claims the customer; a portfolio is called by its name."""
    asked: dict[str, Any] = {"kind": "portfolio", "grounds": "region", "now": world.now} | more
    if "portfolio" in asked:
        asked["portfolio_id"] = world.portfolios[asked.pop("portfolio")]
    return make_claim(actor=world.actor(by), customer_id=customer, **asked)


def rules(world: World, by: str, claim: Claim, **more: Any) -> ConflictRuling:
    asked: dict[str, Any] = {"reason_code": "other", "reason": "so said", "now": world.now} | more
    assert claim.conflict is not None
    asked.setdefault("conflict_id", claim.conflict.id)
    return rule_on_conflict(actor=world.actor(by), claim_id=claim.id, **asked)


def contested(world: World, customer: str, *, portfolio: str = "Top", **more: Any) -> Claim:
    """An agent claims the customer of "New" for another portfolio."""
    return claims(world, "gus", customer, portfolio=portfolio, **more)


def owner(customer: str) -> str:
    """The one portfolio; that there is one only is asked of the rows."""
    newest = Membership.objects.filter(customer=customer).order_by("-starts_at")
    first = newest[0]
    assert newest.filter(starts_at=first.starts_at).count() == 1
    assert Standing.objects.get(pk=customer).portfolio_id == first.portfolio_id
    return first.portfolio.name


# --- a claim, and when it becomes a conflict ------------------------------------------------------


def test_a_claim_for_another_portfolio_competes_with_whoever_is_in_charge(
    world: World, customer: str
) -> None:
    made = contested(world, customer, words="moved to the coast")
    conflict = Conflict.objects.get()
    assert made.conflict == conflict
    assert (conflict.ruler, conflict.due_at) == ("executive", world.now + 5 * DAY)
    entered = Claim.objects.get(entered=True)
    assert (entered.grounds, entered.claimed_by_name) == ("holds", "Dev")
    assert owner(customer) == "New"


def test_a_claim_of_whoever_is_in_charge_alone_competes_with_nobody(
    world: World, customer: str
) -> None:
    made = claims(world, "dev", customer, portfolio="New")
    assert made.conflict is None
    assert not Conflict.objects.exists()


def test_who_is_in_charge_states_their_own_in_place_of_what_was_entered(
    world: World, customer: str
) -> None:
    contested(world, customer)
    stated = claims(world, "dev", customer, portfolio="New", grounds="relation")
    assert Conflict.objects.count() == 1
    seen = reads.conflict(world.actor("eve"), world.now, Conflict.objects.get().id)
    assert {each.grounds for each in seen.claims} == {"region", "relation"}
    assert stated.conflict == Conflict.objects.get()


def test_a_third_claim_joins_the_conflict_that_is_open(world: World, customer: str) -> None:
    contested(world, customer)
    contested(world, customer, portfolio="Rest")
    assert Conflict.objects.count() == 1
    assert Claim.objects.filter(conflict=Conflict.objects.get()).count() == 3


def test_a_manager_claims_whom_they_held_before_and_nobody_they_never_saw(
    world: World, customer: str
) -> None:
    hand_over(
        actor=world.actor("dev"),
        now=world.now,
        customer_ids=[customer],
        to_portfolio_id=world.portfolios["Top"],
        reason="fits there",
    )
    made = claims(world, "dev", customer, portfolio="New", now=world.now + DAY)
    assert made.conflict is not None
    with pytest.raises(NotFound) as foreign:
        claims(world, "cho", customer, portfolio="Rest", now=world.now + DAY)
    with pytest.raises(NotFound) as absent:
        claims(world, "cho", "cus_none", portfolio="Rest", now=world.now + DAY)
    assert str(foreign.value).replace(customer, "cus_none") == str(absent.value)


def test_a_claim_without_the_question_of_sight_would_be_noticed(
    world: World, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "customers_in_sight", lambda *_: Customer.objects.all())
    assert claims(world, "cho", customer, portfolio="Rest").conflict is not None


def test_nobody_claims_for_a_portfolio_that_they_do_not_speak_for(
    world: World, customer: str
) -> None:
    with pytest.raises(NotFound, match="no portfolio"):
        claims(world, "dev", customer, portfolio="Top")
    arrange_cover(
        actor=SYSTEM,
        now=world.now,
        portfolio_id=world.portfolios["Top"],
        deputy_id=world.people["dev"].id,
        reason="on leave",
    )
    assert claims(world, "dev", customer, portfolio="Top").conflict is not None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "soul"}, "is none of portfolio, contact, quiet"),
        ({"grounds": "because"}, "Grounds of a claim of this kind are contract, account"),
        ({"grounds": "holds"}, "Grounds of a claim of this kind"),
        ({"grounds": "complaint"}, "Grounds of a claim of this kind"),
        ({"words": "x" * 401}, "at most 400"),
        ({"words": "a\x00b"}, "printable"),
        ({"evidence": (NewEvidence(kind="rumour", id="1"),)}, "Evidence is one of contract"),
        ({"evidence": (NewEvidence(kind="order", id=" "),)}, "Say which order"),
        ({"evidence": CONTRACT * 21}, "at most 20"),
    ],
)
def test_what_cannot_be_claimed_is_refused_with_what_can(
    world: World, customer: str, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClaimRefused, match=words):
        contested(world, customer, **asked)
    assert not Claim.objects.exists()


def test_the_same_is_not_claimed_twice_and_executives_claim_nobody(
    world: World, customer: str
) -> None:
    contested(world, customer)
    with pytest.raises(ClaimRefused, match="Gus claimed this"):
        contested(world, customer)
    with pytest.raises(NotAllowed):
        claims(world, "eve", customer, portfolio="Top")


def test_a_withdrawn_claim_closes_the_conflict_and_moves_nobody(
    world: World, customer: str
) -> None:
    made = contested(world, customer)
    entered = Claim.objects.get(entered=True)
    with pytest.raises(ClaimRefused, match="hand them over"):
        withdraw_claim(actor=world.actor("dev"), now=world.now, claim_id=entered.id, reason="no")
    with pytest.raises(NotFound):
        withdraw_claim(actor=world.actor("cho"), now=world.now, claim_id=made.id, reason="no")
    with pytest.raises(NoReason):
        withdraw_claim(actor=world.actor("gus"), now=world.now, claim_id=made.id, reason=" ")
    withdraw_claim(actor=world.actor("gus"), now=world.now, claim_id=made.id, reason="wrong one")
    (row,) = reads.conflicts(world.actor("eve"), world.now)
    assert (row.state, owner(customer)) == ("withdrawn", "New")
    with pytest.raises(ClaimRefused, match="over already"):
        withdraw_claim(actor=world.actor("gus"), now=world.now, claim_id=made.id, reason="no")
    assert contested(world, customer).conflict_id not in (None, row.id)


# --- who sees it ----------------------------------------------------------------------------------


def test_claimants_see_their_conflict_and_foreign_ones_look_absent(
    world: World, customer: str
) -> None:
    made = contested(world, customer, words="said at the till")
    conflict_id = made.conflict_id or ""
    for name in ("eve", "gus", "ben", "dev"):
        assert [e.id for e in reads.conflicts(world.actor(name), world.now)] == [conflict_id], name
    for name in ("ana", "cho"):
        assert reads.conflicts(world.actor(name), world.now) == []
        with pytest.raises(NotFound) as foreign:
            reads.conflict(world.actor(name), world.now, conflict_id)
        with pytest.raises(NotFound) as absent:
            reads.conflict(world.actor(name), world.now, "cfl_none")
        assert str(foreign.value).replace(conflict_id, "cfl_none") == str(absent.value)


def test_the_other_sides_words_and_the_suggestion_are_for_whoever_rules(
    world: World, customer: str
) -> None:
    made = contested(world, customer, words="said at the till", evidence=CONTRACT)
    seen = {
        name: reads.conflict(world.actor(name), world.now, made.conflict_id or "")
        for name in ("eve", "ben", "dev")
    }
    words = {
        name: {each.portfolio: (each.words, each.evidence) for each in view.claims}
        for name, view in seen.items()
    }
    assert words["eve"]["Top"][0] == words["ben"]["Top"][0] == "said at the till"
    assert words["dev"]["Top"] == (None, None)
    assert seen["eve"].steps
    assert not seen["dev"].steps
    assert not seen["ben"].weighed


# --- ruling ---------------------------------------------------------------------------------------


def test_a_ruling_leaves_exactly_one_owner_and_says_who_why_and_from_where(
    world: World, customer: str
) -> None:
    made = contested(world, customer)
    ruling = rules(world, "eve", made, reason="lives there")
    assert owner(customer) == "Top"
    assert ruling.criterion == "judgement"
    audited = AuditEntry.objects.get(action="rule on conflict")
    assert audited.before == {"portfolio": world.portfolios["New"], "state": "open"}
    assert audited.change["portfolio"] == world.portfolios["Top"]
    assert (audited.reason, audited.right) == ("lives there", "rule on conflicts")
    ends = dict(Claim.objects.values_list("portfolio__name", "end"))
    assert ends == {"Top": "upheld", "New": "not_upheld"}
    moved = AuditEntry.objects.get(action="hand over customers")
    assert moved.before == {"portfolio": world.portfolios["New"]}


def test_upholding_whoever_is_in_charge_moves_nobody(world: World, customer: str) -> None:
    contested(world, customer)
    entered = Claim.objects.get(entered=True)
    before = Membership.objects.count()
    rules(world, "eve", entered)
    assert (Membership.objects.count(), owner(customer)) == (before, "New")


def test_a_customer_who_was_handed_over_meanwhile_goes_where_the_ruling_says(
    world: World, customer: str
) -> None:
    made = contested(world, customer)
    hand_over(
        actor=world.actor("dev"),
        now=world.now,
        customer_ids=[customer],
        to_portfolio_id=world.portfolios["Rest"],
        reason="to a third",
    )
    rules(world, "eve", made, now=world.now + DAY)
    assert owner(customer) == "Top"


def test_a_second_ruling_is_refused(world: World, customer: str) -> None:
    made = contested(world, customer)
    rules(world, "eve", made)
    with pytest.raises(CannotRuleOnConflict, match="closed at"):
        rules(world, "eve", made)


def test_only_the_role_that_rules_does(world: World, customer: str) -> None:
    made = contested(world, customer)
    for name in ("gus", "ben", "dev"):
        with pytest.raises(NotAllowed):
            rules(world, name, made)
    administrator = Actor(id="usr_adam", name="Adam", roles=frozenset({Role.ADMINISTRATOR}))
    with pytest.raises(NotFound):
        rule_on_conflict(
            actor=administrator,
            now=world.now,
            conflict_id=made.conflict_id or "",
            claim_id=made.id,
            reason_code="value",
        )
    assert owner(customer) == "New"


def test_nobody_rules_on_a_claim_of_their_own(world: World, customer: str) -> None:
    made = contested(world, customer)
    both = Actor(
        id=world.people["dev"].id,
        name="Dev",
        roles=frozenset({Role.MANAGER, Role.EXECUTIVE}),
    )
    asked: dict[str, Any] = {
        "now": world.now,
        "conflict_id": made.conflict_id,
        "claim_id": made.id,
        "reason_code": "value",
    }
    with pytest.raises(CannotRuleOnConflict, match="Somebody else must rule"):
        rule_on_conflict(actor=both, **asked)
    who_claimed = replace(both, id=world.people["gus"].id, roles=frozenset({Role.EXECUTIVE}))
    with pytest.raises(CannotRuleOnConflict, match="Somebody else must rule"):
        rule_on_conflict(actor=who_claimed, **asked)
    assert owner(customer) == "New"


def test_a_ruling_without_four_eyes_would_be_noticed(
    world: World, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = contested(world, customer)
    monkeypatch.setattr(
        "patronage.govern.actions.conflicts.is_claimant", lambda _actor, _claims, _now: False
    )
    own = Actor(
        id=world.people["gus"].id, name="Gus", roles=frozenset({Role.AGENT, Role.EXECUTIVE})
    )
    rule_on_conflict(
        actor=own,
        now=world.now,
        conflict_id=made.conflict_id or "",
        claim_id=made.id,
        reason_code="value",
        reason="mine",
    )
    assert owner(customer) == "Top"


def test_a_claim_of_another_conflict_is_absent_in_this_one(world: World) -> None:
    first, second = add_customers(2, world.now)
    made, other = contested(world, first), contested(world, second)
    with pytest.raises(NotFound, match="no claim"):
        rules(world, "eve", other, conflict_id=made.conflict_id)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"reason_code": "because"}, "A reason is one of as_ordered"),
        ({"reason": " "}, "in your own words"),
        ({"until": datetime(2027, 1, 1).astimezone()}, "left in peace is so until"),
    ],
)
def test_a_ruling_that_cannot_be_kept_is_refused_and_nothing_moves(
    world: World, customer: str, asked: dict[str, Any], words: str
) -> None:
    made = contested(world, customer)
    with pytest.raises(CannotRuleOnConflict, match=words):
        rules(world, "eve", made, **asked)
    assert (owner(customer), ConflictRuling.objects.count()) == ("New", 0)


# --- the declared order ---------------------------------------------------------------------------


def suggested(world: World, conflict_id: str) -> tuple[str, str]:
    seen = reads.conflict(world.actor("eve"), world.now, conflict_id)
    named = {each.id: each.portfolio or each.kind for each in seen.claims}
    return named.get(seen.suggested_claim_id, ""), seen.criterion


def test_a_contract_of_a_key_account_manager_goes_first(world: World, customer: str) -> None:
    made = contested(world, customer, grounds="contract", evidence=CONTRACT)
    assert suggested(world, made.conflict_id or "") == ("New", "last_decision")
    grant_role(
        actor=SYSTEM,
        now=world.now,
        user_id=world.people["ben"].id,
        role=Role.KEY_ACCOUNT_MANAGER,
        reason="accounts",
    )
    assert suggested(world, made.conflict_id or "") == ("Top", "contract")


def test_then_the_share_of_the_value_then_who_decided_last(
    world: World, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = contested(world, customer)
    hand_over(
        actor=SYSTEM,
        now=world.now,
        customer_ids=[customer],
        to_portfolio_id=world.portfolios["Top"],
        reason="to Top",
        starts_at=world.now - 100 * DAY,
    )
    assert suggested(world, made.conflict_id or "") == ("Top", "last_decision")
    day = world.now.date()
    earned = [(day - 300 * DAY, 900), (day - 200 * DAY, 800), (day, 500)]
    monkeypatch.setattr(room, "quarterly_margins", lambda _customer: earned)
    assert suggested(world, made.conflict_id or "") == ("New", "value_share")
    seen = reads.conflict(world.actor("eve"), world.now, made.conflict_id or "")
    shares = {each.claim_id: each.value_share for each in seen.weighed}
    assert shares[made.id] == pytest.approx(500 / 2200)


def test_the_share_is_read_from_frozen_valuations(world: World, customer: str) -> None:
    frame = figures([(customer, 1000, "base", None)])
    value(frame, as_of=date(2025, 3, 31), now=world.now)
    assert reads.conflicts(SYSTEM, world.now) == []
    assert quarterly_margins(customer) == [(date(2025, 3, 31), 0)]


def test_against_the_suggestion_a_ruling_needs_words(world: World, customer: str) -> None:
    made = contested(world, customer)
    with pytest.raises(CannotRuleOnConflict, match="Say why not that"):
        rules(world, "eve", made, reason_code="as_ordered", reason="")
    with pytest.raises(CannotRuleOnConflict, match="own words"):
        rules(world, "eve", made, reason_code="value", reason="")
    entered = Claim.objects.get(entered=True)
    ruling = rules(world, "eve", entered, reason_code="as_ordered", reason="")
    assert (ruling.criterion, ruling.suggested_id) == ("last_decision", entered.id)


# --- deadline, and the boundary that names the role -----------------------------------------------


def bounded(world: World, **more: Any) -> None:
    asked: dict[str, Any] = {
        "name": "Conflicts",
        "kind": "conflict",
        "source": "board",
        "role": "administrator",
        "limit": 2,
    } | more
    set_boundary(actor=SYSTEM, now=world.now, new=NewBoundary(**asked), reason="tests")


def test_a_boundary_names_who_rules_and_within_how_many_days(world: World, customer: str) -> None:
    bounded(world)
    bounded(world, name="Slow", limit=9, role="executive")
    bounded(world, name="Others", limit=1, role="executive", when="portfolio = 'Rest'")
    made = contested(world, customer)
    conflict = Conflict.objects.get()
    assert (conflict.ruler, conflict.due_at) == ("administrator", world.now + 2 * DAY)
    with pytest.raises(CannotRuleOnConflict, match="The role administrator rules on this"):
        rules(world, "eve", made)
    administrator = Actor(id="usr_adam", name="Adam", roles=frozenset({Role.ADMINISTRATOR}))
    assert [each.may_rule for each in reads.conflicts(administrator, world.now)] == [True]
    rule_on_conflict(
        actor=administrator,
        now=world.now,
        conflict_id=conflict.id,
        claim_id=made.id,
        reason_code="other",
        reason="seen from outside",
    )
    assert owner(customer) == "Top"


def test_what_is_overdue_goes_to_executives(world: World, customer: str) -> None:
    bounded(world)
    made = contested(world, customer)
    eve, late = world.actor("eve"), world.now + 2 * DAY
    assert reads.overdue(eve, late - timedelta(microseconds=1)) == 0
    assert reads.overdue(eve, late) == 1
    (row,) = reads.conflicts(eve, late, state="overdue")
    assert (row.state, row.may_rule) == ("overdue", True)
    rules(world, "eve", made, now=late)
    assert (owner(customer), reads.overdue(eve, late)) == ("Top", 0)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"role": "manager"}, "names who rules: administrator, executive"),
        ({"role": ""}, "names who rules"),
        ({"limit": 0}, "within 1 to 365 days"),
        ({"limit": None}, "has a limit"),
        ({"product": "apples"}, "not about products"),
        ({"kind": "contact_cap"}, "Only a boundary on conflicts"),
    ],
)
def test_a_boundary_on_conflicts_that_cannot_work_is_refused(
    world: World, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(BoundaryRefused, match=words):
        bounded(world, **more)


# --- precedent ------------------------------------------------------------------------------------


def test_the_next_conflict_on_the_same_grounds_shows_how_it_was_ruled(world: World) -> None:
    ids = add_customers(4, world.now)
    for place, customer in enumerate(ids[:3]):
        now = world.now + place * DAY
        made = contested(world, customer, now=now)
        upheld = made
        if place == 1:
            upheld = Claim.objects.get(entered=True, customer=customer)
        rules(world, "eve", upheld, reason=f"word {place}", now=now)
    later = world.now + 5 * DAY
    made = contested(world, ids[3], now=later)
    seen = reads.conflict(world.actor("eve"), later, made.conflict_id or "")
    assert seen.pattern == "ownership: holds + region"
    told = [(each.reason, each.upheld, each.followed, each.later) for each in seen.precedents]
    assert told == [
        ("word 2", "region", 0, 0),
        ("word 1", "holds", 0, 1),
        ("word 0", "region", 1, 2),
    ]
    assert all(each.conflict_id for each in seen.precedents)
    # who is not in those conflicts reads the pattern and what decided, not the words
    masked = reads.conflict(world.actor("dev"), later, made.conflict_id or "").precedents
    assert [each.upheld for each in masked] == ["region", "holds", "region"]


def test_precedents_are_searched_by_words_grounds_and_criterion(world: World) -> None:
    first, second = add_customers(2, world.now)
    rules(world, "eve", contested(world, first), reason="Lives at the coast")
    contract = contested(world, second, grounds="contract", evidence=CONTRACT)
    rules(world, "eve", contract, reason="The contract is older")
    eve = world.actor("eve")

    def found(**asked: str) -> list[str]:
        return [each.reason for each in reads.precedents(eve, world.now, **asked)]

    assert found(search="coast") == ["Lives at the coast"]
    assert found(grounds="contract") == ["The contract is older"]
    assert found(criterion="value_share") == []
    assert len(found(kind="ownership", criterion="judgement")) == 2
    assert found(kind="contact") == []
    # words of conflicts out of sight are not searched, and not shown
    cho = reads.precedents(world.actor("cho"), world.now)
    assert [(each.reason, each.conflict_id) for each in cho] == [("", ""), ("", "")]
    assert reads.precedents(world.actor("cho"), world.now, search="coast") == []


def test_a_manager_who_takes_the_portfolio_over_speaks_for_its_claims(
    world: World, customer: str
) -> None:
    made = contested(world, customer)
    appoint(
        actor=SYSTEM,
        now=world.now,
        portfolio_id=world.portfolios["Top"],
        manager_id=world.people["ana"].id,
        starts_at=world.now,
        reason="Ben moves on",
    )
    assert reads.conflict(world.actor("ana"), world.now, made.conflict_id or "")
    with pytest.raises(NotFound):
        reads.conflict(world.actor("ben"), world.now, made.conflict_id or "")
