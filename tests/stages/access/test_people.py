"""People, roles and keys: who may do what, from when to when, and who said so."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth import authenticate

from patronage.access.actor import actor_of_key, actor_of_user
from patronage.access.errors import NotAllowed, NotFound, Refused
from patronage.access.keys import create_key, revoke_key
from patronage.access.models import ApiKey, AuditEntry, RoleGrant, User
from patronage.access.people import (
    LastAdministrator,
    close_account,
    create_user,
    grant_role,
    revoke_role,
    set_password,
)
from patronage.access.reads import keys, people
from patronage.access.roles import SYSTEM, Actor, Right, Role

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOBODY = Actor(id="usr_nobody", name="Nobody", roles=frozenset())


def manager(administrator: Actor, now: datetime, email: str = "mia@example.com") -> User:
    return create_user(
        actor=administrator,
        now=now,
        email=email,
        name="Mia",
        password="another long phrase",
        roles=[Role.MANAGER],
        reason="joins",
    )


def test_a_new_person_can_log_in_whatever_the_case_of_the_address(
    administrator: Actor, now: datetime
) -> None:
    user = manager(administrator, now)
    assert authenticate(username="MIA@example.com", password="another long phrase") == user
    assert authenticate(username="mia@example.com", password="something else") is None
    assert actor_of_user(user, now).roles == {Role.MANAGER}


def test_each_change_of_people_leaves_a_row_with_who_and_why(
    administrator: Actor, now: datetime
) -> None:
    user = manager(administrator, now)
    rows = AuditEntry.objects.filter(subject_id=user.id).order_by("id")
    assert [row.action for row in rows] == ["create person", "grant role"]
    assert {row.actor_id for row in rows} == {administrator.id}
    assert {row.reason for row in rows} == {"joins"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"email": "not an address"}, "not an e-mail address"),
        ({"email": "ADA@example.com "}, "already a person"),
        ({"name": "  "}, "1 to 200"),
        ({"name": "line\nbreak"}, "printable"),
        ({"password": "short"}, "too short"),
        ({"password": "password1"}, "too common"),
    ],
)
def test_a_person_that_does_not_fit_is_refused_and_not_added(
    administrator: Actor, now: datetime, change: dict[str, str], message: str
) -> None:
    given = {"email": "mia@example.com", "name": "Mia", "password": "another long phrase"} | change
    with pytest.raises(Refused, match=message):
        create_user(
            actor=administrator,
            now=now,
            email=given["email"],
            name=given["name"],
            password=given["password"],
            roles=[],
            reason="",
        )
    assert User.objects.count() == 1


def test_only_administrators_change_people(administrator_user: User, now: datetime) -> None:
    everyone_else = frozenset(Role) - {Role.ADMINISTRATOR}
    actor = Actor(id="usr_x", name="X", roles=everyone_else)
    person = administrator_user.id
    with pytest.raises(NotAllowed):
        manager(actor, now)
    with pytest.raises(NotAllowed):
        grant_role(actor=actor, now=now, user_id=person, role=Role.AGENT, reason="")
    with pytest.raises(NotAllowed):
        revoke_role(actor=actor, now=now, user_id=person, role=Role.ADMINISTRATOR, reason="")
    with pytest.raises(NotAllowed):
        close_account(actor=actor, now=now, user_id=person, reason="")
    with pytest.raises(NotAllowed):
        set_password(actor=actor, now=now, user_id=person, password="a new long phrase")
    with pytest.raises(NotAllowed):
        create_key(actor=actor, now=now, label="k", role=Role.SERVICE)
    with pytest.raises(NotAllowed):
        revoke_key(actor=actor, now=now, key_id="key_absent", reason="")


def test_a_role_counts_from_when_it_is_granted_until_it_is_revoked(
    administrator: Actor, now: datetime
) -> None:
    user = manager(administrator, now)
    grant_role(actor=administrator, now=now + HOUR, user_id=user.id, role=Role.AGENT, reason="+")
    revoke_role(
        actor=administrator, now=now + 2 * HOUR, user_id=user.id, role=Role.MANAGER, reason="-"
    )
    assert actor_of_user(user, now).roles == {Role.MANAGER}
    assert actor_of_user(user, now + HOUR).roles == {Role.MANAGER, Role.AGENT}
    assert actor_of_user(user, now + 2 * HOUR).roles == {Role.AGENT}
    assert actor_of_user(user, now - HOUR).roles == frozenset()


def test_granting_a_role_twice_keeps_the_first_grant(administrator: Actor, now: datetime) -> None:
    user = manager(administrator, now)
    again = grant_role(
        actor=administrator, now=now + HOUR, user_id=user.id, role=Role.MANAGER, reason="again"
    )
    assert again.starts_at == now
    assert RoleGrant.objects.filter(user=user).count() == 1


def test_a_role_that_is_not_held_cannot_be_revoked(administrator: Actor, now: datetime) -> None:
    user = manager(administrator, now)
    with pytest.raises(Refused, match="does not hold"):
        revoke_role(actor=administrator, now=now, user_id=user.id, role=Role.AGENT, reason="")


def test_the_last_administrator_stays_one(
    administrator: Actor, administrator_user: User, now: datetime
) -> None:
    second = manager(administrator, now)
    grant_role(
        actor=administrator, now=now, user_id=second.id, role=Role.ADMINISTRATOR, reason="deputy"
    )
    close_account(actor=administrator, now=now, user_id=second.id, reason="left")
    with pytest.raises(LastAdministrator, match="Ada"):
        revoke_role(
            actor=SYSTEM,
            now=now,
            user_id=administrator_user.id,
            role=Role.ADMINISTRATOR,
            reason="",
        )
    with pytest.raises(LastAdministrator):
        close_account(actor=SYSTEM, now=now, user_id=administrator_user.id, reason="")
    assert actor_of_user(administrator_user, now).may(Right.ADMINISTER)


def test_a_closed_account_has_no_roles_and_no_log_in(administrator: Actor, now: datetime) -> None:
    user = manager(administrator, now)
    _, raw = create_key(
        actor=administrator, now=now, label="notebook", role=Role.MANAGER, user=user
    )
    assert actor_of_key(raw, now) is not None
    closed = close_account(actor=administrator, now=now, user_id=user.id, reason="left")
    assert actor_of_user(closed, now).roles == frozenset()
    assert actor_of_key(raw, now) is None
    assert authenticate(username="mia@example.com", password="another long phrase") is None


def test_people_change_their_own_password(administrator: Actor, now: datetime) -> None:
    user = manager(administrator, now)
    me = actor_of_user(user, now)
    set_password(actor=me, now=now, user_id=user.id, password="quite another phrase")
    assert authenticate(username="mia@example.com", password="quite another phrase") == user
    with pytest.raises(NotFound):
        set_password(actor=administrator, now=now, user_id="usr_absent", password="x" * 12)


def test_a_service_key_acts_as_itself_and_only_its_digest_is_kept(
    administrator: Actor, now: datetime
) -> None:
    key, raw = create_key(actor=administrator, now=now, label="shop", role=Role.SERVICE)
    actor = actor_of_key(raw, now)
    assert actor == Actor(id=key.id, name="shop", roles=frozenset({Role.SERVICE}))
    assert raw not in str(ApiKey.objects.filter(pk=key.id).values().get())
    assert len(raw) > 43


def test_a_persons_key_loses_its_role_with_the_person(administrator: Actor, now: datetime) -> None:
    user = manager(administrator, now)
    me = actor_of_user(user, now)
    _, raw = create_key(actor=me, now=now, label="notebook", role=Role.MANAGER, user=user)
    acting = actor_of_key(raw, now)
    assert acting is not None
    assert acting.id == user.id
    assert acting.roles == {Role.MANAGER}
    revoke_role(
        actor=administrator, now=now + HOUR, user_id=user.id, role=Role.MANAGER, reason="moves"
    )
    assert actor_of_key(raw, now + HOUR) is None


def test_a_person_cannot_make_a_key_with_more_rights_than_they_have(
    administrator: Actor, now: datetime
) -> None:
    user = manager(administrator, now)
    me = actor_of_user(user, now)
    with pytest.raises(NotAllowed):
        create_key(actor=me, now=now, label="x", role=Role.ADMINISTRATOR, user=user)


def test_a_revoked_key_is_refused_from_that_instant(administrator: Actor, now: datetime) -> None:
    key, raw = create_key(actor=administrator, now=now, label="shop", role=Role.SERVICE)
    revoke_key(actor=administrator, now=now + HOUR, key_id=key.id, reason="leaked")
    assert actor_of_key(raw, now + HOUR - timedelta(microseconds=1)) is not None
    assert actor_of_key(raw, now + HOUR) is None
    revoke_key(actor=administrator, now=now + 2 * HOUR, key_id=key.id, reason="again")
    key.refresh_from_db()
    assert key.revoked_at == now + HOUR


def test_anothers_key_looks_like_an_absent_one(administrator: Actor, now: datetime) -> None:
    mia = actor_of_user(manager(administrator, now), now)
    key, _ = create_key(actor=administrator, now=now, label="shop", role=Role.SERVICE)
    answers = []
    for key_id in (key.id, "key_absent"):
        with pytest.raises(NotAllowed) as refused:
            revoke_key(actor=mia, now=now, key_id=key_id, reason="")
        answers.append(str(refused.value))
    assert answers[0] == answers[1]


def test_lists_of_people_and_keys_show_what_the_actor_may_change(
    administrator: Actor, administrator_user: User, now: datetime
) -> None:
    mia = manager(administrator, now)
    me = actor_of_user(mia, now)
    shop, _ = create_key(actor=administrator, now=now, label="shop", role=Role.SERVICE)
    mine, _ = create_key(actor=me, now=now + HOUR, label="notebook", role=Role.MANAGER, user=mia)
    assert people(administrator) == [administrator_user, mia]
    assert keys(administrator) == [mine, shop]
    assert keys(me) == [mine]
    with pytest.raises(NotAllowed):
        people(me)


@pytest.mark.parametrize("raw", ["", "pat_wrong", "ü", "\ud800", "x" * 100_000])
def test_a_key_nobody_made_opens_nothing(db: None, now: datetime, raw: str) -> None:
    assert actor_of_key(raw, now) is None
