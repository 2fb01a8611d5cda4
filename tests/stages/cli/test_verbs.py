"""Each noun's verbs do what their room does, refuse in one sentence and answer machines in JSON."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from patronage.access.models import AuditEntry, RoleGrant, User
from patronage.cli.verbs import build
from patronage.customize.models import Contact, Decision, ProductTeam, Ruling
from patronage.differentiate.reads.acquisition import Acquisition, Source
from patronage.identify.models import ImportRun

from ..customize.world import AS_OF, World
from ..customize.world import build as build_world
from ..differentiate.history import NOW
from .conftest import Verb

DAY = AS_OF.isoformat()


@pytest.fixture
def world(db: None) -> World:
    """A small retailer, valued and assigned, with offers."""
    return build_world()


def test_every_noun_and_verb_explains_itself(verb: Verb) -> None:
    names = [name for name in build() if not name.startswith("-")]
    assert len(names) > 20
    for name in names:
        said = verb(name, "--help")
        assert (said.status, said.err) == (0, "")
        assert "Usage:" in said.out


def test_what_is_not_understood_ends_with_status_2(verb: Verb) -> None:
    for line in (
        ["portfolio", "explode"],
        ["value", "score"],
        ["value", "run", "--as-of", "never"],
    ):
        said = verb(*line)
        assert (said.status, said.out) == (2, "")
        assert said.err


@pytest.mark.django_db
def test_people_and_keys_are_added_and_shown(verb: Verb) -> None:
    added = verb("user", "create", "ada@example.com", "--name", "Ada", "--role", "administrator")
    assert added.status == 0
    ada = User.objects.get(email="ada@example.com")
    assert any(ada.check_password(word) for word in added.out.split()), "the password is shown"
    key = verb("--json", "key", "create", "web shop").documents[0]
    assert key["key"].startswith("pat_")
    assert verb("--json", "key", "list").documents[0]["label"] == "web shop"
    assert verb("key", "revoke", key["id"], "--reason", "test").status == 0
    assert verb("user", "grant", "ada@example.com", "analyst").status == 0
    assert RoleGrant.objects.filter(user=ada, role="analyst").exists()
    assert verb("audit", "seal").status == 0
    assert "intact" in verb("audit", "verify").out
    AuditEntry.objects.filter(number=1).update(reason="something else")
    changed = verb("audit", "verify")
    assert changed.status == 1
    assert "was changed" in changed.err


@pytest.mark.django_db
def test_a_product_team_is_made_of_people_who_work_here(verb: Verb) -> None:
    verb("user", "create", "cy@example.com", "--name", "Cy", "--role", "offer_owner")
    made = verb("offer", "team", "Books", "--member", "cy@example.com")
    assert (made.status, made.out.strip()) == (0, "'Books' proposes offers; its people: Cy.")
    refused = verb("offer", "team", "Toys", "--member", "nobody@example.com")
    assert refused.status == 1
    assert "nobody@example.com" in refused.err
    assert not ProductTeam.objects.filter(name="Toys").exists()


@pytest.mark.django_db
def test_whoever_acts_has_only_their_own_rights(verb: Verb) -> None:
    verb("user", "create", "gil@example.com", "--name", "Gil", "--role", "agent")
    refused = verb("--as", "gil@example.com", "user", "list")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("Gil does not have the right to administer.")
    assert verb("--as", "nobody@example.com", "user", "list").status == 1


@pytest.mark.django_db
def test_files_that_are_not_there_or_unfit_are_refused_in_words(verb: Verb, tmp_path: Path) -> None:
    assert "There is no file" in verb("company", "load", "company.toml").err
    (tmp_path / "company.toml").write_bytes(b"\xff\xfe")
    assert "UTF-8" in verb("company", "load", "company.toml").err
    (tmp_path / "offers.toml").write_text("[[offers]]\nreference = 'a'\n")
    assert "unknown key 'reference'" in verb("offer", "propose", "offers.toml").err
    (tmp_path / "mapping.toml").write_text("dataset = 'order_lines'\n")
    missing = verb("import", "lines.csv", "--mapping", "mapping.toml")
    assert (missing.status, missing.out) == (1, "")


def test_the_loop_runs_once_for_a_date_and_is_shown_by_every_noun(world: World, verb: Verb) -> None:
    ran = verb("--json", "cycle", "--as-of", DAY)
    assert ran.status == 0, ran.err
    stages = {each["stage"]: each for each in ran.documents}
    assert list(stages) == ["value", "assign", "decide", "deliver", "read out", "statement"]
    assert not any(each["done_before"] for each in stages.values())
    decided, contacts = Decision.objects.count(), Contact.objects.count()
    assert decided == len(world.customers)
    again = verb("--json", "cycle", "--as-of", DAY)
    assert all(each["done_before"] for each in again.documents)
    assert (Decision.objects.count(), Contact.objects.count()) == (decided, contacts)
    assert stages["deliver"]["result"]["sent"] == Contact.objects.filter(state="sent").count()

    chosen = Decision.objects.filter(outcome="offered").first()
    assert chosen is not None
    assert "comes out the same" in verb("decision", "replay", chosen.id).out
    assert verb("decision", "show", chosen.id).status == 0
    assert (
        verb("--json", "statement", "show", "--as-of", DAY).documents[0]["total"]["checksum_minor"]
        == 0
    )
    for line in (
        ["value", "show"],
        ["portfolio", "list"],
        ["customer", "show", chosen.customer_id],
        ["portfolio", "who", chosen.customer_id],
        ["offer", "list"],
        ["gate", "list"],
        ["contact", "list"],
        ["outcome", "list"],
        ["statement", "list"],
        ["profile", "rebuild"],
    ):
        said = verb(*line)
        assert (said.status, said.err) == (0, ""), line
        assert said.out.strip(), line


def test_a_said_need_and_a_ruling_change_what_comes_next(world: World, verb: Verb) -> None:
    verb("cycle", "--as-of", DAY)
    offer = world.offers["APPLES"]
    ruled = verb(
        *("--as", "ana@example.com", "gate", "rule", offer.id, "Top", "block"),
        *("--reason-code", "wrong_customers", "--reason", "They grow their own."),
    )
    assert ruled.status == 0, ruled.err
    assert Ruling.objects.get(by_default=False).effect == "block"
    foreign = verb("--as", "ana@example.com", "gate", "rule", offer.id, "Everybody else", "block")
    assert (foreign.status, "There is no portfolio" in foreign.err) == (1, True)
    customer = world.customers[0]
    assert verb("need", "record", customer, "family", "--channel", "call").status == 0
    assert "family" in verb("need", "list", customer).out
    found = verb(
        *("--json", "decision", "next", customer, "--limit", "50"), at=NOW + timedelta(minutes=1)
    ).documents
    unfit = {each["offer"] for each in found[1:] if each["worth_minor"] is None}
    assert offer.name in unfit, "an offer that does not answer the need falls out"
    assert world.offers["CEREAL"].name not in unfit


def test_a_draft_is_published_by_a_person_who_did_not_make_it(world: World, verb: Verb) -> None:
    verb("cycle", "--as-of", DAY)
    verb("user", "create", "eve@example.com", "--name", "Eve", "--role", "executive")
    verb("user", "create", "nia@example.com", "--name", "Nia", "--role", "analyst")
    nobody = verb("statement", "publish", DAY)
    assert (nobody.status, "--as" in nobody.err) == (1, True)
    unseen = verb("--as", "eve@example.com", "statement", "publish", DAY)
    assert (unseen.status, "not been reviewed" in unseen.err) == (1, True)
    assert verb("--as", "nia@example.com", "statement", "review", DAY).status == 0
    assert verb("--as", "eve@example.com", "statement", "publish", DAY).status == 0
    assert verb("statement", "grades").status == verb("statement", "handovers").status == 0
    assert verb("--json", "statement", "list").documents[0]["state"] == "published"


@pytest.mark.django_db
def test_entry_channels_and_quarters_stand_in_tables_of_their_own(
    verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source(name: str) -> Source:
        return Source(name=name, customers=1, over=1, each_minor=1, allowed_minor=1, budget_minor=1)

    found = Acquisition(
        run_id="val_1",
        as_of=AS_OF,
        currency="USD",
        window_days=90,
        outcome_days=90,
        share=0.3,
        matured=0,
        tests={},
        prospect_minor=None,
        prospect_allowed_minor=None,
        periods=[source("2024-Q4")],
        channels=[source("web shop")],
        newcomers=[],
        coming=0,
    )
    monkeypatch.setattr("patronage.cli.steering.read_acquisition", lambda *_, **__: found)
    said = verb("value", "acquisition").out
    order = ["By entry channel", "web shop", "By quarter of the first order", "2024-Q4"]
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    records = verb("--json", "value", "acquisition").documents
    assert [each["channel"] for each in records if "channel" in each] == ["web shop"]
    assert [each["quarter"] for each in records if "quarter" in each] == ["2024-Q4"]


def test_hand_overs_move_customers_and_dry_runs_write_nothing(world: World, verb: Verb) -> None:
    customer = world.customers[0]
    before = verb("--json", "portfolio", "who", customer).documents[0]["portfolio"]
    to = next(name for name in world.portfolios if name != before)
    assert verb("portfolio", "assign", "--dry-run").status == 0
    moved = verb("portfolio", "handover", customer, "--to", to, "--reason", "asked for Ana")
    assert moved.status == 0, moved.err
    assert verb("--json", "portfolio", "who", customer).documents[0]["portfolio"] == to


def test_an_import_says_what_landed_and_what_did_not(
    world: World, verb: Verb, tmp_path: Path
) -> None:
    columns = ("product_id", "department", "category")
    (tmp_path / "products.toml").write_text(
        'dataset = "products"\nformat = "csv"\nkey = ["product_id"]\n'
        + "".join(f'[columns.{name}]\nfrom = "{name}"\n' for name in columns)
    )
    (tmp_path / "products.csv").write_text(
        "product_id,department,category\np1,PRODUCE,PEARS\n,PRODUCE,PLUMS\n"
    )
    said = verb("--json", "import", "products.csv", "--mapping", "products.toml")
    assert said.status == 0, said.err
    counts, aside = said.documents[0], said.documents[1]
    assert (counts["read"], counts["landed"], counts["quarantined"]) == (2, 1, 1)
    assert (aside["line"], aside["column"]) == (3, "product_id")
    line = ("import", "products.csv", "--mapping", "products.toml")
    again = verb(*line, at=NOW + timedelta(minutes=1))
    assert "nothing was done again" in again.out
    assert ImportRun.objects.filter(state="applied").count() == 1
