"""Names that come together stand for one customer, and junk and shared ones for nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import connections

from patronage.access.ports import CustomersCreated, customers_created
from patronage.access.roles import SYSTEM
from patronage.identify.identity import Bundle, Resolution, normal, resolve
from patronage.identify.models import Customer, Identifier, Profile
from patronage.vocabulary.identifiers import STANDARD, IdentifierKind, kinds_of

KINDS = kinds_of((IdentifierKind(name="mobile", form="phone", region="FR"),))


@pytest.mark.parametrize(
    ("kind", "given", "written"),
    [
        ("user_id", " A-17 ", "A-17"),
        ("user_id", "\u00e9", "\u00e9"),
        ("user_id", "e\u0301", "\u00e9"),
        ("email", "MailTo:Ann.Lee+News@B\u00fccher.Example ", "ann.lee+news@xn--bcher-kva.example"),
        ("phone", "+33 (0)1 42 68 53 00", "+33142685300"),
        ("phone", "0033142685300", "+33142685300"),
        ("mobile", "06 12 34 56 78", "+33612345678"),
        ("loyalty_card", "9876-5432 10ab", "9876543210AB"),
    ],
)
def test_spellings_of_one_name_are_one_text(kind: str, given: str, written: str) -> None:
    assert normal(KINDS[kind], given) == (written, "")
    assert normal(KINDS[kind], written) == (written, "")


@pytest.mark.parametrize(
    ("kind", "given", "why"),
    [
        *(("user_id", each, "junk") for each in ("null", "undefined", "NaN", "0000", "0", " - ")),
        ("email", "Test@Example.com", "junk"),
        ("phone", "0000000000", "junk"),
        ("loyalty_card", "111111", "junk"),
        ("user_id", "   ", "empty"),
        ("user_id", "a\0b", "malformed"),
        ("user_id", "\ud800", "malformed"),
        ("user_id", "x" * 201, "too long"),
        ("email", "ann at example", "malformed"),
        ("email", "ann@localhost", "malformed"),
        ("phone", "0142685300", "malformed"),
        ("phone", "12", "malformed"),
        ("loyalty_card", "12/<script>", "malformed"),
    ],
)
def test_what_names_nobody_is_refused_with_the_reason(kind: str, given: str, why: str) -> None:
    assert normal(KINDS[kind], given) == (None, why)


def test_a_broken_twin_without_declared_junk_lets_it_pass() -> None:
    bare = IdentifierKind(name="card", form="text")
    assert normal(bare, "shop counter") == ("shop counter", "")
    declared = IdentifierKind(name="card", form="text", junk=("Shop counter",))
    assert normal(declared, "shop counter") == (None, "junk")


def who(now: datetime, *bundles: tuple[tuple[str, str], ...], create: bool = True) -> Resolution:
    return resolve(
        actor=SYSTEM,
        now=now,
        bundles=[Bundle(names=names, at=now) for names in bundles],
        create=create,
    )


def test_names_find_or_make_their_customer_in_one_batch(
    company: None, created: list[CustomersCreated], now: datetime
) -> None:
    user, mail = ("user_id", "u1"), ("email", "Ann@Example.org")
    first = who(now, (user,), (mail, user), (user,), (("user_id", "u2"),), (("email", "null"),))
    ann, again, once_more, bob, nobody = first.customer_ids
    assert ann == again == once_more
    assert first.created == {ann, bob}
    assert (nobody, first.unnamed) == (None, {4: "no name"})
    assert [(each.bundle, each.why) for each in first.left_out] == [(4, "junk")]
    assert [each[0] for event in created for each in event.customers] == [ann, bob]
    assert Profile.objects.count() == 2
    # the address is nowhere in the clear, and found in another spelling
    assert not Identifier.objects.filter(value__icontains="ann@").exists()
    later = who(now, (("email", "ANN@example.org"),))
    assert (later.customer_ids, later.created) == ([ann], frozenset())
    looked = who(now, (("user_id", "u9"),), (user,), create=False)
    assert (looked.customer_ids, looked.unnamed) == ([None, ann], {0: "unknown"})
    assert Customer.objects.count() == 2


def test_a_shared_phone_does_not_merge_a_village(
    company: None, created: list[CustomersCreated], now: datetime
) -> None:
    phone = ("phone", "+33142685300")
    village = [(("user_id", f"u{each}"), phone) for each in range(8)]
    found = who(now, *village)
    assert len(set(found.customer_ids)) == 8
    assert found.two == []
    # five may share it; from the sixth on it says nothing
    assert [(each.bundle, each.why) for each in found.left_out] == [
        (each, "taken") for each in (5, 6, 7)
    ]
    alone = who(now, (phone,))
    assert (alone.customer_ids, alone.unnamed) == ([None], {0: "unclear"})
    assert Customer.objects.count() == 8


def test_a_broken_twin_without_limits_merges_the_village(
    company: None,
    created: list[CustomersCreated],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    boundless = tuple(
        IdentifierKind(name=each.name, form=each.form, trust=each.trust) for each in STANDARD
    )
    monkeypatch.setattr(
        "patronage.identify.identity.resolving.kinds_in_force",
        lambda: {each.name: each for each in boundless},
    )
    phone = ("phone", "+33142685300")
    found = who(now, *[(("user_id", f"u{each}"), phone) for each in range(8)])
    assert len(set(found.customer_ids)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_customer_a_name(now: datetime) -> None:
    def work(worker: int) -> list[str | None]:
        try:
            names = [(("user_id", f"u{each}"), ("device", f"d{worker}")) for each in range(20)]
            return list(who(now, *names).customer_ids)
        finally:
            connections.close_all()

    with customers_created.handled_by(lambda event: None), ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    assert all(each == found[0] for each in found)
    assert Customer.objects.count() == len(set(found[0])) == 20
