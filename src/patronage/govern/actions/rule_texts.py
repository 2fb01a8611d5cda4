"""Are rules that somebody wrote fit to be kept? Reads each, and says where and why one is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from patronage.access.asking import in_words
from patronage.access.company import current
from patronage.access.models import User
from patronage.access.roles import Actor
from patronage.govern.errors import PolicyRefused, PolicyRuleRefused
from patronage.govern.fields import RULE_FIELDS, TREATMENT_FIELDS
from patronage.govern.models import Rule
from patronage.govern.models.policies import EFFECTS
from patronage.govern.rule_reading import read_rule
from patronage.govern.service_tiers import names_of
from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.periods import as_utc
from patronage.vocabulary.predicates import Predicate, PredicateError
from patronage.vocabulary.predicates.analysis import Finding, Problem, analyse

MOST_RULES: Final = 200
LONGEST_NAME: Final = 100
_ADAPTABLE: Final = ("face_value_percent", "channels", "not_before")
_GATED: Final = ("allow", "adapt", "block")
_EVERYBODY: Final = Predicate.parse("true", RULE_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """A rule as a person writes it."""

    name: str
    #: one of `EFFECTS`
    effect: str
    #: condition on customer and moment
    when: str = "true"
    #: condition on offer and treatment; empty: every one
    offers: str = ""
    #: for prefer
    amount_minor: int | None = None
    #: for adapt: face_value_percent, channels, not_before
    adaptation: dict[str, Any] = field(default_factory=dict)
    #: for service_tier
    service_tier: str = ""
    #: for route: e-mail address
    route_to: str = ""
    #: exclusive; None: no end
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """Something about a rule that its author should look at; it does not stop a save."""

    rule: str
    #: "never true", "always true", "never false", "hidden" or "undetermined"
    problem: str
    #: the earlier rules that hide it
    by: tuple[str, ...]


def checked_rules(given: Sequence[NewRule], actor: Actor) -> list[Rule]:
    """Read rules in their order; nothing is stored.

    Raises:
        PolicyRefused: there are too many, or two have one name.
        PolicyRuleRefused: one cannot be used; the message names it, the place and the mend.
    """
    if len(given) > MOST_RULES:
        raise PolicyRefused(
            _("A policy has at most %(most_rules)s rules, found %(length)s.")
            % {"most_rules": MOST_RULES, "length": len(given)}
        )
    rules = [_checked(place, each, actor) for place, each in enumerate(given, start=1)]
    names = [each.name for each in rules]
    for name in names:
        if names.count(name) > 1:
            raise PolicyRefused(
                _("Two rules are named %(name)r. Give each a name of its own.") % {"name": name}
            )
    return rules


def findings_of(rules: Sequence[Rule]) -> list[RuleFinding]:
    """What the rules' author should look at: contradictions, tautologies, rules that others hide.

    A rule hides later ones only where it is asked before them in the same order (allow, adapt and
    block; service tiers; routes) and about the same offers or all of them. A rule that says TRUE
    is meant for everybody, which is no finding.
    """
    found: list[RuleFinding] = []
    read = [(each, Predicate.from_json(each.when_tree, RULE_FIELDS)) for each in rules]
    for each, predicate in read:
        same = [
            (other.name, condition)
            for other, condition in read
            if other.position < each.position and _is_asked_before(other, each)
        ]
        analysis = analyse([*same, (each.name, predicate)])
        meant = Problem.ALWAYS_TRUE if predicate == _EVERYBODY else None
        found += [
            _finding(one)
            for one in analysis.findings
            if one.rule == each.name and one.problem is not meant
        ]
    for each in rules:
        if each.offers_tree is not None:
            about = Predicate.from_json(each.offers_tree, TREATMENT_FIELDS)
            alone = analyse([(each.name, about)]).findings
            found += [_finding(one, " (offers)") for one in alone]
    return found


def _finding(one: Finding, where: str = "") -> RuleFinding:
    return RuleFinding(rule=one.rule, problem=f"{one.problem.value}{where}", by=one.by)


def _is_asked_before(earlier: Rule, later: Rule) -> bool:
    covers = earlier.offers_tree is None or earlier.offers_tree == later.offers_tree
    lasts = earlier.valid_until is None or earlier.valid_until == later.valid_until
    kinds = dict.fromkeys(_GATED, "gate")
    same = kinds.get(earlier.effect, earlier.effect) == kinds.get(later.effect, later.effect)
    return covers and lasts and same and later.effect not in ("prefer",)


def _checked(position: int, given: NewRule, actor: Actor) -> Rule:
    name = " ".join(given.name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise PolicyRefused(
            _(
                "Rule %(position)s needs a name of 1 to %(longest_name)s characters, found "
                "%(length)s."
            )
            % {"position": position, "longest_name": LONGEST_NAME, "length": len(name)}
        )
    if given.effect not in EFFECTS:
        raise PolicyRuleRefused(
            rule=name,
            part="effect",
            reason=_("%(effect).40r is none of %(effects)s.")
            % {"effect": given.effect, "effects": ", ".join(EFFECTS)},
        )
    when = _read(name, "when", given.when, RULE_FIELDS, actor)
    offers = None
    if given.offers.strip():
        offers = _read(name, "offers", given.offers, TREATMENT_FIELDS, actor)
    if offers is not None and given.effect in ("service_tier", "route"):
        raise PolicyRuleRefused(
            rule=name,
            part="offers",
            reason=_("%(effect)s is about the customer, not offers.") % {"effect": given.effect},
        )
    _check_extras(name, given)
    return Rule(
        position=position,
        name=name,
        effect=given.effect,
        when=given.when.strip(),
        when_tree=json.loads(when.to_json()),
        offers=given.offers.strip(),
        offers_tree=None if offers is None else json.loads(offers.to_json()),
        amount_minor=_amount(name, given),
        adaptation=_adaptation(name, given),
        service_tier=given.service_tier.strip(),
        route_to=_person(name, given),
        valid_until=None if given.valid_until is None else as_utc(given.valid_until),
    )


def _read(rule: str, part: str, text: str, fields: FieldCatalog, actor: Actor) -> Predicate:
    try:
        return read_rule(text, fields, actor=actor)
    except PredicateError as error:
        raise PolicyRuleRefused(rule=rule, part=part, reason=in_words(error)) from error


def _check_extras(name: str, given: NewRule) -> None:
    """Refuse what does not belong to the effect: nothing is dropped silently."""
    said = {
        "amount_minor": (given.amount_minor is not None, "prefer"),
        "adaptation": (bool(given.adaptation), "adapt"),
        "service_tier": (bool(given.service_tier.strip()), "service_tier"),
        "route_to": (bool(given.route_to.strip()), "route"),
    }
    for part, (is_there, effect) in said.items():
        if is_there and given.effect != effect:
            raise PolicyRuleRefused(
                rule=name,
                part=part,
                reason=_("it belongs to %(effect)s, not to %(effect_2)s.")
                % {"effect": effect, "effect_2": given.effect},
            )
        if not is_there and given.effect == effect:
            raise PolicyRuleRefused(
                rule=name, part=part, reason=_("%(effect)s needs it.") % {"effect": effect}
            )
    tier, declared = given.service_tier.strip(), names_of(current().company)
    if tier and declared and tier not in declared:
        raise PolicyRuleRefused(
            rule=name,
            part="service_tier",
            reason=_("the company declares no service tier %(tier).40r; use %(declared)s.")
            % {"tier": tier, "declared": ", ".join(declared)},
        )
    if len(tier) > 20 or not tier.isprintable():
        raise PolicyRuleRefused(
            rule=name, part="service_tier", reason=_("it has at most 20 characters.")
        )


def _amount(name: str, given: NewRule) -> int | None:
    amount = given.amount_minor
    if amount is None:
        return None
    limit = current().company.prefer_limit_minor
    if type(amount) is not int or amount == 0 or abs(amount) > limit:
        raise PolicyRuleRefused(
            rule=name,
            part="amount_minor",
            reason=_(
                "a preference is a whole number of minor units other than 0, at most %(limit)s "
                "either way (prefer_limit_minor in company.toml); found %(amount).40r."
            )
            % {"limit": limit, "amount": amount},
        )
    return amount


def _person(name: str, given: NewRule) -> User | None:
    email = given.route_to.strip()
    if not email:
        return None
    person = User.objects.filter(email__iexact=email, is_active=True).first()
    if person is None:
        raise PolicyRuleRefused(
            rule=name,
            part="route_to",
            reason=_("nobody who works here has the address %(email).80r.") % {"email": email},
        )
    return person


def _adaptation(name: str, given: NewRule) -> dict[str, Any]:
    changes = given.adaptation
    for unknown in sorted(set(changes) - set(_ADAPTABLE)):
        _refuse(
            name,
            _("%(unknown).40r cannot be adapted; change %(adaptable)s.")
            % {"unknown": unknown, "adaptable": ", ".join(_ADAPTABLE)},
        )
    if "face_value_percent" in changes:
        percent = changes["face_value_percent"]
        if type(percent) is not int or not 0 <= percent <= 100:
            _refuse(
                name,
                _("face_value_percent is a whole number 0 to 100, found %(percent).40r.")
                % {"percent": percent},
            )
    if "channels" in changes:
        known = [channel.name for channel in current().company.channels]
        listed = changes["channels"]
        if not isinstance(listed, list) or not listed or any(one not in known for one in listed):
            _refuse(
                name,
                _("channels are some of %(known)s, found %(listed).80r.")
                % {"known": ", ".join(known), "listed": listed},
            )
    if "not_before" in changes:
        _check_day(name, changes["not_before"])
    return dict(changes)


def _check_day(name: str, value: object) -> None:
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return
    except ValueError:
        pass
    _refuse(
        name, _("not_before is a date such as 2026-10-15, found %(value).40r.") % {"value": value}
    )


def _refuse(rule: str, reason: str) -> None:
    raise PolicyRuleRefused(rule=rule, part="adaptation", reason=reason)
