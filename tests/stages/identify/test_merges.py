"""Merged customers have one history, one set of names and the stricter word; parted, their own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from patronage.access.erasures import forget
from patronage.access.errors import NotFound
from patronage.access.ports import CustomersCreated
from patronage.access.roles import SYSTEM
from patronage.identify import actions, merged, profiles, reads
from patronage.identify.identity import (
    Bundle,
    MergeRefused,
    Resolution,
    merge_customers,
    resolve,
    unmerge_customers,
)
from patronage.identify.models import Consent, Customer, Identifier, Merge, Profile

from .files import FilesIn

CARDS = ("a", "b", "c", "d")
SEED = 8


def by_card() -> dict[str, str]:
    return dict(Identifier.objects.filter(kind="card").values_list("value", "customer_id"))


def totals_of(lines: Sequence[tuple[str, int]], ends: dict[str, str]) -> dict[str, tuple[int, int]]:
    """The model: orders and spend by card, where the absorbed have none."""
    found = dict.fromkeys(CARDS, (0, 0))
    for card, cents in lines:
        orders, spend = found[ends[card]]
        found[ends[card]] = (orders + 1, spend + cents)
    return found


def live() -> dict[str, tuple[int, int]]:
    cards = {customer_id: card for card, customer_id in by_card().items()}
    rows = Profile.objects.values_list("customer_id", "orders", "spend_minor")
    return {cards[customer_id]: (orders, spend) for customer_id, orders, spend in rows}


def test_totals_follow_imports_merges_and_unmerges_in_any_order(
    files: FilesIn, now: datetime
) -> None:
    choose, lines = random.Random(SEED), []
    standing: list[tuple[str, str, str]] = []

    def ends() -> dict[str, str]:
        into = {absorbed: kept for _, kept, absorbed in standing}
        found = {}
        for card in CARDS:
            end = card
            while end in into:
                end = into[end]
            found[card] = end
        return found

    for step in range(24):
        at = now + timedelta(minutes=step)
        cards = [choose.choice(CARDS) for _ in range(3)] if step else list(CARDS)
        if step % 4 == 0:
            new = [(card, choose.randrange(1, 999)) for card in cards]
            files.sales(
                *(
                    f"{card},o{step}-{place},p1,2025-03-01T10:00:00Z,1,{cents / 100:.2f}"
                    for place, (card, cents) in enumerate(new)
                )
            )
            lines += new
        elif step % 4 == 3 and standing:
            undone = standing.pop(choose.randrange(len(standing)))
            unmerge_customers(actor=SYSTEM, now=at, merge_id=undone[0], reason="not the same")
        else:
            kept, absorbed = choose.sample([*sorted(set(ends().values())), "a"], 2)
            kept, absorbed = ends()[kept], ends()[absorbed]
            if kept == absorbed:
                continue
            ids = by_card()
            made = merge_customers(
                actor=SYSTEM, now=at, kept_id=ids[kept], absorbed_id=ids[absorbed], reason="same"
            )
            standing.append((made.id, kept, absorbed))
        assert live() == totals_of(lines, ends())
    assert Merge.objects.filter(undone_at__isnull=False).count() > 1
    assert len(standing) > 1
    before = list(Profile.objects.order_by("pk").values())
    profiles.rebuild(actor=SYSTEM, now=now)
    assert list(Profile.objects.order_by("pk").values()) == before
    # the numbers of merges make every earlier state readable
    assert merged.mapping(None) == {}
    first = Merge.objects.get(number=1)
    assert merged.mapping(1) == {first.absorbed_id: first.kept_id}


def test_a_broken_twin_that_reads_history_as_it_came_is_found(
    files: FilesIn, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.sales(
        "a,o1,p1,2025-03-01T10:00:00Z,1,1.00",
        "b,o2,p1,2025-03-01T10:00:00Z,1,2.00",
    )
    ids = by_card()
    merge_customers(
        actor=SYSTEM, now=now, kept_id=ids["a"], absorbed_id=ids["b"], reason="same person"
    )
    assert live() == {"a": (2, 300), "b": (0, 0)}
    monkeypatch.setattr(merged, "mapping", dict)
    profiles.rebuild(actor=SYSTEM, now=now)
    assert live() != {"a": (2, 300), "b": (0, 0)}


def who(now: datetime, *bundles: tuple[tuple[str, str], ...]) -> Resolution:
    named = [Bundle(names=names, at=now) for names in bundles]
    return resolve(actor=SYSTEM, now=now, bundles=named)


def test_a_visitor_is_adopted_on_log_in_and_given_back(
    company: None, created: list[CustomersCreated], now: datetime
) -> None:
    visit, user = ("anonymous_id", "v1"), ("user_id", "u1")
    visitor, ann = who(now, (visit,), (user,)).customer_ids
    assert visitor is not None
    assert ann is not None
    logged_in = who(now, (visit,), (user, visit), (visit,))
    assert logged_in.customer_ids == [ann, ann, ann]
    # rows go on under the id that the name came under, so that they can go back with it
    assert logged_in.came_as == [visitor, ann, visitor]
    (adopted,) = Merge.objects.all()
    assert (adopted.cause, adopted.kept_id, adopted.absorbed_id) == ("adopted", ann, visitor)
    with pytest.raises(NotFound):
        reads.customer(SYSTEM, visitor, now)
    assert [each.value for each in reads.customer(SYSTEM, ann, now).identifiers] == ["v1", "u1"]
    # another person on the same browser does not take the visitor along
    bob = who(now, (("user_id", "u2"), visit)).customer_ids[0]
    assert bob not in (ann, visitor)
    assert Merge.objects.count() == 1
    later = now + timedelta(minutes=1)
    unmerge_customers(actor=SYSTEM, now=later, merge_id=adopted.id, reason="a shared browser")
    assert who(later, (visit,), (user,)).customer_ids == [visitor, ann]
    assert reads.customer(SYSTEM, visitor, later).customer.id == visitor
    with pytest.raises(MergeRefused, match="undone already"):
        unmerge_customers(actor=SYSTEM, now=later, merge_id=adopted.id, reason="again")


def test_the_stricter_word_stands_until_they_are_parted(
    company: None, created: list[CustomersCreated], now: datetime
) -> None:
    kept, absorbed = who(now, (("user_id", "u1"),), (("card", "c1"),)).customer_ids
    said = {
        (kept, "mail"): "given",
        (absorbed, "mail"): "withdrawn",
        (kept, "sms"): "given",
        (absorbed, "sms"): "given",
        (absorbed, "push"): "given",
    }
    for (customer_id, channel), state in said.items():
        say(customer_id, channel, state, now)
    before = standing(now)
    later, last = now + timedelta(minutes=1), now + timedelta(minutes=5)
    assert kept is not None
    assert absorbed is not None
    made = merge_customers(
        actor=SYSTEM, now=later, kept_id=kept, absorbed_id=absorbed, reason="same person"
    )
    assert standing(later) == {(kept, "sms")}
    unmerge_customers(actor=SYSTEM, now=last, merge_id=made.id, reason="not the same")
    assert standing(last) == before
    words = Consent.objects.filter(customer=kept, channel="mail").order_by("valid_from")
    assert [each.state for each in words] == ["given", "withdrawn", "given"]


def say(customer_id: str | None, channel: str, state: str, now: datetime) -> None:
    actions.record_consent(
        actor=SYSTEM,
        now=now,
        customer_id=customer_id or "",
        purpose="marketing",
        channel=channel,
        state=state,
        source="form",
        valid_from=now,
    )


def standing(at: datetime) -> set[tuple[Any, Any]]:
    rows = reads.standing_consents(at).to_pylist()
    return {(row["customer_id"], row["channel"]) for row in rows}


def test_merges_are_refused_that_say_nothing(
    company: None, created: list[CustomersCreated], now: datetime
) -> None:
    one, two = who(now, (("user_id", "u1"),), (("card", "c1"),)).customer_ids
    assert one is not None
    assert two is not None
    for kept, absorbed, reason, error in (
        (one, one, "same", MergeRefused),
        (one, two, "  ", MergeRefused),
        (one, "cus_nobody", "same", NotFound),
    ):
        with pytest.raises(error):
            merge_customers(
                actor=SYSTEM, now=now, kept_id=kept, absorbed_id=absorbed, reason=reason
            )
    assert not Merge.objects.exists()
    assert not Customer.objects.filter(merged_into__isnull=False).exists()


def test_whoever_is_erased_is_erased_with_all_they_absorbed(
    company: None, created: list[CustomersCreated], now: datetime
) -> None:
    one, two, other = who(
        now, (("user_id", "u1"),), (("card", "c1"),), (("card", "c2"),)
    ).customer_ids
    merge_customers(
        actor=SYSTEM, now=now, kept_id=one or "", absorbed_id=two or "", reason="same person"
    )
    found = forget(actor=SYSTEM, now=now, customer_ids=[one or ""], reason="asked", right=None)
    assert [each.subject_id for each in found] == [two, one]
    left = Identifier.objects.values_list("customer_id", "value")
    assert list(left) == [(other, "c2")]
    assert who(now, (("card", "c1"),)).customer_ids[0] not in (one, two)
