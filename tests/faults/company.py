"""A retailer with somebody in every role and two of everything: one's own and another's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.test import Client

from patronage.access.actor import actor_of_user
from patronage.access.keys import create_key, revoke_key
from patronage.access.models import User
from patronage.access.people import create_user, grant_role
from patronage.access.roles import SYSTEM, Role
from patronage.customize.actions import rule
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, Offer
from patronage.differentiate.actions import open_ranking, record_need, vote
from patronage.govern.actions import (
    arrange_cover,
    delegate_account,
    draft_policy,
    grant_lever,
    make_claim,
    open_account,
    publish_policy,
    pull_lever,
    set_boundary,
)
from patronage.govern.boundaries import NewBoundary
from patronage.govern.models import Accountability, Standing
from patronage.identify.models import ImportRun
from patronage.learn.jobs import read_out
from patronage.steer.jobs import draft_statement

from ..stages.customize.world import AS_OF, BEGINNING, PASSWORD, World, build
from ..stages.differentiate.history import NOW
from ..stages.remembered import Remembered

#: when everybody calls
CALLED = NOW + timedelta(days=1)
_MORE = {
    "eva": Role.EXECUTIVE,
    "adam": Role.ADMINISTRATOR,
    "nina": Role.ANALYST,
    "dora": Role.MANAGER,
    "carl": Role.CAPABILITIES_MANAGER,
    "hal": Role.COMPLAINT_HANDLER,
}
#: who stands for each role that people have
PEOPLE = {
    Role.EXECUTIVE: "eva",
    Role.MANAGER: "ana",
    Role.OFFER_OWNER: "olga",
    Role.AGENT: "agent",
    Role.ANALYST: "nina",
    Role.ADMINISTRATOR: "adam",
    # Ana is in charge of an account too: what she manages is hers in either role
    Role.KEY_ACCOUNT_MANAGER: "ana",
    Role.CAPABILITIES_MANAGER: "carl",
    Role.COMPLAINT_HANDLER: "hal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """One of everything, by the names that addresses use."""

    customer_id: str
    portfolio_id: str
    offer_id: str
    decision_id: str
    contact_id: str
    need_id: str
    #: Omar, and Ben: neither stands for a role here
    user_id: str
    key_id: str
    #: Dora stands in for the portfolio's manager one day long, long after
    cover_id: str
    #: Dora, who manages no portfolio
    deputy_id: str
    #: a draft of the portfolio's rules, after two versions that were published
    version_id: str
    #: the portfolio manager's right to messages
    grant_id: str
    #: one message that the manager used it for
    use_id: str
    #: name of the team whose offer it is
    team: str
    #: for the portfolio that holds the customer already, so that nothing competes
    claim_id: str
    #: a contact with the customer against leaving them in peace, and the first of these claims
    conflict_id: str
    contact_claim_id: str
    #: the portfolio manager's word on its customer
    ruling_id: str
    #: on top of a tree that the portfolio holds, and Dora's help with it
    account_id: str
    account_delegation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The retailer, and what belongs to whom."""

    world: World
    #: of Ana, who manages "Top", and of Olga's team "Fresh"
    own: Things
    #: of Ben and of Omar's team "Dry"
    foreign: Things
    statement_id: str
    ranking_id: str
    read_out_id: str
    import_id: str
    #: of the enterprise
    boundary_id: str
    #: raw key by role
    keys: dict[Role, str]
    revoked: str

    @property
    def absent(self) -> Things:
        """What nobody has, called as if somebody had."""
        names = Things.__dataclass_fields__
        return replace(self.own, **{name: _like(getattr(self.own, name)) for name in names})

    def by_key(self, key: str) -> Client:
        """Calls with a key."""
        return Client(headers={"authorization": f"Bearer {key}"})

    def by_session(self, role: Role) -> Client:
        """Calls as the person of a role who is logged in."""
        client = Client()
        client.force_login(User.objects.get(email=f"{PEOPLE[role]}@example.com"))
        return client


def _made() -> Company:
    world = build()
    for name, role in _MORE.items():
        create_user(
            actor=SYSTEM,
            now=BEGINNING,
            email=f"{name}@example.com",
            name=name.title(),
            password=PASSWORD,
            roles=[role],
            reason="tests",
        )
    grant_role(
        actor=SYSTEM,
        now=BEGINNING,
        user_id=world.ana.id,
        role=Role.KEY_ACCOUNT_MANAGER,
        reason="tests",
    )
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    statement = draft_statement(actor=SYSTEM, now=NOW, as_of=AS_OF)
    read = read_out(actor=SYSTEM, now=NOW, as_of=AS_OF)
    brought = ImportRun.objects.create(
        mapping="tests", dataset="order_lines", file_name="lines.csv", file_digest="0",
        mapping_digest="0", state="applied", actor_id="system", started_at=NOW,
    )  # fmt: skip
    top, rest = world.portfolios["Top"].id, world.portfolios["Everybody else"].id
    own = _things(top, world.offers["APPLES"].id, "Omar")
    foreign = _things(rest, world.offers["CEREAL"].id, "Ben")
    keys, revoked = _keys()
    return Company(
        world=world,
        own=own,
        foreign=foreign,
        statement_id=statement.id,
        ranking_id=_ranked([own.customer_id, foreign.customer_id]),
        read_out_id=read.id,
        import_id=brought.id,
        boundary_id=_bounded(),
        keys=keys,
        revoked=revoked,
    )


