"""How does a team propose an offer? A form that checks its condition while it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from patronage.access.asking import in_words, usable
from patronage.access.company import current
from patronage.access.requests import CallerRequest
from patronage.access.roles import Actor, Right
from patronage.customize import reads
from patronage.customize.actions import (
    Proposal,
    Wording,
    next_reference,
    propose_offers,
    resubmit_offer,
)
from patronage.customize.actions.offers import own_teams
from patronage.customize.errors import OfferRefused
from patronage.customize.fields import FIELDS
from patronage.customize.models import Offer
from patronage.customize.options import Option
from patronage.customize.pages.option_lines import options_typed, options_written
from patronage.customize.pages.rule_rows import fields_shown
from patronage.govern.rule_reading import read_rule
from patronage.vocabulary.company import Channel, Company
from patronage.vocabulary.money import Money, MoneyError, currency_decimals
from patronage.vocabulary.periods import BusinessCalendar
from patronage.vocabulary.predicates import PredicateError
from patronage.vocabulary.sentences import as_sentence


class MoneyField(forms.CharField):
    """An amount in major units of one currency, kept as minor units."""

    def __init__(self, *, currency: str, **options: Any) -> None:
        self.currency = currency
        attributes = {"inputmode": "decimal", "autocomplete": "off"}
        super().__init__(widget=forms.TextInput(attrs=attributes), max_length=20, **options)

    def clean(self, value: Any) -> int:
        text = super().clean(value)
        try:
            money = Money.parse(text.replace(",", "."), self.currency)
        except MoneyError as error:
            raise forms.ValidationError(
                _("Write an amount of %(currency)s such as 1.50.") % {"currency": self.currency}
            ) from error
        if money.minor < 0:
            raise forms.ValidationError(_("An amount below zero makes no sense here."))
        return money.minor


class DayField(forms.DateField):
    """A business date that every store and clock can hold."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **options: Any) -> None:
        first, last = MinValueValidator(date(1970, 1, 2)), MaxValueValidator(date(2200, 12, 31))
        super().__init__(validators=[first, last], **options)


class ProposalForm(forms.Form):
    """An offer as its team proposes it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=160)
    ref = forms.CharField(
        label=gettext_lazy("Your reference"),
        max_length=80,
        help_text=gettext_lazy("How your team calls it; each reference is used once."),
    )
    team = forms.ChoiceField(label=gettext_lazy("Team"))
    description = forms.CharField(
        label=gettext_lazy("In a sentence"), max_length=400, required=False
    )
    category = forms.CharField(
        label=gettext_lazy("Product category"),
        max_length=100,
        help_text=gettext_lazy("As in the product file, such as SOFT DRINKS."),
    )
    department = forms.CharField(
        label=gettext_lazy("Department"),
        max_length=60,
        help_text=gettext_lazy("Its declared margin is what a sale is reckoned to earn."),
    )
    need = forms.ChoiceField(label=gettext_lazy("Need it answers"), required=False)
    valid_from = DayField(label=gettext_lazy("Open from"))
    valid_until = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("Empty: until it is withdrawn."),
    )
    eligibility = forms.CharField(
        label=gettext_lazy("For whom"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "A condition such as tier = 'top' AND recency_days < 30; empty: everybody."
        ),
    )

    options = forms.CharField(
        label=gettext_lazy("Options"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "One a line: name; price; needs A, B; excludes C. Empty: nothing can be added."
        ),
    )

    def __init__(
        self, *args: Any, company: Company, teams: Sequence[str], actor: Actor, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.company, self.actor = company, actor
        self.fields["team"].choices = [(name, name) for name in teams]  # type: ignore[attr-defined]  # a ChoiceField
        needs = [("", _("None")), *((need.name, need.title) for need in company.needs)]
        self.fields["need"].choices = needs  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["face_value"] = MoneyField(
            currency=company.currency, label=_("Saves the customer")
        )
        self.fields["redemption_cost"] = MoneyField(
            currency=company.currency,
            label=_("Costs us when used"),
            help_text=_("After what the maker reimburses."),
        )
        for channel in company.channels:
            self.fields[_wording_name(channel)] = forms.CharField(
                label=channel.title,
                max_length=300,
                required=False,
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )

    @property
    def wordings(self) -> list[forms.BoundField]:
        """The wording of each channel."""
        return [self[_wording_name(channel)] for channel in self.company.channels]

    def clean_eligibility(self) -> str:
        text: str = self.cleaned_data["eligibility"].strip()
        if text:
            try:
                read_rule(text, FIELDS, actor=self.actor)
            except PredicateError as error:
                raise forms.ValidationError(in_words(error)) from error
        return text

    def clean_options(self) -> tuple[Option, ...]:
        try:
            return options_typed(self.cleaned_data["options"], self.company.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        content = super().clean() or {}
        said = [content.get(_wording_name(channel), "") for channel in self.company.channels]
        if not self.errors and not any(said):
            raise forms.ValidationError(_("Say what it says in at least one channel."))
        begins, ends = content.get("valid_from"), content.get("valid_until")
        if begins and ends and ends < begins:
            self.add_error("valid_until", _("The last day comes before the first."))
        return content

    def proposal(self) -> Proposal:
        """The same as the action takes it."""
        content = self.cleaned_data
        calendar = BusinessCalendar(self.company.time_zone)
        last = content["valid_until"]
        plain = ("ref", "team", "name", "description", "category", "department", "need")
        return Proposal(
            **{name: content[name] for name in plain},
            face_value_minor=content["face_value"],
            redemption_cost_minor=content["redemption_cost"],
            eligibility=content["eligibility"],
            options=content["options"],
            valid_from=calendar.start_of_day(content["valid_from"]),
            valid_until=None if last is None else calendar.end_of_day(last),
            treatments=[
                Wording(channel=channel.name, wording=content[_wording_name(channel)])
                for channel in self.company.channels
                if content[_wording_name(channel)]
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionCheck:
    """Whether a condition can be used, and where it cannot."""

    text: str
    #: how it is understood; empty where it cannot be
    reading: str = ""
    #: fields it asks about
    fields: tuple[str, ...] = ()
    #: what is wrong, and what to write instead
    reason: str = ""
    advice: str = ""
    line: int | None = None
    column: int | None = None
    #: the text around the fault
    before: str = ""
    after: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: CallerRequest) -> HttpResponse:
    """The form for a new offer; saving it brings the offer to every portfolio's gate."""
    request.actor.require(Right.PROPOSE_OFFER)
    teams = [team.name for team in own_teams(request.actor)]
    company = current().company
    posted = request.POST if request.method == "POST" else None
    initial = {"valid_from": _today(company, request.now), "team": teams[0] if teams else ""}
    form = ProposalForm(posted, company=company, teams=teams, actor=request.actor, initial=initial)
    if posted is not None and form.is_valid():
        try:
            (made,) = propose_offers(actor=request.actor, now=request.now, rows=[form.proposal()])
        except OfferRefused as error:
            form.add_error(None, str(error))
        else:
            said = _("%(offer)s is proposed. It stands at every portfolio's gate now.")
            messages.success(request, said % {"offer": made.name})
            return redirect("customize:offer", made.id)
    return _form_page(request, form, teams, before=None)


