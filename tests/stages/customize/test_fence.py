"""No door leads a mass contact to a customer within the fence; persons and answers still reach."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from patronage.access.roles import SYSTEM
from patronage.customize import moment, serving
from patronage.customize.actions import decide_now
from patronage.customize.errors import BaseMoved
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision
from patronage.customize.policy import PolicyInForce
from patronage.customize.replay import replay, run_candidates
from patronage.govern import fence
from patronage.govern.models import FenceChange, Standing
from patronage.science.arbitration import Reason
from patronage.vocabulary.company import Company

from ..differentiate.history import NOW
from .world import AS_OF, World


def raise_fence(ids: list[str], *, inside: bool = True) -> None:
    """Put these customers within the fence, as the assignment would."""
    rows = Standing.objects.filter(pk__in=ids)
    changed = _frame(list(rows.values_list("pk", "portfolio_id", "value_minor")), inside)
    fence.write(
        actor=SYSTEM,
        now=NOW,
        changed=changed,
        causes=["value"] * len(changed),
        by_hand=False,
        reason="",
    )


def _frame(rows: list[tuple[Any, ...]], inside: bool) -> Any:
    import polars as pl

    names = ["customer_id", "portfolio_id", "value_minor"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(inside=pl.lit(inside))


def offered(world: World) -> list[str]:
    """Those to whom the plan without a fence offers something in a pushed channel."""
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    ids = list(Contact.objects.order_by("customer_id").values_list("customer_id", flat=True))
    Contact.objects.all().delete()
    Decision.objects.filter(run=run).delete()
    return ids[:10]


def test_the_plan_contacts_nobody_within_the_fence_and_says_so(world: World) -> None:
    ids = offered(world)
    raise_fence(ids)
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert not Contact.objects.filter(customer__in=ids).exists()
    assert Contact.objects.exists(), "others are still contacted"
    decision = Decision.objects.get(run=run, customer=ids[0])
    assert decision.outcome == "nothing"
    reasons = set(run_candidates(decision)["reason"].to_list())
    assert int(Reason.FENCED) in reasons
    assert not reasons & {int(Reason.CHOSEN), int(Reason.OUTSCORED), int(Reason.NOT_WORTH_IT)}
    assert replay(decision).equal


def test_a_plan_without_the_check_contacts_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: where no treatment counts as a mass contact, the fence stops nothing."""
    ids = offered(world)
    raise_fence(ids)
    monkeypatch.setattr(
        PolicyInForce,
        "mass",
        lambda policy, *, inbound: np.zeros(len(policy.treatments), dtype=np.bool_),
    )
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert Contact.objects.filter(customer__in=ids).exists()


def test_a_fence_that_goes_up_while_the_plan_is_written_stops_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = offered(world)
    wanted = iter([False, True, True])
    looked = fence.fenced_now

    def raised_meanwhile() -> frozenset[str]:
        found = looked()
        if next(wanted, False):
            raise_fence(ids)
        return found

    monkeypatch.setattr("patronage.customize.jobs.fence.fenced_now", raised_meanwhile)
    with contextlib.suppress(BaseMoved):
        decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert not Contact.objects.filter(customer__in=ids).exists()


def test_the_same_inputs_with_another_fence_are_other_inputs(world: World) -> None:
    first = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert decide(actor=SYSTEM, now=NOW, as_of=AS_OF).id == first.id
    raise_fence(world.customers[:1])
    assert decide(actor=SYSTEM, now=NOW, as_of=AS_OF).id != first.id


def declared(kinds: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the company declare the kinds of its channels."""
    read = serving.serve

    def served(now: Any) -> Any:
        found = read(now)
        company: Company = found.policy.company
        for channel in company.channels:
            object.__setattr__(channel, "kind", kinds.get(channel.name, "pushed"))
        return found

    monkeypatch.setattr(moment, "serve", served)


def test_in_the_moment_pushed_channels_are_shut_and_answers_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = offered(world)
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    Contact.objects.all().delete()
    declared({"app": "answered"}, monkeypatch)
    raise_fence(ids)
    outcomes = {"mail": set(), "email": set(), "app": set()}  # type: dict[str, set[str]]
    for customer_id in ids:
        for channel, seen in outcomes.items():
            answer = decide_now(
                actor=world.service, now=NOW, customer_id=customer_id, channel=channel
            )
            seen |= {answer.outcome}
            reasons = {each.reason for each in answer.candidates}
            assert ("fenced" in reasons) == (channel != "app")
            decision = Decision.objects.get(pk=answer.id)
            assert replay(decision).equal
            if channel != "app":
                assert answer.offers == ()
    assert outcomes["mail"] == outcomes["email"] == {"nothing"}
    assert "offered" in outcomes["app"]
    sent = Contact.objects.filter(customer__in=ids)
    assert set(sent.values_list("channel", flat=True)) == {"app"}


def test_a_call_by_a_person_is_no_mass_contact(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = offered(world)
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    Contact.objects.all().delete()
    declared({"mail": "personal"}, monkeypatch)
    raise_fence(ids)
    later = NOW + timedelta(seconds=1)
    answers = [
        decide_now(actor=world.ana, now=later, customer_id=each, channel="mail")
        for each in ids
        if Standing.objects.get(pk=each).portfolio_id == world.portfolios["Top"].id
    ]
    assert answers
    assert all(each.reason != "fenced" for answer in answers for each in answer.candidates)


def test_who_is_taken_out_is_contacted_again(world: World) -> None:
    ids = offered(world)
    raise_fence(ids)
    raise_fence(ids, inside=False)
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert Contact.objects.filter(customer__in=ids).exists()
    assert FenceChange.objects.filter(customer=ids[0]).count() == 2
