"""R19: of an erased person nothing is left in any file, and no figure has moved."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.db.models import Count, Sum
from pytest_django import Settings

from patronage.access import datasets, vault
from patronage.access.backups import take_backup
from patronage.access.key_file import KeyFile, key_file
from patronage.access.models import Erasure
from patronage.access.ports import customers_erased
from patronage.access.roles import SYSTEM
from patronage.customize.models import Contact, Decision, Ruling
from patronage.differentiate.actions import record_need
from patronage.differentiate.models import Need, ObjectiveOverride
from patronage.govern.models import Claim, FenceChange, Membership
from patronage.identify.actions import record_consent
from patronage.identify.erasing import erase_customer
from patronage.identify.models import Consent, Customer, Fact, Identifier, Profile
from patronage.identify.reads import standing_consents
from patronage.identify.suppression import suppressed
from patronage.interact.jobs import deliver
from patronage.steer.models import StatementLine

from ..stages.remembered import Remembered, all_rows
from . import company
from .test_r22_backup import land

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.trial]
TOKENS = 50
EMAIL = "Somebody.{}@example.org"
_SET_UP = Remembered(company.set_up)


class Planted:
    """A person with tokens behind every door, and where the store's files are."""

    def __init__(self, places: list[Path]) -> None:
        made = _SET_UP()
        contact = Contact.objects.filter(customer=made.own.customer_id).order_by("id")[0]
        self.id: str = contact.customer_id
        self.channel = contact.channel
        self.places = places
        #: of what is sealed; and of what is kept openly, since it is declared not to name anybody
        self.sealed = [secrets.token_hex(8) for _ in range(TOKENS // 2)]
        self.open = [secrets.token_hex(8) for _ in range(TOKENS // 2)]
        self.email = EMAIL.format(self.sealed[0])
        self._seal()
        self._leave_open()
        deliver(actor=SYSTEM, now=company.CALLED)

    def _seal(self) -> None:
        names = ("email", "name", "phone", "street", "birthday")
        texts = [self.email, *self.sealed[1:5]]
        for name, text in zip(names, texts, strict=True):
            vault.put(self.id, name, text, company.CALLED, searchable=True)
        for token in self.sealed[5:]:
            record_need(
                actor=SYSTEM, now=company.CALLED, customer_id=self.id, name="fresh",
                channel="call", note=f"They said {token} ☎",
            )  # fmt: skip

    def _leave_open(self) -> None:
        known, words, facts = self.open[:5], iter(self.open[5:15]), self.open[15:]
        for token in known:
            Identifier.objects.create(
                customer_id=self.id, kind=f"card {token}", value=token, recorded_at=company.CALLED
            )
        for token in facts:
            Fact.objects.create(
                customer_id=self.id, name=token, value=token, source=token,
                observed_at=company.CALLED, recorded_at=company.CALLED,
            )  # fmt: skip
        land([self.id], company.CALLED, value=facts[0])
        for model, name in (
            (Claim, "words"), (Membership, "reason"), (Need, "closed_reason"), (Consent, "source"),
        ):  # fmt: skip
            rows: Any = model._default_manager.filter(customer=self.id)
            assert rows.update(**{name: next(words)}), model
        portfolio = Membership.objects.filter(customer=self.id)[0].portfolio_id
        FenceChange.objects.create(
            customer_id=self.id, portfolio_id=portfolio, inside=False, by_hand=True, cause="hand",
            reason=next(words), actor_id="usr", recorded_at=company.CALLED,
        )  # fmt: skip
        ObjectiveOverride.objects.create(
            customer_id=self.id,
            objective="grow",
            reason=next(words),
            since=company.CALLED.date(),
            set_by="usr",
            set_at=company.CALLED,
        )
        assert Ruling.objects.filter(customer=self.id).update(reason=next(words))

    def hits(self, tokens: list[str]) -> dict[str, set[str]]:
        """Which tokens stand where: in any file, and in any row of a store that is no file."""
        found: dict[str, set[str]] = {}
        for place, content in self._contents():
            low = content.lower()
            here = {token for token in tokens if token.encode() in low}
            if here:
                found[place] = here
        return found

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        for root in self.places:
            for path in root.rglob("*") if root.is_dir() else root.parent.glob(f"{root.name}*"):
                if not path.is_file():
                    continue
                yield str(path), path.read_bytes()
                if path.suffix == ".parquet":
                    yield f"{path}, unpacked", str(pq.read_table(path).to_pydict()).encode()
        for table, rows in all_rows():
            yield table, rows if isinstance(rows, bytes) else repr(rows).encode()


@pytest.fixture
def planted(settings: Settings, tmp_path: Path) -> Planted:
    settings.KEYS_BACKUP = tmp_path / "elsewhere" / "keys.sqlite3"
    places = [tmp_path]
    if connection.vendor == "sqlite":
        places.append(Path(str(connection.settings_dict["NAME"])))
    return Planted(places)


def figures() -> dict[str, Any]:
    """What a person's leaving must not move."""
    lines = datasets.read("order_lines")
    sums = Profile.objects.aggregate(Sum("spend_minor"), Sum("orders"), Count("customer"))
    return sums | {
        "decisions": Decision.objects.count(),
        "contacts": Contact.objects.count(),
        "consents": Consent.objects.count(),
        "memberships": Membership.objects.count(),
        "statement": list(StatementLine.objects.order_by("id").values_list("amount_minor")),
        "lines": datasets.warehouse().connection.execute(lines.count()),
        "revenue": datasets.warehouse().connection.execute(lines.amount_minor.sum()),
    }


def test_nothing_of_an_erased_person_is_left_and_no_figure_moves(
    planted: Planted, tmp_path: Path
) -> None:
    tokens = planted.sealed + planted.open
    assert len(set(tokens)) == TOKENS
    earlier = take_backup(actor=SYSTEM, now=company.CALLED, into=tmp_path / "backups")
    assert planted.hits(planted.open), "the scan sees what stands openly"
    assert not planted.hits(planted.sealed)
    before = figures()
    made = erase_customer(actor=SYSTEM, now=company.CALLED, customer_id=planted.id, reason="asked")
    assert figures() == before
    # in no file, and no backup, can anything sealed be read
    assert not planted.hits(planted.sealed)
    assert not key_file().find([planted.id])
    with closing(KeyFile(Path(str(tmp_path / "elsewhere" / "keys.sqlite3")))) as keys:
        assert not keys.find([planted.id])
    # what was kept openly is left in the backup that was taken before, and nowhere else
    left = planted.hits(tokens)
    assert [place for place in left if not place.startswith(str(earlier.folder))] == []
    later = take_backup(
        actor=SYSTEM, now=company.CALLED + timedelta(days=1), into=tmp_path / "backups"
    )
    assert [place for place in planted.hits(tokens) if place.startswith(str(later.folder))] == []
    assert (made.key_destroyed, made.keys_backup) == (True, "destroyed")
    assert made.removed["vault: values"] >= len(planted.sealed)
    assert made.removed["warehouse: rows of facts"] == 1
    assert Erasure.objects.count() == 1


def test_the_broken_twin_in_which_no_room_hears_of_it_is_found(planted: Planted) -> None:
    with customers_erased.handled_by():
        erase_customer(actor=SYSTEM, now=company.CALLED, customer_id=planted.id, reason="asked")
    assert Customer.objects.get(pk=planted.id).erased_at is None
    assert planted.hits(planted.open)


def test_whoever_bears_the_address_later_gets_no_marketing(planted: Planted) -> None:
    erase_customer(actor=SYSTEM, now=company.CALLED, customer_id=planted.id, reason="asked")
    again = Customer.objects.exclude(pk=planted.id).exclude(erased_at__isnull=False)[0]
    for state in ("withdrawn", "given"):
        record_consent(
            actor=SYSTEM, now=company.CALLED, customer_id=again.id, purpose="marketing",
            channel=planted.channel, state=state, source="tests",
            valid_from=company.CALLED - timedelta(hours=state == "withdrawn"),
        )  # fmt: skip

    def stands() -> bool:
        found = standing_consents(company.CALLED, channel=planted.channel)
        return again.id in found["customer_id"].to_pylist()

    assert stands()
    vault.put(again.id, "name", planted.sealed[1], company.CALLED, searchable=True)
    assert stands(), "a namesake is somebody else"
    vault.put(again.id, "email", f" {planted.email.upper()}", company.CALLED, searchable=True)
    assert suppressed() == suppressed([again.id]) == {again.id}
    assert not stands()
