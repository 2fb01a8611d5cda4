"""Does everything that permitted a contact still hold at the moment of sending?

Decisions are made hours or days before; the customer, the manager and the company may have said
otherwise since. The rows looked at are locked by the caller, so that what is found holds until
the send has committed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db.models import OuterRef, Subquery

from patronage.customize.holdout import held_out
from patronage.customize.models import Contact, Holdout, Ruling
from patronage.customize.sending import Waiting, forbidden_on, words_on
from patronage.customize.standing import rulings_at
from patronage.customize.terms import Terms, permits
from patronage.govern import fence
from patronage.govern.models import Membership
from patronage.identify.models import Consent
from patronage.identify.suppression import suppressed
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

_COLUMNS = {
    "contact_id": "id",
    "customer_id": "customer_id",
    "channel": "channel",
    "treatment_id": "treatment_id",
    "offer_id": "treatment__offer_id",
    "offer": "treatment__offer__name",
    "ends_at": "treatment__offer__valid_until",
    "proposed_words": "treatment__wording",
    "due_at": "due_at",
    "ruling_id": "ruling_id",
    "cap_month": "cap_month",
    "cap_place": "cap_place",
    "budget_id": "budget_id",
    "reserved_minor": "reserved_minor",
    "outcome": "decision__outcome",
    "decided": "decision__treatment_id",
    "erased_at": "customer__erased_at",
    "merged_into": "customer__merged_into_id",
}
_TIMES = ("due_at", "ends_at", "erased_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the second look goes by."""

    #: business instant of the hand-over
    at: datetime
    company: Company

    @property
    def calendar(self) -> BusinessCalendar:
        """The company's dates."""
        return BusinessCalendar(self.company.time_zone)

    @property
    def month(self) -> str:
        """The company's month, as in `Contact.cap_month`."""
        return f"{self.calendar.date_of(self.at):%Y-%m}"


def looked_at(contact_ids: Sequence[str], situation: Situation) -> pl.DataFrame:
    """Give the contacts with `reason`: why one must not be sent; NULL where all still holds.

    Returns:
        One row a contact, by id: what its message says (`terms` as JSON, `words` as ruled or
        NULL), `budget_id`, `reserved_minor`, `consent` (last word on the channel),
        `portfolio_id` (at the instant) and `reason`.
    """
    contacts = _contacts(contact_ids, situation.at)
    verdicts = _verdicts(contacts, situation)
    arms = _held_out(contacts["customer_id"].to_list())
    inside = _within_the_fence(contacts, situation)
    joined = contacts.with_columns(held_out=arms, fenced=inside).join(
        verdicts, on=["portfolio_id", "offer_id", "channel"], how="left", nulls_equal=True
    )
    by_rule = _by_rule(joined, situation)
    return by_rule.with_columns(reason=_reason(situation)).sort("contact_id")


def _contacts(contact_ids: Sequence[str], at: datetime) -> pl.DataFrame:
    consent = Consent.objects.filter(
        customer=OuterRef("customer"),
        channel=OuterRef("channel"),
        purpose="marketing",
        valid_from__lte=at,
    ).order_by("-valid_from", "-recorded_at", "-id")
    membership = Membership.objects.filter(
        customer=OuterRef("customer"), starts_at__lte=at
    ).order_by("-starts_at")
    contacts = Contact.objects.filter(pk__in=contact_ids).annotate(
        last_word=Subquery(consent.values("state")[:1]),
        held_by=Subquery(membership.values("portfolio_id")[:1]),
    )
    rows = list(contacts.values_list(*_COLUMNS.values(), "last_word", "held_by", "terms"))
    never = suppressed(sorted({row[list(_COLUMNS).index("customer_id")] for row in rows}))
    terms = [row[-1] for row in rows]
    names = (*_COLUMNS, "consent", "portfolio_id")
    frame = pl.DataFrame(
        [row[:-1] for row in rows], schema={name: _kind(name) for name in names}, orient="row"
    )
    return frame.with_columns(
        pl.when(pl.col("customer_id").is_in(sorted(never)))
        .then(pl.lit("withdrawn"))
        .otherwise(pl.col("consent"))
        .alias("consent"),
        pl.Series("terms", [json.dumps(each) for each in terms], pl.String),
        pl.Series("face", [each.get("face_value_minor") for each in terms], pl.Int64),
        pl.Series("words", [each.get("wording") for each in terms], pl.String),
        pl.Series("options", [_names(each.get("options")) for each in terms], pl.List(pl.String)),
    )