#: Builds, decides, drafts, reads out; nothing is sent yet.
set_up: Final = Remembered(_made)


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever a call changed."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _ranked(customer_ids: list[str]) -> str:
    """A ranking in which everybody has a score, opened by nobody who calls."""
    made = open_ranking(
        actor=SYSTEM,
        now=NOW,
        name="Clients",
        purpose="tests",
        criteria={"fit": 1.0},
        customer_ids=customer_ids,
    )
    for each in customer_ids:
        vote(actor=SYSTEM, now=NOW, ranking_id=made.id, customer_id=each, scores={"fit": 5})
    return made.id


def _keys() -> tuple[dict[Role, str], str]:
    keys: dict[Role, str] = {}
    for role in Role:
        email = f"{PEOPLE.get(role, '')}@example.com"
        user = User.objects.filter(email=email).first()
        _, keys[role] = create_key(actor=SYSTEM, now=NOW, label=role, role=role, user=user)
    made, revoked = create_key(actor=SYSTEM, now=NOW, label="old", role=Role.EXECUTIVE)
    revoke_key(actor=SYSTEM, now=NOW, key_id=made.id, reason="tests")
    return keys, revoked


def _things(portfolio_id: str, offer_id: str, person: str) -> Things:
    held = Standing.objects.filter(portfolio_id=portfolio_id).values("customer_id")
    contact = Contact.objects.filter(customer__in=held).order_by("id")[0]
    customer_id: str = contact.customer_id
    said: Any = {"customer_id": customer_id, "name": "fresh", "channel": "call"}
    need = record_need(actor=SYSTEM, now=NOW, **said)
    deputy = User.objects.get(email="dora@example.com")
    cover = arrange_cover(
        actor=SYSTEM,
        now=NOW,
        portfolio_id=portfolio_id,
        deputy_id=deputy.id,
        reason="tests",
        starts_at=NOW + timedelta(days=300),
        ends_at=NOW + timedelta(days=301),
    )
    return Things(
        customer_id=customer_id,
        portfolio_id=portfolio_id,
        offer_id=offer_id,
        decision_id=Decision.objects.get(id=contact.decision_id).id,
        contact_id=contact.id,
        need_id=need.id,
        user_id=User.objects.get(name=person).id,
        key_id=create_key(actor=SYSTEM, now=NOW, label="till", role=Role.SERVICE)[0].id,
        cover_id=cover.id,
        deputy_id=deputy.id,
        version_id=_drafted(portfolio_id),
        ruling_id=_ruled(portfolio_id, offer_id, customer_id),
        team=Offer.objects.get(pk=offer_id).team.name,
        **_levers(portfolio_id, customer_id),
        **_claims(portfolio_id, customer_id, offer_id),
        **_accounts(portfolio_id, deputy.id),
    )


def _accounts(portfolio_id: str, helper_id: str) -> dict[str, str]:
    said: Any = {"actor": SYSTEM, "now": NOW, "reason": "tests"}
    account = open_account(name=f"Group of {portfolio_id}", portfolio_id=portfolio_id, **said)
    helps = delegate_account(account_id=account.id, manager_id=helper_id, **said)
    return {"account_id": account.id, "account_delegation_id": helps.id}


def _claims(portfolio_id: str, customer_id: str, offer_id: str) -> dict[str, str]:
    asked: dict[str, Any] = {"actor": SYSTEM, "now": NOW, "customer_id": customer_id}
    alone = make_claim(kind="portfolio", grounds="region", portfolio_id=portfolio_id, **asked)
    contact = make_claim(kind="contact", grounds="launch", offer_id=offer_id, **asked)
    against = make_claim(kind="quiet", grounds="complaint", **asked)
    return {
        "claim_id": alone.id,
        "conflict_id": against.conflict_id or "",
        "contact_claim_id": contact.id,
    }


def _ruled(portfolio_id: str, offer_id: str, customer_id: str) -> str:
    said: Any = {"effect": "allow", "reason_code": "fits", "customer_id": customer_id}
    return rule(actor=SYSTEM, now=NOW, offer_id=offer_id, portfolio_id=portfolio_id, **said).id


def _bounded() -> str:
    new = NewBoundary(name="Messages", kind="contact_cap", source="board", limit=50)
    return set_boundary(actor=SYSTEM, now=NOW, new=new, reason="tests").id


def _levers(portfolio_id: str, customer_id: str) -> dict[str, str]:
    given: Any = {"lever": "message", "limit": 5, "per": "use", "reason": "tests"}
    grant = grant_lever(actor=SYSTEM, now=NOW, portfolio_id=portfolio_id, **given)
    manager = Accountability.objects.filter(portfolio=portfolio_id).latest("starts_at").manager
    used = pull_lever(
        actor=actor_of_user(manager, NOW),
        now=NOW,
        customer_id=customer_id,
        lever="message",
        amount=1,
        reason="tests",
    )
    return {"grant_id": grant.id, "use_id": used.id}


def _drafted(portfolio_id: str) -> str:
    written: Any = {"portfolio_id": portfolio_id, "rules": [], "note": "tests"}
    for _ in range(2):
        made = draft_policy(actor=SYSTEM, now=NOW, **written).version
        publish_policy(actor=SYSTEM, now=NOW, version_id=made.id, reason="tests")
    return draft_policy(actor=SYSTEM, now=NOW, **written).version.id


def _like(id: str) -> str:
    """An id of the same form that nothing has."""
    return id[:4] + "x" * (len(id) - 4)
