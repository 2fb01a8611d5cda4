"""Does every reason, effect and state have words, and are they there in French too?"""

from __future__ import annotations

import ast
import gettext
import pickle
import re
from pathlib import Path

import pytest
from django.utils import translation
from playwright.sync_api import expect

import patronage
from patronage.access.asking import in_words
from patronage.access.errors import NotFound, PatronageError
from patronage.access.roles import Right
from patronage.customize import words
from patronage.customize.actions import REASONS
from patronage.customize.actions.rulings import EFFECTS
from patronage.interact.pages.advice import ADVICE_WORDS
from patronage.science.arbitration import REASON_WORDS, Reason
from patronage.vocabulary.fields import Field, FieldCatalog
from patronage.vocabulary.predicates import Predicate, PredicateError

from ..stages.customize.world import World
from ..stages.site.test_gallery import keep_picture
from .conftest import LogIn

ROOT = Path(next(iter(patronage.__path__)))
STAGES = ("identify", "differentiate", "govern", "customize", "interact", "learn", "steer")
TRANSLATED = re.compile(r"""\{% translate (?:"([^"]+)"|'([^']+)')""")
ASKS_FOR_A_TEXT = {"_", "gettext", "gettext_lazy"}
#: written alike in both languages
ALIKE = {
    "Options",
    "Agents",
    "Client",
    "Clients",
    "Condition",
    "Contact",
    "Contacts",
    "Horizon",
    "Imports",
    "Message",
    "Satisfaction",
    "Segments",
    "Service",
    "Signal",
    "Source",
    "date",
}


#: whose refusals are said in the reader's language
REFUSING = ("access", "govern", "customize")
#: read by whoever runs the installation, in its log or on the command line
FOR_OPERATORS = {
    "access/checks.py",
    "access/key_file.py",
    "access/ports.py",
    "access/sqlite/write_lock.py",
    "access/store.py",
    *(f"access/backups/{each.name}" for each in (ROOT / "access" / "backups").glob("*.py")),
}
#: stored as they are: codes with words of their own, and what is no refusal
STORED = {
    *REASONS.values(),
    "The portfolio's default policy; nobody has ruled yet.",
    "The version before was not let through; this one waits for a ruling.",
    "Nobody ruled within … days.",
}
SAYS = ASKS_FOR_A_TEXT | {"gettext_noop", "_noop", "_lazy", "ngettext", "Sentence"}
#: what raises the refusal of a condition, within the language itself
REFUSING_A_CONDITION = {"PredicateError", "at", "_fault", "refuse", "_refuse"}
#: of these words of a call the reader never hears
UNHEARD = {"help_text", "noun", "violation_error_message", "description", "summary"}


def french(stage: str) -> gettext.GNUTranslations:
    path = ROOT / stage / "locale/fr/LC_MESSAGES/django.mo"
    with path.open("rb") as compiled:
        return gettext.GNUTranslations(compiled)


def texts(stage: str) -> set[str]:
    """What a stage's templates and modules show; a template's per cent sign is looked up double."""
    found = {
        (double or single).replace("%", "%%")
        for path in (ROOT / stage / "templates").rglob("*.html")
        for double, single in TRANSLATED.findall(path.read_text(encoding="utf-8"))
    }
    for path in (ROOT / stage).rglob("*.py"):
        found.update(in_python(path.read_text(encoding="utf-8")))
    return found


