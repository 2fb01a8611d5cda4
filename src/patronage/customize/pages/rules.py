"""The rules of a portfolio: what is in force, drafts with their price, history, one click back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from patronage.access.days import day_typed_or_none
from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads
from patronage.customize.actions import price_policy
from patronage.customize.pages.rule_forms import blank_cards, cards_of, cards_sent, rules_sent
from patronage.customize.pages.rule_rows import conditions_shown
from patronage.customize.words import FINDING_WORDS, RULE_EFFECT_WORDS, RULE_STATE_WORDS
from patronage.differentiate.reads import valued_dates
from patronage.govern import actions
from patronage.govern.errors import PolicyRefused, PolicyRuleRefused
from patronage.govern.models import Rule
from patronage.govern.reads import (
    PolicyRow,
    PortfolioInCharge,
    RuleRow,
    changeable,
    my_portfolios,
    policy_version,
    policy_versions,
)

_COMPARED: Final = tuple(
    each.name for each in fields(RuleRow) if each.name not in ("position", "name")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule as a table shows it."""

    rule: RuleRow
    effect: str
    #: what exactly, in words; empty where the effect says it all
    exactly: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one rule differs between two versions; None: it is not there."""

    name: str
    before: RuleLine | None
    after: RuleLine | None
    #: it is asked at another place, and nothing else changed
    only_moved: bool


@require_http_methods(["GET", "HEAD"])
def rules(request: CallerRequest) -> HttpResponse:
    """The rules of one portfolio in sight, its drafts and its history."""
    request.actor.require(Right.SEE_PROFITABILITY)
    portfolios = my_portfolios(request.actor, request.now)
    chosen = _chosen(request, portfolios)
    versions: list[PolicyRow] = []
    if chosen is not None:
        versions = policy_versions(request.actor, request.now, portfolio_id=chosen.id)
    in_force = next((each for each in versions if each.state == "in force"), None)
    context = {
        "portfolios": portfolios,
        "portfolio": chosen,
        "in_force": in_force,
        "lines": [] if in_force is None else lines_of(in_force.rules),
        "drafts": [each for each in versions if each.state == "draft"],
        "history": [each for each in versions if each.number is not None],
        "past_tags": []
        if chosen is None
        else reads.past_tags(request.actor, chosen.id, request.now),
        "may_change": chosen is not None and chosen.id in changeable(request.actor, request.now),
        "can_go_back": in_force is not None and (in_force.number or 0) > 1,
        "states": RULE_STATE_WORDS,
    }
    return render(request, "customize/rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def rules_new(request: CallerRequest, portfolio_id: str) -> HttpResponse:
    """The editor for a new draft, which begins as the rules in force."""
    request.actor.require(Right.RULE)
    if portfolio_id not in changeable(request.actor, request.now):
        raise NotFound(noun="portfolio", id=portfolio_id)
    if request.method == "POST":
        return _save(request, portfolio_id, None)
    versions = policy_versions(request.actor, request.now, portfolio_id=portfolio_id)
    in_force = next((each for each in versions if each.state == "in force"), None)
    cards = blank_cards(0) if in_force is None else cards_of(in_force.rules)
    return _editor(request, portfolio_id, None, {"cards": cards, "note": ""})


@require_http_methods(["GET", "HEAD", "POST"])
def rules_edit(request: CallerRequest, version_id: str) -> HttpResponse:
    """The editor for a draft."""
    request.actor.require(Right.RULE)
    version = policy_version(request.actor, version_id, request.now)
    if not version.may_change:
        raise NotFound(noun="policy version", id=version_id)
    if request.method == "POST":
        return _save(request, version.portfolio_id, version)
    shown = {"cards": cards_of(version.rules), "note": version.note}
    return _editor(request, version.portfolio_id, version, shown)


@require_POST
def rules_check(request: CallerRequest) -> HttpResponse:
    """Whether the rules being written can be kept, and what to look at; keeps nothing."""
    request.actor.require(Right.RULE)
    context: dict[str, Any] = {}
    try:
        checked = actions.checked_rules(rules_sent(cards_sent(request.POST)), request.actor)
    except PolicyRefused as error:
        context = _refused(error)
    else:
        context = {"count": len(checked), "findings": _findings(actions.findings_of(checked))}
    return render(request, "customize/rules_check.html", context)


@require_http_methods(["GET", "HEAD"])
def rules_version(request: CallerRequest, version_id: str) -> HttpResponse:
    """One version: its rules, what differs from the one before, its price, and what can be done."""
    version = policy_version(request.actor, version_id, request.now)
    others = policy_versions(request.actor, request.now, portfolio_id=version.portfolio_id)
    before = _before(version, others)
    context = {
        "version": version,
        "lines": lines_of(version.rules),
        "before": before,
        "differences": differences((), version.rules)
        if before is None
        else differences(before.rules, version.rules),
        "tags": reads.price_tags(request.actor, version.id, request.now),
        "dates": valued_dates(),
        "state": RULE_STATE_WORDS[version.state],
        "findings": _findings(_found(version)) if version.state == "draft" else [],
    }
    return render(request, "customize/rules_version.html", context)


@require_POST
def rules_price(request: CallerRequest, version_id: str) -> HttpResponse:
    """Price a version, quickly on a sample or exactly on everybody."""
    exact = request.POST.get("kind") == "exact"
    day = request.POST.get("as_of", "") if exact else ""
    price_policy(
        actor=request.actor,
        now=request.now,
        version_id=version_id,
        kind="exact" if exact else "estimate",
        as_of=day_typed_or_none(day),
    )
    return redirect("customize:rules-version", version_id)


@require_POST
def rules_publish(request: CallerRequest, version_id: str) -> HttpResponse:
    """Put a draft in force."""
    made = actions.publish_policy(
        actor=request.actor,
        now=request.now,
        version_id=version_id,
        reason=request.POST.get("reason", ""),
    )
    said = _("Version %(number)s is in force, in every process from its next decision on.")
    messages.success(request, said % {"number": made.number})
    return redirect("customize:rules-version", made.id)


@require_POST
def rules_discard(request: CallerRequest, version_id: str) -> HttpResponse:
    """Throw a draft away."""
    made = actions.discard_draft(
        actor=request.actor,
        now=request.now,
        version_id=version_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("The draft is thrown away."))
    return redirect(_address(made.portfolio_id))


@require_POST
def rules_roll_back(request: CallerRequest, portfolio_id: str) -> HttpResponse:
    """Restore an earlier version as a new one."""
    made = actions.roll_back(
        actor=request.actor,
        now=request.now,
        portfolio_id=portfolio_id,
        version_id=request.POST.get("version") or None,
        reason=request.POST.get("reason", ""),
    )
    said = _("Version %(number)s is in force; it has the rules of the earlier one.")
    messages.success(request, said % {"number": made.number})
    return redirect(_address(portfolio_id))


def lines_of(rules: Sequence[RuleRow]) -> list[RuleLine]:
    """Rules as a table shows them."""
    return [
        RuleLine(rule=each, effect=str(RULE_EFFECT_WORDS[each.effect]), exactly=_exactly(each))
        for each in rules
    ]


def differences(before: Sequence[RuleRow], after: Sequence[RuleRow]) -> list[Difference]:
    """What differs between two versions, rule by rule, in the order of the later one."""
    was = {each.rule.name: each for each in lines_of(before)}
    becomes = {each.rule.name: each for each in lines_of(after)}
    kept = [name for name in was if name in becomes]
    order = [name for name in becomes if name in was]
    moved = {name for name, other in zip(kept, order, strict=True) if name != other}
    found = []
    for name in [*becomes, *(each for each in was if each not in becomes)]:
        one, other = was.get(name), becomes.get(name)
        same = one is not None and other is not None and _content(one) == _content(other)
        if not same or name in moved:
            found.append(Difference(name=name, before=one, after=other, only_moved=same))
    return found


def _content(line: RuleLine) -> list[Any]:
    return [getattr(line.rule, name) for name in _COMPARED]


def _exactly(rule: RuleRow) -> str:
    said = []
    if "face_value_percent" in rule.adaptation:
        percent = rule.adaptation["face_value_percent"]
        said.append(_("%(percent)s %% of the saving") % {"percent": percent})
    if "channels" in rule.adaptation:
        said.append(", ".join(rule.adaptation["channels"]))
    if "not_before" in rule.adaptation:
        said.append(_("not before %(day)s") % {"day": rule.adaptation["not_before"]})
    said += [each for each in (rule.service_tier, rule.route_to) if each]
    return " · ".join(said)


def _before(version: PolicyRow, others: Sequence[PolicyRow]) -> PolicyRow | None:
    """The version in force for a draft; for a published one that before it."""
    if version.number is None:
        return next((each for each in others if each.state == "in force"), None)
    return next((each for each in others if each.number == (version.number or 0) - 1), None)


def _chosen(
    request: CallerRequest, portfolios: Sequence[PortfolioInCharge]
) -> PortfolioInCharge | None:
    asked = request.GET.get("portfolio")
    if asked:
        found = next((each for each in portfolios if each.id == asked), None)
        if found is None:
            raise NotFound(noun="portfolio", id=asked)
        return found
    return portfolios[0] if portfolios else None


def _editor(
    request: CallerRequest,
    portfolio_id: str,
    version: PolicyRow | None,
    shown: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    names = {each.id: each.name for each in my_portfolios(request.actor, request.now)}
    conditions = conditions_shown(request.actor)
    context = {
        "version": version,
        "portfolio_id": portfolio_id,
        "portfolio": names.get(portfolio_id, ""),
        "effects": [(name, str(words)) for name, words in RULE_EFFECT_WORDS.items()],
        "catalogs": _named_catalogs(conditions["fields"]),
        "conditions": conditions,
        "limit": 0 if request.company is None else request.company.prefer_limit_minor,
        **shown,
    }
    return render(request, "customize/rules_edit.html", context, status=status)


def _named_catalogs(fields: dict[str, list[dict[str, Any]]]) -> list[tuple[Any, str]]:
    of_customers, of_offers = len(fields["when"]), len(fields["offers"])
    return [
        (
            fields["when"],
            ngettext(
                "%(n)s field to ask of customer and moment",
                "%(n)s fields to ask of customer and moment",
                of_customers,
            )
            % {"n": of_customers},
        ),
        (
            fields["offers"],
            ngettext("%(n)s field to ask of offers", "%(n)s fields to ask of offers", of_offers)
            % {"n": of_offers},
        ),
    ]


def _save(request: CallerRequest, portfolio_id: str, version: PolicyRow | None) -> HttpResponse:
    sent: QueryDict = request.POST
    note = sent.get("note", "")
    cards = cards_sent(sent)
    try:
        rules = rules_sent(cards)
        said: dict[str, Any] = {"actor": request.actor, "now": request.now, "rules": rules}
        made = (
            actions.draft_policy(portfolio_id=portfolio_id, note=note, **said)
            if version is None
            else actions.change_draft(version_id=version.id, note=note, **said)
        )
    except PolicyRefused as error:
        shown = {"cards": cards, "note": note, **_refused(error)}
        return _editor(request, portfolio_id, version, shown, status=422)
    messages.success(request, _("The draft is kept. Nothing is decided by it until you publish."))
    return redirect("customize:rules-version", made.version.id)


def _refused(error: PolicyRefused) -> dict[str, Any]:
    named = error if isinstance(error, PolicyRuleRefused) else None
    return {"refused": str(error), "rule": "" if named is None else named.rule}


def _found(version: PolicyRow) -> list[actions.RuleFinding]:
    return actions.findings_of(list(Rule.objects.filter(version=version.id).order_by("position")))


def _findings(found: Sequence[actions.RuleFinding]) -> list[dict[str, Any]]:
    return [
        {"rule": each.rule, "words": str(FINDING_WORDS[each.problem]), "by": ", ".join(each.by)}
        for each in found
    ]


def _address(portfolio_id: str) -> str:
    return f"{reverse('customize:rules')}?portfolio={portfolio_id}"
