"""What has the company declared about itself, and which version of that is in force?"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.errors import Refused
from patronage.access.models import CompanyVersion
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.vocabulary.company import Company, CompanyError, company_from_dict, parse_company
from patronage.vocabulary.periods import BusinessCalendar


class NoCompany(Refused):
    """Nothing has been declared yet."""

    def __init__(self) -> None:
        super().__init__(_("No company is declared yet. Load one from its company.toml first."))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentCompany:
    """The declared assumptions in force, and the row that keeps them."""

    #: the assumptions, checked
    company: Company
    #: the version that runs and statements name
    version: CompanyVersion


def load_company(*, actor: Actor, now: datetime, text: str, reason: str) -> CompanyVersion:
    """Put the content of a `company.toml` in force; the same content again changes nothing.

    Raises:
        Refused: the text cannot be used; the message names the key and the mend.
    """
    actor.require(Right.ADMINISTER)
    try:
        parse_company(text)
    except CompanyError as error:
        raise Refused(str(error)) from error
    content = tomllib.loads(text)
    digest = hashlib.sha256(_canonical(content).encode()).hexdigest()
    with atomic():
        take_turns("company")
        newest = CompanyVersion.objects.order_by("-number").first()
        if newest is not None and newest.digest == digest:
            return newest
        version = CompanyVersion.objects.create(
            number=1 if newest is None else newest.number + 1,
            digest=digest,
            content=content,
            recorded_at=now,
            actor_id=actor.id,
            reason=reason,
        )
        before, after = _differing({} if newest is None else newest.content, content)
        audit.record(
            actor=actor,
            now=now,
            action="load company",
            subject_kind="company",
            subject_id=str(version.number),
            right=Right.ADMINISTER,
            reason=reason,
            before=before,
            change={"digest": digest, **after},
        )
    return version


def current() -> CurrentCompany:
    """Give the newest version.

    Raises:
        NoCompany: none was ever loaded.
    """
    newest = CompanyVersion.objects.order_by("-number").first()
    if newest is None:
        raise NoCompany
    return CurrentCompany(company=company_of(newest), version=newest)


def within_calendar(day: date) -> date:
    """Give the day, which has a start and an end in every time zone.

    Raises:
        Refused: it is outside the years 1970 to 2200.
    """
    if not 1970 <= day.year <= 2200:
        raise Refused(
            _("%(day)s is outside the years 1970 to 2200. Take a day within them.") % {"day": day}
        )
    return day


def instants_of(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """Give the instants from the start of one day to the end of another; None is open.

    Days are the company's; UTC's before a company is declared.

    Raises:
        Refused: a day is outside the years 1970 to 2200, or the last comes before the first.
    """
    for day in (first, last):
        if day is not None:
            within_calendar(day)
    if first is not None and last is not None and last < first:
        raise Refused(
            _("The last day, %(last)s, comes before the first, %(first)s.")
            % {"last": last, "first": first}
        )
    try:
        zone = current().company.time_zone
    except NoCompany:
        zone = "UTC"
    calendar = BusinessCalendar(zone)
    since = None if first is None else calendar.start_of_day(first)
    return since, None if last is None else calendar.end_of_day(last)


def company_of(version: CompanyVersion) -> Company:
    """Give the assumptions that a version keeps."""
    return _parsed(_canonical(version.content))


def _differing(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each version says under the keys in which they differ."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return (
        {name: old[name] for name in names if name in old},
        {name: new.get(name) for name in names},
    )


@lru_cache(maxsize=16)
def _parsed(content: str) -> Company:
    return company_from_dict(json.loads(content))


def _canonical(content: dict[str, Any]) -> str:
    try:
        return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Refused(
            _(
                "company.toml: a value is neither text, a number, a list nor a table "
                "(%(error)s). Write dates as text and leave out infinite numbers."
            )
            % {"error": error}
        ) from error