def in_python(source: str) -> set[str]:
    """Every text that is asked for by itself, written in one piece or in several."""
    return {
        call.args[0].value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ASKS_FOR_A_TEXT
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_every_reason_effect_and_outcome_can_be_shown() -> None:
    assert set(words.REASON_NAMES) == set(words.REASON_WORDS)
    english = {name.lower(): REASON_WORDS[Reason[name]] for name in Reason.__members__}
    assert {name: str(text) for name, text in words.REASON_WORDS.items()} == english
    for code, text in REASONS.items():
        assert str(words.RULING_WORDS[code]) == text
    assert set(words.REASONS_READY) == set(EFFECTS)
    assert {code for ready in words.REASONS_READY.values() for code in ready} == set(REASONS)
    assert set(ADVICE_WORDS) == set(words.OUTCOME_WORDS)


@pytest.mark.parametrize("stage", STAGES)
def test_every_text_of_a_stages_pages_has_a_french_one(stage: str) -> None:
    known = french(stage)
    found = texts(stage)
    assert len(found) > 15
    assert {text for text in found if known.gettext(text) == text} - ALIKE == set()


@pytest.mark.parametrize("stage", STAGES)
def test_placeholders_survive_translation(stage: str) -> None:
    source = (ROOT / stage / "locale/fr/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    pairs = re.findall(r'msgid "(.+)"\nmsgstr "(.+)"', source)
    assert pairs
    for original, translated in pairs:
        names = re.findall(r"%\((\w+)\)", original)
        assert sorted(re.findall(r"%\((\w+)\)", translated)) == sorted(names), original


def unsaid(source: str) -> set[str]:
    """Sentences, and arguments of refusals, that no one asks for in the reader's language."""
    found: set[str] = set()
    _look(ast.parse(source), found, refusing=False)
    return found - STORED


def _look(node: ast.AST, found: set[str], *, refusing: bool) -> None:
    text = _text(node)
    if text is not None:
        if " " in text and (refusing or text.endswith((".", "?"))):
            found.add(text)
        return
    if isinstance(node, ast.Expr) and _text(node.value) is not None:  # a docstring
        return
    if isinstance(node, ast.keyword) and node.arg in UNHEARD:
        return
    if isinstance(node, ast.Call):
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if called in SAYS:
            return
        refusing = called in REFUSALS or called == "__init__"
    elif not isinstance(node, ast.IfExp | ast.keyword):
        refusing = False
    for child in ast.iter_child_nodes(node):
        _look(child, found, refusing=refusing)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "…" for part in node.values)
    return None


def _refusals(kind: type[Exception]) -> set[str]:
    return {kind.__name__}.union(*(_refusals(each) for each in kind.__subclasses__()))


REFUSALS = _refusals(PatronageError)


@pytest.mark.parametrize("stage", REFUSING)
def test_every_refusal_is_said_in_the_readers_language(stage: str) -> None:
    known = french("site" if stage == "access" else stage)
    missing, asked = {}, set()
    for path in (ROOT / stage).rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if str(path.relative_to(ROOT)) in FOR_OPERATORS or "migrations" in path.parts:
            continue
        asked |= in_python(source)
        if unsaid(source):
            missing[path.name] = unsaid(source)
    assert missing == {}
    assert len(asked) > 20
    assert {text for text in asked if known.gettext(text) == text} - ALIKE == set()


def test_a_refusal_in_english_alone_is_found() -> None:
    broken = """
class Odd(Refused):
    def __init__(self, name):
        super().__init__(f"{name} cannot")
def act(name):
    \"\"\"Act.\"\"\"
    if not name:
        return "it has no name."
    raise BoundaryRefused("leave it" if name else f"Say {name}.")
"""
    assert unsaid(broken) == {"… cannot", "it has no name.", "leave it", "Say …."}
    mended = re.sub(
        r'f?"([^"\n]+)"(?!"")', r'_("\1")', broken.replace('""' + '"Act.' + '""' + '"', "pass")
    )
    assert unsaid(mended) == set()


def test_what_a_condition_lacks_is_said_in_french() -> None:
    """Vocabulary knows no language: its sentences keep their parts until a face says them."""
    asked: set[str] = set()
    for path in ROOT.rglob("*.py"):
        reads = path.parent.name == "predicates"
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            if name == "Sentence" or (reads and name in REFUSING_A_CONDITION):
                assert not any(isinstance(each, ast.JoinedStr) for each in call.args), path.name
                asked |= {text for each in call.args if (text := _text(each))}
    assert len(asked) > 120
    known = [french("govern"), french("customize")]
    assert {each for each in asked if all(one.gettext(each) == each for one in known)} == set()

    fields = FieldCatalog([Field("orders_90d", int), Field("region", str)])
    with pytest.raises(PredicateError) as refused:
        Predicate.parse("orders_90d > 3 AND region > 4", fields)
    assert str(refused.value).startswith("Line 1, column 29: A text is compared with a number.")
    with translation.override("fr"):
        french_words = in_words(pickle.loads(pickle.dumps(refused.value)))
    assert french_words.startswith("Ligne 1, colonne 29 : Un texte est comparé avec un nombre.")
    rows = {"kind": "row", "field": "orders_90d", "operator": "=", "value": "many"}
    with pytest.raises(PredicateError) as refused:
        Predicate.from_builder({"kind": "group", "match": "all", "rows": [rows]}, fields)
    with translation.override("fr"):
        said = in_words(refused.value)
    assert said == "Ligne 1 : 'many' n’est pas un nombre. Écrivez des chiffres, comme 1234.5"


def test_what_cannot_be_seen_or_done_is_named_in_french() -> None:
    known = french("site")
    nouns = {
        _text(given.value) or ""
        for path in ROOT.rglob("*.py")
        for given in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(given, ast.keyword)
        and given.arg == "noun"
        and isinstance(given.value, ast.Constant)
    }
    assert len(nouns) > 20
    spoken = nouns | {right.value for right in Right}
    assert {text for text in spoken if known.gettext(text) == text} == {"import"}
    with translation.override("fr"):
        said = str(NotFound(noun="customer", id="cus_1"))
    assert said == "Rien de tel parmi ce que vous pouvez voir : client 'cus_1'."


@pytest.mark.browser
def test_a_manager_reads_the_gate_in_french(world: World, log_in: LogIn) -> None:
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    page.get_by_label("Menu of Ana").click()
    page.get_by_role("button", name="français").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("4 offres attendent votre décision")
    page.locator("tr[data-row]").first.get_by_role("link", name="Bloquer").click()
    expect(page.get_by_role("dialog")).to_contain_text("Elle ne convient pas à ces clients.")
    keep_picture(page, "gate-french")
