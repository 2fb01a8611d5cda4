"""`patronage policy …`: the rules of a portfolio."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from cyclopts import App

from patronage.access import company
from patronage.access.errors import NotFound, Refused
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say
from patronage.customize.actions import price_policy
from patronage.govern import actions, reads
from patronage.govern.actions import NewRule
from patronage.vocabulary.money import Money

app = App(name="policy", help="The rules of a portfolio.")


@app.command
def show(portfolio: str, *, version: str | None = None) -> None:
    """Show a portfolio's rules in force, or those of a version, and all versions.

    Parameters
    ----------
    portfolio
        Name or id.
    version
        Id of a version; the one in force without it.
    """
    call = current()
    found = reads.policy_versions(call.actor, call.clock(), portfolio_id=_portfolio(portfolio))
    rows(
        "Versions",
        [
            {
                "number": each.number or "draft",
                "state": each.state,
                "rules": len(each.rules),
                "note": each.note,
                "published": each.published_at or "",
                "by": each.published_by or each.created_by,
                "id": each.id,
            }
            for each in found
        ],
        empty="This portfolio has no rules yet. Write some with `patronage policy draft FILE`.",
    )
    chosen = [
        each for each in found if (each.id == version if version else each.state == "in force")
    ]
    if version and not chosen:
        raise NotFound(noun="policy version", id=version)
    for each in chosen:
        rows("Rules", [_row(one) for one in each.rules], empty="It has no rules.")


@app.command
def draft(file: Path, *, change: str | None = None) -> None:
    """Write a draft of a portfolio's rules from a TOML or JSON file.

    Parameters
    ----------
    file
        Holds `portfolio`, `note` and a list `rules`.
    change
        Id of a draft whose rules are replaced; a new draft without it.
    """
    call = current()
    document = _document(call.folder / file)
    written = [_rule(each) for each in document.get("rules", [])]
    note = str(document.get("note", ""))
    if change is None:
        made = actions.draft_policy(
            actor=call.actor,
            now=call.clock(),
            portfolio_id=_portfolio(str(document.get("portfolio", ""))),
            rules=written,
            note=note,
        )
    else:
        made = actions.change_draft(
            actor=call.actor, now=call.clock(), version_id=change, rules=written, note=note
        )
    rows(
        "Look at",
        [
            {"rule": each.rule, "problem": each.problem, "hidden_by": ", ".join(each.by)}
            for each in made.findings
        ],
        empty="No rule contradicts itself or is hidden by another.",
    )
    say(f"{len(written)} rules are drafted ({made.version.id}). Nothing is decided by them yet.")


@app.command
def simulate(
    version: str, *, kind: Literal["estimate", "exact"] = "exact", as_of: date | None = None
) -> None:
    """Say what a version would change and cost, against the rules in force.

    Parameters
    ----------
    version
        Its id.
    kind
        estimate: a sample at the last run's prices; exact: everybody, decided anew.
    as_of
        The date whose customers are decided; that of the last run without it.
    """
    call = current()
    tag = price_policy(
        actor=call.actor, now=call.clock(), version_id=version, kind=kind, as_of=as_of
    )
    said, currency = tag.figures, company.current().company.currency
    facts(
        "",
        {
            "kind": tag.kind,
            "as_of": tag.as_of,
            "customers_affected": said["customers_affected"],
            "offers_gained": said["offers_gained"],
            "offers_lost": said["offers_lost"],
            "offers_changed": said["offers_changed"],
            "contacts": said["contacts"],
            "budget": Money(said["budget_minor"], currency),
            "expected_value": Money(said["value_minor"], currency),
            "likely_from": Money(said["value_low_minor"], currency),
            "likely_to": Money(said["value_high_minor"], currency),
            "other_portfolios": len(said["others"]),
            "id": tag.id,
        },
    )


@app.command
def publish(version: str, *, reason: str, valid_from: datetime | None = None) -> None:
    """Put a draft in force, at once in every process.

    Parameters
    ----------
    version
        Its id.
    reason
        Why.
    valid_from
        From when on it counts for decisions as of a date; now without it.
    """
    call = current()
    made = actions.publish_policy(
        actor=call.actor,
        now=call.clock(),
        version_id=version,
        reason=reason,
        valid_from=valid_from,
    )
    say(f"Version {made.number} of {made.portfolio.name!r} is in force ({made.id}).")


@app.command
def rollback(portfolio: str, *, reason: str, version: str | None = None) -> None:
    """Restore an earlier version of a portfolio's rules, as a new version.

    Parameters
    ----------
    portfolio
        Name or id.
    reason
        Why.
    version
        Id of the version to restore; the one before without it.
    """
    call = current()
    made = actions.roll_back(
        actor=call.actor,
        now=call.clock(),
        portfolio_id=_portfolio(portfolio),
        reason=reason,
        version_id=version,
    )
    say(f"Version {made.number} of {made.portfolio.name!r} is in force ({made.id}).")


def _row(rule: reads.RuleRow) -> dict[str, Any]:
    exactly = {
        "amount_minor": rule.amount_minor,
        **rule.adaptation,
        "service_tier": rule.service_tier,
        "route_to": rule.route_to,
    }
    return {
        "position": rule.position,
        "rule": rule.name,
        "effect": rule.effect,
        "when": rule.when,
        "offers": rule.offers or "every",
        "exactly": ", ".join(f"{name} {value}" for name, value in exactly.items() if value),
        "until": rule.valid_until or "",
    }


def _document(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise Refused(f"The file {path.name!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Refused(f"The file {path.name!r} cannot be read: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("rules", []), list):
        raise Refused("The file holds `portfolio`, `note` and a list `rules`.")
    return found


def _rule(given: object) -> NewRule:
    known = {each.name for each in fields(NewRule)}
    if not isinstance(given, dict) or not {"name", "effect"} <= set(given):
        raise Refused("Each of `rules` is a table with at least `name` and `effect`.")
    unknown = sorted(set(given) - known)
    if unknown:
        raise Refused(
            f"Rule {given['name']!r}: unknown key {unknown[0]!r}; use {', '.join(sorted(known))}."
        )
    values = dict(given)
    for name in ("name", "effect", "when", "offers", "service_tier", "route_to"):
        if name in values and not isinstance(values[name], str):
            raise Refused(f"Rule {given['name']!r}: {name} is a text.")
    if not isinstance(values.get("adaptation", {}), dict):
        raise Refused(f"Rule {given['name']!r}: adaptation is a table.")
    values["valid_until"] = _instant(given["name"], values.get("valid_until"))
    return NewRule(**values)


def _instant(rule: str, given: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        found = given
    if found is None or (isinstance(found, datetime) and found.tzinfo is not None):
        return found
    raise Refused(
        f"Rule {rule!r}: valid_until is an instant with its zone, such as "
        f"2026-12-31T23:00:00Z; found {given!r:.60}."
    )


def _portfolio(named: str) -> str:
    """Give the id of the portfolio that a name or an id means."""
    call = current()
    for each in reads.hand_over_targets(call.actor, call.clock()):
        if named in (each.id, each.name):
            return each.id
    raise NotFound(noun="portfolio", id=named)
