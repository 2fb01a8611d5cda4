"""The REST resources of access: who am I, the audit log, keys."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from ninja import NinjaAPI

from patronage.access.actor import actor_of_key
from patronage.access.api import router
from patronage.access.errors import NotAllowed
from patronage.access.models import ApiKey
from patronage.access.roles import Actor, Role

pytestmark = pytest.mark.django_db
ANALYST = Actor(id="usr_1", name="Ana", roles=frozenset({Role.ANALYST}))


@pytest.fixture(scope="module")
def api() -> NinjaAPI:
    mounted = NinjaAPI(urls_namespace="access-tests")
    mounted.add_router("/", router)

    @mounted.exception_handler(NotAllowed)
    def forbidden(request: object, error: NotAllowed) -> HttpResponse:
        return HttpResponse(str(error), status=403)

    return mounted


class Caller:
    """Calls the API as an actor at an instant."""

    def __init__(self, api: NinjaAPI, now: datetime) -> None:
        self._urls = api.urls[0]
        self._now = now

    def __call__(self, actor: Actor, method: str, path: str, **said: Any) -> tuple[int, Any]:
        factory = RequestFactory()
        if method == "POST":
            request = factory.post(f"/{path}", json.dumps(said), content_type="application/json")
        else:
            request = factory.get(f"/{path}", said)
        request.actor, request.now = actor, self._now  # type: ignore[attr-defined]  # as the site's middleware does
        view, given, named = next(filter(None, (url.resolve(path) for url in self._urls)))
        answer = view(request, *given, **named)
        return answer.status_code, json.loads(answer.content) if answer.content[:1] in b"{[" else ""


@pytest.fixture
def call(api: NinjaAPI, now: datetime) -> Caller:
    return Caller(api, now)


def test_me_says_who_with_which_rights(call: Caller) -> None:
    status, me = call(ANALYST, "GET", "me")
    assert (status, me["id"], me["roles"]) == (200, "usr_1", ["analyst"])
    assert "value customers" in me["rights"]
    assert "administer" not in me["rights"]


def test_the_audit_log_comes_in_pages_newest_first(call: Caller, administrator: Actor) -> None:
    for number in range(4):
        call(administrator, "POST", "keys", label=f"shop {number}", role="service")
    _, first = call(administrator, "GET", "audit", subject_kind="key", limit=3)
    _, rest = call(administrator, "GET", "audit", subject_kind="key", before=first["next"])
    labels = [row["change"]["label"] for row in first["entries"] + rest["entries"]]
    assert labels == ["shop 3", "shop 2", "shop 1", "shop 0"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 201}, {"before": "x"}, {"before": 2**63}]
)
def test_a_question_out_of_range_is_refused(
    call: Caller, administrator: Actor, wrong: dict[str, Any]
) -> None:
    assert call(administrator, "GET", "audit", **wrong)[0] == 422


def test_who_lacks_the_right_sees_no_log_and_makes_no_key(call: Caller) -> None:
    assert call(ANALYST, "GET", "audit")[0] == 403
    assert call(ANALYST, "POST", "keys", label="x", role="service")[0] == 403
    assert not ApiKey.objects.exists()


def test_a_made_key_works(call: Caller, administrator: Actor, now: datetime) -> None:
    status, made = call(administrator, "POST", "keys", label="shop", role="service")
    assert status == 201
    actor = actor_of_key(made["key"], now)
    assert actor is not None
    assert actor.id == made["id"]


def test_a_key_of_ones_own_acts_as_its_person(
    call: Caller, administrator: Actor, now: datetime
) -> None:
    role = Role.ADMINISTRATOR.value
    _, made = call(administrator, "POST", "keys", label="mine", role=role, mine=True)
    actor = actor_of_key(made["key"], now)
    assert actor is not None
    assert actor.id == administrator.id


def test_a_service_has_no_key_of_its_own(call: Caller) -> None:
    service = Actor(id="key_1", name="shop", roles=frozenset({Role.SERVICE}))
    assert call(service, "POST", "keys", label="x", role="service", mine=True)[0] == 422
