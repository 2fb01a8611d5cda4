"""A lever is a right with a limit: at once within it, beyond it somebody else's word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from patronage.access import datasets
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.transactions import atomic
from patronage.govern import levers as rights
from patronage.govern import reads
from patronage.govern.actions import (
    arrange_cover,
    delegate_lever,
    end_grant,
    grant_lever,
    hand_over,
    lift_boundary,
    pull_lever,
    rule_on_lever,
    set_boundary,
    tell_list_prices,
)
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import (
    BoundaryRefused,
    CannotGrant,
    CannotRuleOnLever,
    LeverRefused,
    NoReason,
    PriceRefused,
)
from patronage.govern.models import Boundary, Grant, LeverUse

from .world import World, add_customers, add_person, figures, value

DAY = timedelta(days=1)


@pytest.fixture
def catalogue(world: World) -> None:
    """Two products, of two categories."""
    names = ("product_id", "department", "category", "subcategory", "brand", "manufacturer")
    rows = [
        ("loaf", "BAKERY", "BREAD", None, None, None, None, "imp_1"),
        ("novel", "MEDIA", "BOOKS", None, None, None, None, "imp_1"),
    ]
    frame = pl.DataFrame(
        rows,
        schema=dict.fromkeys((*names, "package", "import_id"), pl.String),
        orient="row",
    )
    with atomic():
        manifest = datasets.warehouse().append("products", frame.to_arrow(), base=None)
        datasets.commit(dataset="products", manifest=manifest, cause="tests", now=world.now)


def granted(world: World, lever: str, limit: int, **more: Any) -> Grant:
    asked: dict[str, Any] = {"per": "use", "now": world.now, "reason": "agreed"} | more
    if "role" not in asked and "portfolio_id" not in asked:
        asked["portfolio_id"] = world.portfolios["New"]
    return grant_lever(actor=world.actor("eve"), lever=lever, limit=limit, **asked)


def pull(world: World, by: str, customer: str, lever: str, amount: int, **more: Any) -> LeverUse:
    asked: dict[str, Any] = {"now": world.now, "reason": "a late delivery"} | more
    return pull_lever(
        actor=world.actor(by), customer_id=customer, lever=lever, amount=amount, **asked
    )


def say(world: World, by: str, use: LeverUse, ruling: str, **more: Any) -> LeverUse:
    asked: dict[str, Any] = {"now": world.now, "reason": "looked at it"} | more
    return rule_on_lever(actor=world.actor(by), use_id=use.id, ruling=ruling, **asked)


def bounded(world: World, kind: str, **more: Any) -> Boundary:
    asked: dict[str, Any] = {"name": kind, "kind": kind, "source": "board"} | more
    new = NewBoundary(**asked)
    return set_boundary(actor=world.actor("eve"), now=world.now, new=new, reason="decided")


# ------------------------------------------------------------------------- at once, or queued


def test_the_same_remedy_is_immediate_under_the_limit_and_one_cent_more_queues(
    world: World, customer: str
) -> None:
    granted(world, "goodwill", 2_000, role="agent", per="customer_quarter")
    granted(world, "goodwill", 5_000)
    done = pull(world, "gus", customer, "goodwill", 2_000)
    assert (done.state, done.currency, done.valid_from) == ("done", "USD", world.now)
    more = pull(world, "gus", customer, "goodwill", 1)
    assert (more.state, more.waits_for, more.valid_from) == ("waiting", "manager", None)
    (waits,) = reads.my_levers(world.actor("dev"), world.now).waiting
    assert (waits.id, waits.may) == (more.id, ("approve", "refuse"))
    approved = say(world, "dev", more, "approve")
    assert (approved.state, approved.valid_from) == ("approved", world.now)
    said = AuditEntry.objects.filter(subject_kind="customer", subject_id=customer)
    logged = [(each.action, each.actor_name) for each in said.order_by("pk")]
    assert logged[-3:] == [
        ("use lever", "Gus"),
        ("use lever", "Gus"),
        ("approve lever use", "Dev"),
    ]


def test_what_was_done_at_once_is_reviewed_afterwards(world: World, customer: str) -> None:
    granted(world, "goodwill", 2_000, role="agent")
    use = pull(world, "gus", customer, "goodwill", 500)
    (row,) = reads.my_levers(world.actor("dev"), world.now).to_review
    assert (row.id, row.may) == (use.id, ("review", "take_back"))
    say(world, "dev", use, "review")
    assert reads.my_levers(world.actor("dev"), world.now).to_review == []
    (own,) = reads.my_levers(world.actor("gus"), world.now).used
    assert own.reviewed_at == world.now
    with pytest.raises(CannotRuleOnLever, match="already"):
        say(world, "dev", use, "review")


def test_beyond_the_managers_own_limit_a_second_person_says_so(world: World, customer: str) -> None:
    granted(world, "discount", 1_000)
    assert pull(world, "dev", customer, "discount", 1_000).state == "done"
    more = pull(world, "dev", customer, "discount", 1_001)
    assert (more.state, more.waits_for) == ("waiting", "executive")
    for ruling in ("approve", "refuse", "review"):
        with pytest.raises(CannotRuleOnLever, match="Somebody else"):
            say(world, "dev", more, ruling)
    approved = say(world, "eve", more, "approve")
    assert (approved.state, approved.grant_id) == ("approved", None)


def test_a_manager_does_not_approve_beyond_their_own_limit(world: World, customer: str) -> None:
    granted(world, "goodwill", 100, role="agent")
    granted(world, "goodwill", 1_000)
    use = pull(world, "gus", customer, "goodwill", 1_001)
    assert use.waits_for == "executive"
    with pytest.raises(CannotRuleOnLever, match="executive must say so"):
        say(world, "dev", use, "approve")
    assert LeverUse.objects.get(pk=use.pk).state == "waiting"
    assert say(world, "eve", use, "approve").state == "approved"


def test_nobody_pulls_what_they_were_not_granted(world: World, customer: str) -> None:
    with pytest.raises(LeverRefused, match="no right to the lever"):
        pull(world, "dev", customer, "discount", 1)
    with pytest.raises(NotAllowed):
        pull(world, "eve", customer, "discount", 1)
    granted(world, "discount", 100, starts_at=world.now + DAY, ends_at=world.now + 2 * DAY)
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, "discount", 1)
    assert pull(world, "dev", customer, "discount", 1, now=world.now + DAY).state == "done"
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, "discount", 1, now=world.now + 2 * DAY)


@pytest.mark.parametrize(
    ("lever", "amount"),
    [("discount", 0), ("discount", -1), ("discount", 10_001), ("price", -10_001), ("none", 1)],
)
def test_an_amount_that_cannot_be_is_refused(
    world: World, customer: str, lever: str, amount: int
) -> None:
    granted(world, "discount", 10_000)
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, lever, amount)
    with pytest.raises(NoReason):
        pull(world, "dev", customer, "discount", 1, reason=" ")
    assert not LeverUse.objects.exists()


# ------------------------------------------------------------------------------- whose customer


def test_a_foreign_customer_looks_like_an_absent_one(world: World, customer: str) -> None:
    granted(world, "discount", 1_000)
    granted(world, "discount", 1_000, portfolio_id=world.portfolios["Rest"])
    use = pull(world, "dev", customer, "discount", 2_000)
    with pytest.raises(NotFound) as foreign:
        pull(world, "cho", customer, "discount", 1)
    with pytest.raises(NotFound) as absent:
        pull(world, "cho", "cus_none", "discount", 1)
    assert str(foreign.value).replace(customer, "x") == str(absent.value).replace("cus_none", "x")
    with pytest.raises(NotFound):
        say(world, "cho", use, "refuse")
    with pytest.raises(NotFound):
        # an agent sees the customer, and has no word on what others did
        say(world, "gus", use, "take_back")
    assert reads.lever_uses(world.actor("cho"), world.now) == []
    assert reads.lever_uses(world.actor("gus"), world.now) == []
    assert [each.id for each in reads.lever_uses(world.actor("dev"), world.now)] == [use.id]


def test_a_read_without_scope_would_be_noticed(
    world: World, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(world, "discount", 1_000)
    pull(world, "dev", customer, "discount", 1)
    from patronage.identify import in_sight

    monkeypatch.setattr(in_sight, "visible", lambda found, _actor, _now: found)
    assert reads.lever_uses(world.actor("cho"), world.now) != []


def test_the_right_goes_with_the_customer_and_the_cover(world: World, customer: str) -> None:
    granted(world, "discount", 1_000)
    arrange_cover(
        actor=world.actor("dev"),
        now=world.now,
        portfolio_id=world.portfolios["New"],
        deputy_id=world.people["ana"].id,
        reason="on leave",
        ends_at=world.now + DAY,
    )
    assert pull(world, "ana", customer, "discount", 1_000).state == "done"
    with pytest.raises(NotFound):
        pull(world, "ana", customer, "discount", 1_000, now=world.now + DAY)
    hand_over(
        actor=SYSTEM,
        now=world.now + DAY,
        customer_ids=[customer],
        to_portfolio_id=world.portfolios["Rest"],
        reason="moved",
    )
    with pytest.raises(LeverRefused, match="no right"):
        pull(world, "cho", customer, "discount", 1, now=world.now + DAY)


# ----------------------------------------------------------------------------------- passing on


def test_a_part_is_dated_visible_and_never_more_than_the_whole(world: World, customer: str) -> None:
    whole = granted(world, "goodwill", 1_000, per="quarter", ends_at=world.now + 30 * DAY)

    def passed(limit: int, person: str = "gus", by: str = "dev", **more: Any) -> Grant:
        return delegate_lever(
            actor=world.actor(by),
            now=world.now,
            grant_id=whole.id,
            person_id=world.people[person].id,
            limit=limit,
            reason="busy weeks",
            **more,
        )

    wrong: tuple[dict[str, Any], ...] = (
        {"limit": 1_001},
        {"limit": 0},
        {"limit": 10, "ends_at": world.now + 31 * DAY},
        {"limit": 10, "person": "dev"},
        {"limit": 10, "person": "eve"},
        # sees none of these customers
        {"limit": 10, "person": "cho"},
    )
    for each in wrong:
        with pytest.raises(CannotGrant):
            passed(**each)
    with pytest.raises(NotFound):
        passed(10, by="cho")
    part = passed(600)
    assert part.ends_at == whole.ends_at
    with pytest.raises(NotFound):
        # who was passed a part passes nothing on
        delegate_lever(
            actor=world.actor("gus"), now=world.now, grant_id=part.id,
            person_id=world.people["cho"].id, limit=1, reason="no",
        )  # fmt: skip
    assert pull(world, "gus", customer, "goodwill", 600).grant_id == part.id
    assert pull(world, "gus", customer, "goodwill", 1).state == "waiting"
    # what is used of the part is used of the whole
    assert pull(world, "dev", customer, "goodwill", 400).state == "done"
    assert pull(world, "dev", customer, "goodwill", 1).state == "waiting"
    (row,) = reads.my_levers(world.actor("dev"), world.now).delegated
    assert (row.person, row.limit, row.used, row.ends_at) == ("Gus", 600, 600, whole.ends_at)
    (held,) = reads.my_levers(world.actor("gus"), world.now).held
    assert held.id == part.id


def test_a_part_ends_with_its_whole_and_by_its_managers_word(world: World, customer: str) -> None:
    whole = granted(world, "goodwill", 1_000)

    def passed() -> Grant:
        return delegate_lever(
            actor=world.actor("dev"), now=world.now, grant_id=whole.id,
            person_id=world.people["gus"].id, limit=100, reason="busy weeks",
        )  # fmt: skip

    first = passed()
    with pytest.raises(NotFound):
        end_grant(actor=world.actor("dev"), now=world.now, grant_id=whole.id, reason="mine")
    end_grant(actor=world.actor("dev"), now=world.now, grant_id=first.id, reason="over")
    with pytest.raises(CannotGrant, match="already"):
        end_grant(actor=world.actor("dev"), now=world.now, grant_id=first.id, reason="over")
    passed()
    assert pull(world, "gus", customer, "goodwill", 1).state == "done"
    end_grant(actor=world.actor("eve"), now=world.now, grant_id=whole.id, reason="spent")
    with pytest.raises(LeverRefused, match="no right"):
        pull(world, "gus", customer, "goodwill", 1)


# ----------------------------------------------------------------------------------- boundaries


def test_a_discount_below_the_floor_is_refused_whatever_the_right(
    world: World, customer: str
) -> None:
    granted(world, "discount", 10_000)
    bounded(world, "price_floor", limit=7_000, unit="basis points")
    assert pull(world, "dev", customer, "discount", 3_000).state == "done"
    with pytest.raises(LeverRefused, match="'price_floor' allows no less than 70 %"):
        pull(world, "dev", customer, "discount", 3_001)


def test_a_boundary_stops_what_waits_for_an_executive_too(world: World, customer: str) -> None:
    granted(world, "discount", 100)
    waits = pull(world, "dev", customer, "discount", 2_000)
    bounded(world, "discount_cap", limit=1_999)
    with pytest.raises(LeverRefused):
        say(world, "eve", waits, "approve")
    assert LeverUse.objects.get(pk=waits.pk).state == "waiting"
    assert say(world, "eve", waits, "refuse").state == "refused"


def test_a_boundary_that_is_set_later_holds_for_what_was_agreed(
    world: World, customer: str, catalogue: None
) -> None:
    granted(world, "discount", 5_000)
    pull(world, "dev", customer, "discount", 4_000, category="BREAD")
    cap = bounded(world, "discount_cap", limit=1_500)

    def paid(at: datetime) -> Any:
        return reads.terms(world.actor("dev"), customer, at, category="BREAD")

    assert paid(world.now).discount_basis_points == 1_500
    lift_boundary(
        actor=world.actor("eve"), now=world.now + DAY, boundary_id=cap.id, reason="no longer"
    )
    assert paid(world.now + DAY).discount_basis_points == 4_000
    states = [each.state for each in reads.boundaries(world.actor("gus"), world.now + DAY)]
    assert states == ["lifted", "before"]


def test_a_sum_for_a_quarter_is_everybodys_and_begins_anew(world: World) -> None:
    one, two = add_customers(2, world.now)
    granted(world, "goodwill", 10_000)
    bounded(world, "goodwill_cap", limit=1_000, per="quarter")
    use = pull(world, "dev", one, "goodwill", 900)
    with pytest.raises(LeverRefused, match=r"USD 9\.00 used, USD 1\.01 more"):
        pull(world, "dev", two, "goodwill", 101)
    say(world, "dev", use, "take_back")
    assert pull(world, "dev", two, "goodwill", 1_000).state == "done"
    next_quarter = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)  # midnight in New York
    with pytest.raises(LeverRefused):
        pull(world, "dev", one, "goodwill", 1, now=next_quarter - timedelta(microseconds=1))
    assert pull(world, "dev", one, "goodwill", 1_000, now=next_quarter).state == "done"


def test_what_is_unknown_of_a_customer_protects(world: World) -> None:
    known, base, unknown = add_customers(3, world.now)
    value(
        figures([(known, 900, "top", None), (base, 10, "base", None)]),
        as_of=world.now.date() - DAY,
        now=world.now,
    )
    granted(world, "premium", 5_000)
    bounded(world, "protected", when="tier = 'base'", source="law")
    assert pull(world, "dev", known, "premium", 100).state == "done"
    for protected in (base, unknown):
        with pytest.raises(LeverRefused, match="forbids"):
            pull(world, "dev", protected, "premium", 100)
    new = NewBoundary(name="x", kind="protected", source="law", when="tier = 'base'")
    seen = reads.touched(world.actor("eve"), world.now, new)
    assert (seen.customers, seen.surely, seen.unknown) == (3, 1, 1)


def test_only_executives_set_boundaries_and_what_cannot_be_is_refused(world: World) -> None:
    new = NewBoundary(name="cap", kind="discount_cap", source="board", limit=1)
    for name in ("dev", "gus"):
        with pytest.raises(NotAllowed):
            set_boundary(actor=world.actor(name), now=world.now, new=new, reason="mine")
    for wrong in (
        {"kind": "discount_cap"},
        {"kind": "discount_cap", "limit": -1},
        {"kind": "discount_cap", "limit": 10_001},
        {"kind": "discount_cap", "limit": 1, "per": "quarter"},
        {"kind": "price_floor", "limit": 1},
        {"kind": "law", "limit": 1},
        {"kind": "law", "source": "me"},
        {"kind": "law", "name": " "},
        {"kind": "law", "when": "no_such_field = 1"},
        {"kind": "law", "when": "tier = "},
        {"kind": "goodwill_cap", "limit": 1, "per": "quarter", "when": "tier = 'top'"},
        {"kind": "nothing"},
    ):
        with pytest.raises(BoundaryRefused):
            bounded(world, **wrong)
    assert not Boundary.objects.exists()
    bounded(world, "law")
    with pytest.raises(BoundaryRefused, match="later instant"):
        bounded(world, "law")


# ---------------------------------------------------------------------------------------- terms


def test_what_a_customer_pays_is_one_answer_with_its_reasons(
    world: World, customer: str, catalogue: None
) -> None:
    admin = Actor(id="usr_adm", name="Adm", roles=frozenset({Role.ADMINISTRATOR}))
    granted(world, "discount", 5_000)

    def paid(at: datetime = world.now) -> reads.CustomerTerms:
        return reads.terms(world.actor("gus"), customer, at, product="loaf")

    unlisted = paid()
    assert (unlisted.list_price_minor, unlisted.price_minor) == (None, None)
    assert unlisted.price_basis_points == 10_000
    assert "no list price" in unlisted.reasons[0].words
    tell_list_prices(actor=admin, now=world.now, prices={"loaf": 199}, reason="price list")
    assert paid().price_minor == 199
    use = pull(
        world, "dev", customer, "discount", 1_550, product="loaf", valid_until=world.now + 5 * DAY
    )
    said = paid()
    assert (said.price_minor, said.discount_basis_points) == (168, 1_550)
    assert [(each.kind, each.id) for each in said.reasons][1:] == [("lever", use.id)]
    bounded(world, "discount_cap", limit=1_500)
    # 15 % off 199 is 169.15: one minor unit less would be beyond the cap
    assert (paid().price_minor, paid().discount_basis_points) == (170, 1_500)
    assert [each.kind for each in paid().reasons] == ["list price", "lever", "boundary"]
    assert paid(world.now + 5 * DAY).price_minor == 199
    say(world, "dev", use, "take_back", now=world.now + DAY)
    assert paid(world.now + DAY).price_minor == 199
    bounded(world, "availability", category="BREAD")
    assert not paid().available
    novel = reads.terms(world.actor("dev"), customer, world.now, product="novel")
    assert (novel.available, novel.price_basis_points) == (True, 10_000)


def test_terms_are_asked_for_customers_in_sight_and_products_that_are_there(
    world: World, customer: str, catalogue: None
) -> None:
    with pytest.raises(NotFound, match="customer"):
        reads.terms(world.actor("cho"), customer, world.now, product="loaf")
    with pytest.raises(NotFound, match="product"):
        reads.terms(world.actor("dev"), customer, world.now, product="none")
    owner = Actor(id="usr_o", name="O", roles=frozenset({Role.OFFER_OWNER}))
    with pytest.raises(NotAllowed):
        reads.terms(owner, customer, world.now, product="loaf")
    admin = Actor(id="usr_adm", name="Adm", roles=frozenset({Role.ADMINISTRATOR}))
    for wrong in ({"none": 1}, {"loaf": 0}, {}):
        with pytest.raises(PriceRefused):
            tell_list_prices(actor=admin, now=world.now, prices=wrong, reason="x")


def test_a_condition_that_nobody_reads_would_be_noticed(
    world: World, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(world, "premium", 5_000)
    bounded(world, "protected", when="customer_kind = 'household'")
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, "premium", 1)
    monkeypatch.setattr(rights, "boundaries_at", lambda _at: ())
    assert pull(world, "dev", customer, "premium", 1).state == "done"


def test_who_may_be_passed_a_lever_is_listed_by_name(world: World) -> None:
    add_person("hal", Role.COMPLAINT_HANDLER, world.now)
    names = [name for _, name in reads.possible_delegates(world.actor("dev"), world.now)]
    assert names == ["Ana", "Ben", "Cho", "Gus", "Hal"]
