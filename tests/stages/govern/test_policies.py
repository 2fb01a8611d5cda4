"""A portfolio's rules: read or refused with the place, never changed once published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from ninja.testing import TestClient

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.govern import reads
from patronage.govern.actions import (
    NewRule,
    arrange_cover,
    change_draft,
    discard_draft,
    draft_policy,
    publish_policy,
    roll_back,
)
from patronage.govern.api import router
from patronage.govern.errors import (
    NoReason,
    PolicyMovedOn,
    PolicyRefused,
    PolicyRuleRefused,
    PolicyStands,
    StartsInFuture,
)
from patronage.govern.models import CatalogSnapshot, PolicyVersion, Rule
from patronage.govern.models import policies as stored

from .world import World

BLOCK = NewRule(name="no soap", effect="block", when="tier = 'top'", offers="offer_need = 'care'")


def draft(world: World, *rules: NewRule, by: str = "dev", portfolio: str = "New") -> PolicyVersion:
    made = draft_policy(
        actor=world.actor(by),
        now=world.now,
        portfolio_id=world.portfolios[portfolio],
        rules=rules,
        note="tests",
    )
    return made.version


def publish(world: World, version: PolicyVersion, **more: Any) -> PolicyVersion:
    asked: dict[str, Any] = {"now": world.now, "reason": "tests"} | more
    return publish_policy(actor=world.actor("dev"), version_id=version.id, **asked)


def rules_of(version: PolicyVersion) -> list[tuple[Any, ...]]:
    rows = Rule.objects.filter(version=version).order_by("position")
    return list(rows.values_list("position", "name", "effect", "when", "offers", "amount_minor"))


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("when", "colour = 'red'", "column 1"),
        ("when", "tier > 3", "column"),
        ("when", "value_minor / 0 > 1", "column"),
        ("when", "tier = 'top' AND tіer = 'base'", "olumn 20|looks like"),
        ("when", "(" * 100_000 + "true", "characters"),
        ("when", "tier = (SELECT 1)", "column"),
        ("offers", "value_minor > 3", "column 1"),
        ("offers", "offer_target > 3", "column 1"),
        ("offers", "face_value_minor = 'much'", "column"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place_and_nothing_is_kept(
    world: World, field: str, text: str, said: str
) -> None:
    written: dict[str, Any] = {field: text}
    with pytest.raises(PolicyRuleRefused, match=said) as refused:
        draft(world, BLOCK, NewRule(name="wrong", effect="block", **written))
    assert (refused.value.rule, refused.value.part) == ("wrong", field)
    assert not PolicyVersion.objects.exists()


@pytest.mark.parametrize(
    "rule",
    [
        NewRule(name="a", effect="prefer"),
        NewRule(name="a", effect="prefer", amount_minor=1),
        NewRule(name="a", effect="block", amount_minor=1),
        NewRule(name="a", effect="adapt"),
        NewRule(name="a", effect="adapt", adaptation={"face_value_percent": 101}),
        NewRule(name="a", effect="adapt", adaptation={"channels": ["pigeon"]}),
        NewRule(name="a", effect="adapt", adaptation={"colour": "red"}),
        NewRule(name="a", effect="adapt", adaptation={"not_before": "tomorrow"}),
        NewRule(name="a", effect="route", route_to="nobody@example.com"),
        NewRule(name="a", effect="route"),
        NewRule(name="a", effect="service_tier", service_tier="x", offers="offer_need = 'a'"),
        NewRule(name="a", effect="forbid"),
        NewRule(name=" ", effect="block"),
    ],
    ids=lambda rule: f"{rule.effect} {rule.adaptation or rule.amount_minor or rule.route_to}",
)
def test_what_does_not_belong_to_an_effect_is_refused(world: World, rule: NewRule) -> None:
    with pytest.raises(PolicyRefused):
        draft(world, rule)


def test_names_are_unique_and_rules_are_not_endless(world: World) -> None:
    with pytest.raises(PolicyRefused, match="Two rules"):
        draft(world, BLOCK, BLOCK)
    many = [NewRule(name=f"r{place}", effect="block") for place in range(201)]
    with pytest.raises(PolicyRefused, match="at most 200"):
        draft(world, *many)


def more(version: PolicyVersion) -> Rule:
    return Rule(version=version, position=9, name="more", effect="block", when="true", when_tree={})


def renamed(version: PolicyVersion) -> Rule:
    rule = version.rules.get()
    rule.name = "other"
    return rule


def noted(version: PolicyVersion) -> PolicyVersion:
    version.note = "other"
    return version


#: every way in which code could change what was published
ATTEMPTS: tuple[Callable[[PolicyVersion], Any], ...] = (
    lambda version: noted(version).save(),
    lambda version: version.delete(),
    lambda version: renamed(version).save(),
    lambda version: renamed(version).delete(),
    lambda version: more(version).save(),
    lambda version: Rule.objects.bulk_create([more(version)]),
    lambda version: Rule.objects.filter(version=version).update(when="false"),
    lambda version: Rule.objects.bulk_update([renamed(version)], ["name"]),
    lambda version: version.rules.all().delete(),
    lambda version: version.rules.update(name="x"),
    lambda version: PolicyVersion.objects.filter(pk=version.pk).update(note="other"),
    lambda version: PolicyVersion.objects.filter(pk=version.pk).delete(),
    lambda version: PolicyVersion.objects.bulk_update([noted(version)], ["note"]),
)


def changes(version: PolicyVersion) -> int:
    """How many of the ways work."""
    worked = 0
    for attempt in ATTEMPTS:
        try:
            with transaction.atomic():
                attempt(PolicyVersion.objects.get(pk=version.pk))
                worked += 1
                transaction.set_rollback(True)
        except PolicyStands:
            continue
    return worked


def test_what_was_published_never_changes(world: World) -> None:
    version = publish(world, draft(world, BLOCK))
    before = (rules_of(version), PolicyVersion.objects.values().get())
    assert changes(version) == 0
    for act in (
        lambda: publish(world, version),
        lambda: change_draft(
            actor=SYSTEM, now=world.now, version_id=version.id, rules=[], note="other"
        ),
        lambda: discard_draft(actor=SYSTEM, now=world.now, version_id=version.id, reason="other"),
    ):
        with pytest.raises(PolicyStands):
            act()
    assert (rules_of(version), PolicyVersion.objects.values().get()) == before


def test_a_guard_that_lets_through_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    version = publish(world, draft(world, BLOCK))
    monkeypatch.setattr(stored, "_refuse", lambda _version: None)
    assert changes(version) == len(ATTEMPTS)


def test_a_manager_acts_on_their_own_portfolio_alone_and_foreign_looks_absent(
    world: World,
) -> None:
    version = draft(world, BLOCK)
    said: dict[str, Any] = {"now": world.now, "version_id": version.id, "reason": "mine"}
    ana = world.actor("ana")
    for act in (publish_policy, discard_draft):
        with pytest.raises(NotFound) as foreign:
            act(actor=ana, **said)
        with pytest.raises(NotFound) as absent:
            act(actor=ana, **said | {"version_id": "pol_none"})
        assert str(foreign.value).replace(version.id, "pol_none") == str(absent.value)
    with pytest.raises(NotFound):
        draft(world, BLOCK, by="ana")
    with pytest.raises(NotFound):
        roll_back(actor=ana, now=world.now, portfolio_id=world.portfolios["New"], reason="mine")
    with pytest.raises(NotFound):
        reads.policy_version(ana, version.id, world.now)
    assert reads.policy_versions(ana, world.now) == []
    with pytest.raises(NotAllowed):
        draft(world, BLOCK, by="gus")


def test_who_stands_in_writes_rules_while_it_lasts(world: World) -> None:
    arrange_cover(
        actor=SYSTEM,
        now=world.now,
        portfolio_id=world.portfolios["New"],
        deputy_id=world.people["ana"].id,
        reason="on leave",
        ends_at=world.now + timedelta(days=1),
    )
    version = draft(world, BLOCK, by="ana")
    with pytest.raises(NotFound):
        publish_policy(
            actor=world.actor("ana"),
            now=world.now + timedelta(days=1),
            version_id=version.id,
            reason="late",
        )


def test_publishing_counts_up_and_a_roll_back_is_a_copy_with_a_number_of_its_own(
    world: World,
) -> None:
    first = publish(world, draft(world, BLOCK))
    second = publish(world, draft(world))
    assert (first.number, second.number, second.based_on_id) == (1, 2, first.id)
    third = roll_back(
        actor=world.actor("dev"),
        now=world.now,
        portfolio_id=world.portfolios["New"],
        reason="soap came back",
    )
    assert (third.number, third.restores_id, rules_of(third)) == (3, first.id, rules_of(first))
    in_force = reads.policies_at(world.now)[world.portfolios["New"]]
    assert (in_force.version_id, [each.name for each in in_force.rules]) == (third.id, ["no soap"])
    fourth = roll_back(
        actor=world.actor("dev"),
        now=world.now,
        portfolio_id=world.portfolios["New"],
        version_id=second.id,
        reason="no",
    )
    assert rules_of(fourth) == []
    said = AuditEntry.objects.filter(subject_kind="policy").order_by("pk")
    assert [each.action for each in said] == [
        "draft policy",
        "publish policy",
        "draft policy",
        "publish policy",
        "roll policy back",
        "roll policy back",
    ]
    assert {each.right for each in said} == {"rule on offers"}


def test_a_draft_that_others_overtook_is_looked_at_again_before_it_is_published(
    world: World,
) -> None:
    slow = draft(world, BLOCK)
    publish(world, draft(world))
    with pytest.raises(PolicyMovedOn, match="Version 1"):
        publish(world, slow)
    change_draft(
        actor=world.actor("dev"), now=world.now, version_id=slow.id, rules=[BLOCK], note="again"
    )
    assert publish(world, slow).number == 2


def test_rules_count_from_when_they_say_and_never_from_ahead(world: World) -> None:
    day = timedelta(days=1)
    with pytest.raises(StartsInFuture):
        publish(world, draft(world, BLOCK), valid_from=world.now + day)
    version = publish(world, draft(world, BLOCK), valid_from=world.now - 2 * day)
    portfolio = world.portfolios["New"]
    assert portfolio not in reads.policies_at(world.now - 3 * day)
    assert reads.policies_at(world.now - 2 * day)[portfolio].version_id == version.id
    with pytest.raises(PolicyRefused, match="before those"):
        publish(world, draft(world), valid_from=world.now - 3 * day)


def test_a_discarded_draft_is_on_record_and_in_nobodys_way(world: World) -> None:
    version = draft(world, BLOCK)
    with pytest.raises(NoReason):
        discard_draft(actor=SYSTEM, now=world.now, version_id=version.id, reason=" ")
    discard_draft(actor=SYSTEM, now=world.now, version_id=version.id, reason="no use")
    dev = world.actor("dev")
    assert reads.policy_versions(dev, world.now) == []
    assert reads.policy_version(dev, version.id, world.now).state == "discarded"
    with pytest.raises(PolicyRefused, match="no earlier"):
        roll_back(actor=dev, now=world.now, portfolio_id=world.portfolios["New"], reason="nothing")


def test_what_an_author_should_look_at_is_said_and_hidden_is_only_what_is(world: World) -> None:
    made = draft_policy(
        actor=world.actor("dev"),
        now=world.now,
        portfolio_id=world.portfolios["New"],
        note="tests",
        rules=[
            NewRule(name="never", effect="block", when="orders_90d > 3 AND orders_90d < 2"),
            NewRule(name="many", effect="allow", when="orders_90d > 1"),
            NewRule(name="more", effect="block", when="orders_90d > 5"),
            NewRule(name="out", effect="not_eligible", when="orders_90d > 5"),
            NewRule(name="soap", effect="adapt", when="orders_90d < 1", offers="offer_need = 'a'",
                    adaptation={"face_value_percent": 50}),
            NewRule(name="rest", effect="block", when="orders_90d < 0"),
            NewRule(name="nothing", effect="block", offers="channel = 'a' AND channel = 'b'"),
        ],
    )  # fmt: skip
    found = {(each.rule, each.problem, each.by) for each in made.findings}
    assert ("never", "never true", ()) in found
    assert ("more", "hidden", ("many",)) in found
    assert ("nothing", "never true (offers)", ()) in found
    assert not [each for each in found if each[0] in ("many", "out", "soap", "rest")]
    assert ("nothing", "always true", ()) not in found


def test_the_catalogue_of_fields_is_kept_once_for_all_that_were_typed_by_it(world: World) -> None:
    first, second = draft(world, BLOCK), draft(world)
    snapshot = CatalogSnapshot.objects.get()
    assert first.fields_digest == second.fields_digest == snapshot.digest
    names = {each["name"] for each in snapshot.fields["offers"]}
    assert {"offer_category", "channel"} <= names


def test_rest_drafts_changes_publishes_and_rolls_back(world: World) -> None:
    client, dev = TestClient(router), world.actor("dev")
    asked: dict[str, Any] = {"actor": dev, "now": world.now}
    rule = {"name": "no soap", "effect": "block", "offers": "offer_need = 'care'"}
    body = {"portfolio_id": world.portfolios["New"], "rules": [rule], "note": "care"}
    made = client.post("/policy-versions", json=body, **asked)
    assert made.status_code == 201
    version = made.json()["version"]
    assert (version["state"], version["rules"][0]["when"]) == ("draft", "true")
    twice = {"rules": [rule, rule | {"name": "again"}], "note": "care"}
    changed = client.post(f"/policy-versions/{version['id']}/rules", json=twice, **asked)
    assert ("again", "hidden") in [
        (each["rule"], each["problem"]) for each in changed.json()["findings"]
    ]
    path = f"/policy-versions/{version['id']}/publications"
    assert client.post(path, json={"reason": "go"}, **asked).json()["state"] == "in force"
    (row,) = client.get("/policy-versions", **asked).json()
    assert (row["number"], len(row["rules"])) == (1, 2)
    empty = body | {"rules": []}
    second = client.post("/policy-versions", json=empty, **asked).json()["version"]["id"]
    client.post(f"/policy-versions/{second}/publications", json={"reason": "go"}, **asked)
    back = client.post(
        f"/portfolios/{world.portfolios['New']}/rollbacks", json={"reason": "back"}, **asked
    )
    assert (back.json()["number"], back.json()["restores_id"]) == (3, version["id"])
