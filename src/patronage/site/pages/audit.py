"""Who changed this, from what to what, why, under which right? And did nobody touch the log?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from patronage.access import audit, reads
from patronage.access.company import instants_of
from patronage.access.days import day_typed_or_none
from patronage.access.errors import Refused
from patronage.access.models import AuditEntry, User
from patronage.access.reads import CHECKED, EXPORT_COLUMNS, EXPORTED, AuditQuestion
from patronage.access.requests import CallerRequest
from patronage.access.roles import Actor, Right, Role
from patronage.access.scope import visible
from patronage.customize.models import Decision, Offer
from patronage.customize.reads import decisions_about
from patronage.customize.words import OUTCOME_TONES, OUTCOME_WORDS
from patronage.govern.models import Portfolio
from patronage.identify.imports.quarantine import csv_lines
from patronage.identify.models import Customer
from patronage.identify.reads import search as find_customers
from patronage.site.words import ROLE_WORDS
from patronage.vocabulary.ids import IdPrefix, is_id

PAGE: Final = 50
_CHECKPOINT_BYTES: Final = 10_000
_LONGEST_VALUE: Final = 200
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIGEST_SHOWN: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a row says: what it was and what it is, in words; empty where it was not."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the log as a person reads it."""

    entry: AuditEntry
    #: the subject by its name where one is known, else its id
    subject: str
    role: str | Promise
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One decision about the customer that was asked about."""

    decision: Decision
    outcome: Promise
    tone: str


@require_safe
def audit_log(request: CallerRequest) -> HttpResponse:
    """The log, newest first, narrowed by who, what, about what and when."""
    request.actor.require(Right.SEE_AUDIT)
    asked = _asked(request)
    about, candidates = _about(request, asked["about"])
    question = _question(asked, about)
    found = reads.audit_page(request.actor, question, before=_place(request), limit=PAGE)
    customer = about if is_id(about, IdPrefix.CUSTOMER) else ""
    decisions = (
        decisions_about(request.actor, customer, since=question.since, until=question.until)
        if customer
        else []
    )
    context = {
        "lines": _lines(request, found.entries),
        "next": found.next,
        "asked": asked,
        "about": about,
        "candidates": candidates,
        "actions": reads.audit_actions(request.actor),
        "customer": customer,
        "decisions": [_offered(each) for each in decisions],
        "checked": reads.newest(request.actor, CHECKED),
        "exported": reads.newest(request.actor, EXPORTED),
        "query": request.GET.urlencode(),
    }
    return render(request, "site/audit.html", context)


@require_safe
def audit_csv(request: CallerRequest) -> HttpResponseBase:
    """All rows that answer the question, as a file for a spreadsheet."""
    request.actor.require(Right.SEE_AUDIT)
    asked = _asked(request)
    rows = reads.audit_rows(request.actor, _question(asked, _about(request, asked["about"])[0]))
    return StreamingHttpResponse(
        csv_lines(EXPORT_COLUMNS, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


@require_POST
def verify_audit_log(request: CallerRequest) -> HttpResponse:
    """Check the whole chain, against a kept checkpoint where its file is given."""
    request.actor.require(Right.SEE_AUDIT)
    kept = _kept(request)
    report = audit.check(actor=request.actor, now=request.now, checkpoints=kept)
    if report.intact:
        said = {"sealed": report.sealed, "waiting": report.waiting}
        words = _("The log is intact: %(sealed)d entries are sealed, %(waiting)d wait.") % said
        messages.success(request, words)
    else:
        count = len(report.problems) + report.further_problems
        words = _("The log was changed: %(count)d problems. Compare it with a backup.")
        messages.error(request, words % {"count": count})
    return redirect("audit")


@require_POST
def export_checkpoint(request: CallerRequest) -> HttpResponse:
    """The end of the chain as a file, to be kept where nobody who writes here can reach it."""
    end = audit.export_checkpoint(actor=request.actor, now=request.now)
    content = {"number": end.number, "digest": end.digest, "at": request.now.isoformat()}
    return HttpResponse(
        json.dumps(content, indent=2),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="checkpoint-{end.number}.json"'},
    )


def _asked(request: CallerRequest) -> dict[str, str]:
    names = ("who", "about", "action", "from", "to")
    return {name: request.GET.get(name, "").strip()[:200] for name in names}


def _about(request: CallerRequest, text: str) -> tuple[str, Sequence[Customer]]:
    """The id that was asked about; several customers where a name fits more than one."""
    if not text or text[3:4] == "_" or not request.actor.may(Right.SEE_CUSTOMERS):
        return text, ()
    found = find_customers(request.actor, text, request.now, 10)
    return (found[0].id, ()) if len(found) == 1 else (text, tuple(found))


def _question(asked: Mapping[str, str], about: str) -> AuditQuestion:
    since, until = instants_of(day_typed_or_none(asked["from"]), day_typed_or_none(asked["to"]))
    return AuditQuestion(
        who=asked["who"], action=asked["action"], about=about, since=since, until=until
    )


def _place(request: CallerRequest) -> int | None:
    text = request.GET.get("after", "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise Refused(_("There is no such page of the list. Start from its first page."))
    return int(text)


def _kept(request: CallerRequest) -> list[audit.Checkpoint]:
    file = request.FILES.get("checkpoint")
    if file is None:
        return []
    try:
        content = json.loads(file.read(_CHECKPOINT_BYTES))
        number, digest = content["number"], content["digest"]
        if type(number) is not int or not isinstance(digest, str):
            raise TypeError(number)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refused(
            _("This is not a checkpoint that was exported here. Choose the file of one.")
        ) from error
    return [audit.Checkpoint(number=number, digest=digest)]


def _lines(request: CallerRequest, entries: Sequence[AuditEntry]) -> list[Line]:
    names = _names(request, entries)
    return [
        Line(
            entry=entry,
            subject=names.get(entry.subject_id, entry.subject_id),
            role=_role(entry.role),
            changes=tuple(_changes(entry, names)),
        )
        for entry in entries
    ]


def _role(name: str) -> str | Promise:
    return ROLE_WORDS[Role(name)] if name in list(Role) else name


def _changes(entry: AuditEntry, names: Mapping[str, str]) -> Iterable[Change]:
    before, after = entry.before, entry.change
    for name in dict.fromkeys([*before, *after]):
        was, now = _written(before, name, names), _written(after, name, names)
        if was != now:
            yield Change(name=name.replace("_", " "), before=was, after=now)


def _written(content: Mapping[str, Any], name: str, names: Mapping[str, str]) -> str:
    value = content.get(name)
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        # of a digest its beginning is enough to tell one from another
        return names.get(value, value[:_DIGEST_SHOWN] if _DIGEST.fullmatch(value) else value)[
            :_LONGEST_VALUE
        ]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(names.get(each, each) for each in value)[:_LONGEST_VALUE]
    return json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder)[:_LONGEST_VALUE]


def _names(request: CallerRequest, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """What the ids of some rows are called; customers only where the reader sees them."""
    ids = {entry.subject_id for entry in entries}
    for entry in entries:
        ids.update(each for each in _values(entry) if isinstance(each, str) and len(each) <= 40)
    names = dict(User.objects.filter(pk__in=ids).values_list("id", "name"))
    names |= dict(Portfolio.objects.filter(pk__in=ids).values_list("id", "name"))
    names |= dict(Offer.objects.filter(pk__in=ids).values_list("id", "name"))
    return names | _customers(request.actor, request, ids)


def _customers(actor: Actor, request: CallerRequest, ids: set[str]) -> dict[str, str]:
    if not actor.may(Right.SEE_CUSTOMERS):
        return {}
    people = visible(Customer.objects.filter(pk__in=ids), actor, request.now)
    return dict(people.values_list("id", "label"))


def _values(entry: AuditEntry) -> Iterable[Any]:
    for value in (*entry.before.values(), *entry.change.values()):
        yield from value if isinstance(value, list) else [value]


def _offered(decision: Decision) -> Offered:
    outcome = decision.outcome
    return Offered(decision=decision, outcome=OUTCOME_WORDS[outcome], tone=OUTCOME_TONES[outcome])