def _kind(name: str) -> Any:
    if name in _TIMES:
        return pl.Datetime("us", "UTC")
    return pl.Int64 if name in ("cap_place", "reserved_minor") else pl.String


def _verdicts(contacts: pl.DataFrame, situation: Situation) -> pl.DataFrame:
    """What the newest ruling says of each portfolio, offer and channel that occurs."""
    wanted = contacts.select("portfolio_id", "offer_id", "channel").unique().rows()
    rulings = rulings_at(situation.at, sorted({offer_id for _, offer_id, _ in wanted}))
    rows = []
    for portfolio_id, offer_id, channel in wanted:
        ruling = rulings.get((portfolio_id, offer_id))
        terms = None if ruling is None else Terms.of(ruling.effect, ruling.adaptation)
        rows.append(
            {
                "portfolio_id": portfolio_id,
                "offer_id": offer_id,
                "channel": channel,
                "newest_ruling": None if ruling is None else ruling.id,
                "forbidden": _forbidden(ruling, terms, channel, situation),
                "ruled_face": None if terms is None else terms.face_value_minor,
                "ruled_words": None if terms is None else terms.wording,
                "ruled_options": None if terms is None else _kept(terms),
            }
        )
    texts = ("portfolio_id", "offer_id", "channel", "newest_ruling", "forbidden", "ruled_words")
    schema = dict.fromkeys(texts, pl.String) | {"ruled_face": pl.Int64}
    return pl.DataFrame(rows, schema=schema | {"ruled_options": pl.List(pl.String)})


def _by_rule(contacts: pl.DataFrame, situation: Situation) -> pl.DataFrame:
    """Put what rules and rulings on some say in the ruling's place; add what boundaries say."""
    names = ("contact_id", "customer_id", "portfolio_id", "treatment_id")
    waiting = [Waiting(**row) for row in contacts.select(names).iter_rows(named=True)]
    said = words_on(waiting, situation.at, situation.company)
    beyond = forbidden_on(waiting, situation.at, situation.company)
    channels = dict(contacts.select("contact_id", "channel").rows())
    rows = [
        {
            "contact_id": contact_id,
            "by_rule": True,
            "rule_forbids": "a rule of the portfolio says the customer is not eligible"
            if word.not_eligible
            else _stopped(word.terms, channels[contact_id], word.why, situation),
            "rule_face": word.terms.face_value_minor,
            "rule_words": word.terms.wording,
            "rule_options": _kept(word.terms),
        }
        for contact_id, word in said.items()
    ]
    texts: dict[str, Any] = dict.fromkeys(("contact_id", "rule_forbids", "rule_words"), pl.String)
    schema = texts | {"by_rule": pl.Boolean, "rule_face": pl.Int64}
    schema["rule_options"] = pl.List(pl.String)
    told = contacts.join(pl.DataFrame(rows, schema=schema), on="contact_id", how="left")
    spoke = pl.col("by_rule").fill_null(False)
    return told.with_columns(
        beyond=pl.Series([beyond.get(each) for each in told["contact_id"]], dtype=pl.String),
        by_rule=spoke,
        forbidden=pl.when(spoke).then("rule_forbids").otherwise("forbidden"),
        ruled_face=pl.when(spoke).then("rule_face").otherwise("ruled_face"),
        ruled_words=pl.when(spoke).then("rule_words").otherwise("ruled_words"),
        ruled_options=pl.when(spoke).then("rule_options").otherwise("ruled_options"),
    ).drop("rule_forbids", "rule_face", "rule_words", "rule_options")


