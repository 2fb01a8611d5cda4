"""Portfolios' rules for the small retailer of these tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from patronage.access.company import current, load_company
from patronage.access.roles import SYSTEM
from patronage.govern.actions import NewRule, draft_policy, publish_policy
from patronage.govern.models import PolicyVersion

from ..differentiate.history import NOW
from .world import BEGINNING, COMPANY, World

#: in force at every instant that these tests decide for
ALWAYS = BEGINNING


def rule(effect: str, when: str = "true", offers: str = "", **more: Any) -> NewRule:
    name = more.pop("name", f"{effect}: {when} / {offers}"[:100])
    return NewRule(name=name, effect=effect, when=when, offers=offers, **more)


def publish(
    world: World, portfolio: str, *rules: NewRule, valid_from: datetime = ALWAYS
) -> PolicyVersion:
    """Put rules in force for a portfolio."""
    drafted = draft_policy(
        actor=SYSTEM,
        now=NOW,
        portfolio_id=world.portfolios[portfolio].id,
        rules=rules,
        note="tests",
    )
    return publish_policy(
        actor=SYSTEM,
        now=NOW,
        version_id=drafted.version.id,
        reason="tests",
        valid_from=valid_from,
    )


def allow_preferences(limit_minor: int = 50) -> None:
    """Let the company's rules prefer offers."""
    budget = current().company.quarterly_budget_minor
    text = COMPANY.format(budget=budget).replace(
        "fatigue_minor = 1", f"fatigue_minor = 1\nprefer_limit_minor = {limit_minor}"
    )
    load_company(actor=SYSTEM, now=NOW, text=text, reason="tests")


def generated(seed: int, count: int = 12) -> list[NewRule]:
    """Any rules whatever, of every effect, some about what is unknown of many customers."""
    random = np.random.default_rng(seed)

    def one_of(*given: str) -> str:
        return given[int(random.integers(len(given)))]

    whens = (
        lambda: "true",
        lambda: f"orders_90d >= {random.integers(0, 6)}",
        lambda: f"recency_days < {random.integers(1, 200)}",
        lambda: f"need = '{one_of('fresh', 'family')}'",
        lambda: f"NOT need = '{one_of('fresh', 'family')}'",
        lambda: f"tier = '{one_of('top', 'base')}' AND value_minor > {random.integers(0, 9000)}",
        lambda: f"said_need = 'fresh' OR age_days > {random.integers(1, 600)}",
        lambda: "call_reason = 'complaint'",
        lambda: "call_reason IS NULL AND channel IS NULL",
    )
    abouts = (
        lambda: "",
        lambda: f"offer_category = '{one_of('APPLES', 'CEREAL', 'SOAP', 'TINS')}'",
        lambda: f"channel = '{one_of('mail', 'email', 'app')}'",
        lambda: f"face_value_minor > {random.integers(70, 160)}",
        lambda: f"offer_need = '{one_of('fresh', 'family')}' OR contact_cost_minor >= 2",
        lambda: f"offer_team = '{one_of('Fresh', 'Dry')}'",
    )
    rules = []
    for place in range(count):
        effect = one_of("not_eligible", "allow", "adapt", "block", "prefer", "service_tier")
        more: dict[str, Any] = {}
        about = abouts[int(random.integers(len(abouts)))]()
        if effect == "prefer":
            more["amount_minor"] = int(random.integers(1, 40)) * int(random.choice([-1, 1]))
        if effect == "adapt":
            percent = int(random.integers(0, 101))
            more["adaptation"] = {"face_value_percent": percent, "channels": ["email", "app"]}
        if effect == "service_tier":
            more["service_tier"], about = one_of("dedicated", "pooled"), ""
        when = whens[int(random.integers(len(whens)))]()
        rules.append(rule(effect, when, about, name=f"rule {place}", **more))
    return rules