@require_http_methods(["GET", "HEAD", "POST"])
def resubmit(request: CallerRequest, offer_id: str) -> HttpResponse:
    """The form for a new version of an offer, filled with the one before."""
    request.actor.require(Right.PROPOSE_OFFER)
    before = reads.my_offer(request.actor, offer_id)
    company = current().company
    posted = request.POST if request.method == "POST" else None
    teams = [before.team.name]
    form = ProposalForm(
        posted,
        company=company,
        teams=teams,
        actor=request.actor,
        initial=_as_it_was(before, company, request.now),
    )
    if posted is not None and form.is_valid():
        try:
            made = resubmit_offer(
                actor=request.actor, now=request.now, offer_id=offer_id, row=form.proposal()
            )
        except OfferRefused as error:
            form.add_error(None, str(error))
        else:
            said = _("Version %(number)s of %(offer)s waits at every gate.")
            messages.success(request, said % {"number": made.version, "offer": made.name})
            return redirect("customize:offer", made.id)
    return _form_page(request, form, teams, before=before)


def _as_it_was(before: Offer, company: Company, now: datetime) -> dict[str, Any]:
    """What the form begins with: all of the version before, open from today on."""
    plain = ("team", "name", "description", "category", "department", "need", "eligibility")
    calendar = BusinessCalendar(company.time_zone)
    last = before.valid_until
    is_open = last is not None and last > now
    digits = currency_decimals(company.currency)
    return {
        **{name: str(getattr(before, name)) for name in plain},
        "ref": next_reference(before),
        "valid_from": _today(company, now),
        "valid_until": calendar.date_of(last - timedelta(microseconds=1))
        if last is not None and is_open
        else None,
        "face_value": f"{Money(before.face_value_minor, company.currency).major:.{digits}f}",
        "redemption_cost": (
            f"{Money(before.redemption_cost_minor, company.currency).major:.{digits}f}"
        ),
        "options": options_written(before),
        **{f"wording_{each.channel}": each.wording for each in before.treatments.all()},
    }


def _form_page(
    request: CallerRequest, form: ProposalForm, teams: Sequence[str], *, before: Offer | None
) -> HttpResponse:
    context = {
        "form": form,
        "teams": teams,
        "before": before,
        "fields": fields_shown(usable(FIELDS, request.actor)),
        "check": check(form["eligibility"].value() or "", request.actor),
    }
    status = 422 if form.is_bound else 200
    return render(request, "customize/propose.html", context, status=status)


@require_POST
def condition(request: CallerRequest) -> HttpResponse:
    """Whether the condition being written can be used, and if not, where and why."""
    request.actor.require(Right.PROPOSE_OFFER)
    context = {"check": check(request.POST.get("eligibility", ""), request.actor)}
    return render(request, "customize/condition.html", context)


def check(text: str, actor: Actor) -> ConditionCheck:
    """Read a condition as the gate of conditions does."""
    if not text.strip():
        return ConditionCheck(text="")
    try:
        read = read_rule(text[:4000], FIELDS, actor=actor)
    except PredicateError as error:
        place = len(text) if error.offset is None else error.offset
        return ConditionCheck(
            text=text,
            reason=as_sentence(error.reason).said(_),
            advice=as_sentence(error.advice).said(_),
            line=error.line,
            column=error.column,
            before=text[max(0, place - 60) : place],
            after=text[place : place + 40],
        )
    return ConditionCheck(text=text, reading=read.text, fields=read.fields_used)


def _wording_name(channel: Channel) -> str:
    return f"wording_{channel.name}"


def _today(company: Company, now: datetime) -> date:
    return BusinessCalendar(company.time_zone).date_of(now)