def _names(options: Any) -> list[str]:
    return [each["name"] for each in options or ()]


def _kept(terms: Terms) -> list[str] | None:
    return None if terms.options is None else sorted(terms.options)


def _forbidden(
    ruling: Ruling | None, terms: Terms | None, channel: str, situation: Situation
) -> str | None:
    if ruling is None or terms is None:
        return "nobody has ruled on the offer for the customer's portfolio"
    return _stopped(terms, channel, ruling.reason_code, situation)


def _stopped(terms: Terms, channel: str, why: str, situation: Situation) -> str | None:
    if terms.effect == "block":
        return f"the manager blocked the offer ({why})"
    if not permits(terms, channel):
        return f"the manager took the channel out ({why})"
    if terms.not_before and terms.not_before > situation.calendar.date_of(situation.at):
        return f"the manager put the offer off until {terms.not_before}"
    return None


def _held_out(customer_ids: list[str]) -> pl.Series:
    arms = pl.Series([False] * len(customer_ids), dtype=pl.Boolean)
    for holdout in Holdout.objects.order_by("id"):
        arms |= pl.Series(held_out(holdout, customer_ids), dtype=pl.Boolean)
    return arms


def _within_the_fence(contacts: pl.DataFrame, situation: Situation) -> pl.Series:
    """Who is fenced by now: what waits to be sent is a mass contact unless a person makes it."""
    personal = [each.name for each in situation.company.channels if each.kind == "personal"]
    ids = contacts["customer_id"].to_list()
    inside = fence.fenced_now(ids)
    fenced = pl.Series([each in inside for each in ids], dtype=pl.Boolean)
    return fenced & ~contacts["channel"].is_in(personal)


def _reason(situation: Situation) -> pl.Expr:
    """The first thing that no longer holds, in the order in which a customer would mind."""
    ruled_since = pl.col("newest_ruling") != pl.col("ruling_id")
    otherwise = (ruled_since | pl.col("by_rule")) & (
        _differs("ruled_face", "face")
        | _differs("ruled_words", "words")
        | _struck("ruled_options", "options")
    )
    chosen = (pl.col("outcome") == "offered") & pl.col("decided").eq_missing(pl.col("treatment_id"))
    channels = [channel.name for channel in situation.company.channels]
    places = situation.company.contacts_per_month
    return pl.coalesce(
        _when(pl.col("erased_at").is_not_null(), "the customer was erased"),
        _when(pl.col("merged_into").is_not_null(), "the customer was merged with another"),
        _when(pl.col("consent").is_null(), "the customer never agreed to this channel"),
        _when(pl.col("consent") != "given", "the customer withdrew consent to this channel"),
        _when(pl.col("held_out"), "the customer is held out of every marketing contact"),
        _when(pl.col("fenced"), "the customer is within the fence: no mass contact"),
        _when(~chosen, "no decision chose this treatment"),
        _when(pl.col("beyond").is_not_null(), "the enterprise forbids it: ") + pl.col("beyond"),
        pl.col("forbidden"),
        _when(otherwise, "the manager ruled other terms since"),
        _when(pl.col("ends_at") <= situation.at, "the offer has ended"),
        _when(~pl.col("channel").is_in(channels), "the company has given the channel up"),
        _when(
            pl.col("cap_month") != situation.month, "the month of its contact-policy place is over"
        ),
        _when(pl.col("cap_place") > places, "the contact policy has fewer places now"),
    )


def _differs(ruled: str, sent: str) -> pl.Expr:
    return pl.col(ruled).is_not_null() & pl.col(sent).ne_missing(pl.col(ruled))


def _struck(ruled: str, sent: str) -> pl.Expr:
    """An option that the message names was struck since."""
    return pl.col(ruled).is_not_null() & (
        pl.col(sent).list.set_difference(pl.col(ruled)).list.len() > 0
    )


def _when(condition: pl.Expr, reason: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(reason))
