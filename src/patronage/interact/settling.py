"""Who may be sent now, and what is written once it is known how each contact ended?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import polars as pl
from django.db.models import F, QuerySet

from patronage.customize.models import Budget, Contact, Offer
from patronage.govern.capacities import return_taken
from patronage.identify import bulk
from patronage.identify.models import Customer
from patronage.interact.channels import Handed
from patronage.interact.errors import BudgetOutOfStep
from patronage.interact.leases import Lease
from patronage.interact.models import Attempt

#: After so many failures a contact is given up, so that nothing is tried for ever.
MOST_ATTEMPTS: Final = 5
#: Reason of a contact that only a person can settle.
UNKNOWN: Final = "nobody can say whether it went out"
_WIDTH: Final = 300
_HELD: Final = ("pk", "budget_id", "reserved_minor")


def lock(lease: Lease) -> list[str]:
    """Lock what a send depends on until the transaction ends; give the contacts free to be sent.

    A withdrawal of consent, a ruling or a hand-over refers to the customer or the offer, so that
    it waits until the send has committed, or is seen because it came first. Customers whom
    somebody else is changing right now are left out instead of waited for: whoever waits while
    holding customers could be waited for in turn.
    """
    mine = Contact.objects.filter(
        pk__in=lease.contact_ids, state="sending", lease_token=lease.token
    )
    budgets, offers = mine.values("budget_id"), mine.values("treatment__offer_id")
    for parents in (Budget.objects.filter(pk__in=budgets), Offer.objects.filter(pk__in=offers)):
        list(parents.select_for_update().order_by("pk").values_list("pk"))
    free = Customer.objects.filter(pk__in=mine.values("customer_id"))
    customers = list(
        free.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
    )
    held = mine.select_for_update().filter(customer_id__in=customers)
    return list(held.order_by("pk").values_list("pk", flat=True))


def give_back(lease: Lease, contact_ids: Iterable[str], now: datetime) -> int:
    """Let contacts that were not touched wait again; those in doubt before stay in doubt."""
    ids = set(contact_ids)
    mine = Contact.objects.filter(state="sending", lease_token=lease.token)
    doubtful = mine.filter(pk__in=sorted(ids & lease.found.keys()))
    waiting = mine.filter(pk__in=sorted(ids - lease.found.keys()))
    return doubtful.update(lease_until=now) + waiting.update(
        state="queued", lease_token="", lease_until=None
    )


def mark_sent(contacts: pl.DataFrame, contact_ids: Sequence[str], at: datetime) -> None:
    """Note that contacts went out: what their budget held for them is spent."""
    _reached(contact_ids, "sent", at, "")
    _move_budgets(_of(contacts, contact_ids), spent=True)


def cancel(contacts: pl.DataFrame, reasons: Mapping[str, str], at: datetime) -> None:
    """Note that contacts will not go out, and why; place, budget and stock are free again."""
    by_reason: dict[str, list[str]] = {}
    for contact_id, reason in reasons.items():
        by_reason.setdefault(reason, []).append(contact_id)
    for reason, ids in by_reason.items():
        _reached(ids, "cancelled", at, reason)
    _move_budgets(_of(contacts, list(reasons)), spent=False)
    counted = Contact.objects.filter(pk__in=list(reasons)).exclude(capacities="")
    return_taken((numbers, 1) for numbers in counted.values_list("capacities", flat=True))


def keep_in_doubt(contact_ids: Sequence[str], now: datetime) -> None:
    """Leave contacts of which nobody can say whether they went out: they are listed, not sent."""
    Contact.objects.filter(pk__in=contact_ids).update(lease_until=now, state_reason=UNKNOWN)


def try_again(contact_ids: Sequence[str], why: Mapping[str, str]) -> dict[str, str]:
    """Let failed contacts wait for the next run; give those that failed too often, with why."""
    failed = Attempt.objects.filter(contact_id__in=contact_ids, outcome="failed")
    times: dict[str, int] = {}
    for contact_id in failed.values_list("contact_id", flat=True):
        times[contact_id] = times.get(contact_id, 0) + 1
    given_up = {
        each: f"failed {times[each]} times: {why[each]}"
        for each in contact_ids
        if times.get(each, 0) >= MOST_ATTEMPTS
    }
    again = [each for each in contact_ids if each not in given_up]
    Contact.objects.filter(pk__in=again).update(state="queued", lease_token="", lease_until=None)
    return given_up


def note_attempts(contacts: pl.DataFrame, handed: Sequence[Handed], at: datetime) -> None:
    """Write one row a try."""
    channels = dict(contacts.select("contact_id", "channel").iter_rows())
    bulk.insert(
        Attempt,
        {
            "contact": [each.contact_id for each in handed],
            "at": [at] * len(handed),
            "channel": [channels[each.contact_id] for each in handed],
            "outcome": [each.outcome for each in handed],
            "detail": [each.detail[:_WIDTH] for each in handed],
        },
    )


def release_queued(customer_id: str, channel: str | None, reason: str, at: datetime) -> int:
    """Cancel what waits for a customer at once, in the caller's transaction; return how many."""
    queued = Contact.objects.filter(customer_id=customer_id, state="queued")
    if channel is not None:
        queued = queued.filter(channel=channel)
    contacts = _locked(queued)
    cancel(contacts, dict.fromkeys(contacts["contact_id"].to_list(), reason), at)
    return contacts.height


def settle(contact_id: str, *, went_out: bool, reason: str, at: datetime) -> bool:
    """End a contact in doubt as a person says it ended; False where none is in such doubt."""
    unknown = Contact.objects.filter(pk=contact_id, state="sending", state_reason=UNKNOWN)
    contacts = _locked(unknown)
    if contacts.is_empty():
        return False
    if went_out:
        mark_sent(contacts, [contact_id], at)
    else:
        cancel(contacts, {contact_id: reason}, at)
    return True


def _locked(contacts: QuerySet[Contact]) -> pl.DataFrame:
    """Lock contacts and, before them, their budgets: in the order in which a run locks them."""
    budgets = Budget.objects.filter(pk__in=contacts.values("budget_id"))
    list(budgets.select_for_update().order_by("pk").values_list("pk"))
    rows = list(contacts.select_for_update().order_by("pk").values_list(*_HELD))
    schema = {"contact_id": pl.String, "budget_id": pl.String, "reserved_minor": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _reached(contact_ids: Sequence[str], state: str, at: datetime, reason: str) -> None:
    Contact.objects.filter(pk__in=contact_ids).update(
        state=state, state_at=at, state_reason=reason[:_WIDTH], lease_token="", lease_until=None
    )


def _of(contacts: pl.DataFrame, contact_ids: Sequence[str]) -> pl.DataFrame:
    return contacts.filter(pl.col("contact_id").is_in(list(contact_ids)))


def _move_budgets(contacts: pl.DataFrame, *, spent: bool) -> None:
    sums = contacts.group_by("budget_id").agg(pl.col("reserved_minor").sum()).sort("budget_id")
    for budget_id, amount in sums.iter_rows():
        held = Budget.objects.filter(pk=budget_id, reserved_minor__gte=amount)
        if not held.update(
            reserved_minor=F("reserved_minor") - amount,
            spent_minor=F("spent_minor") + (amount if spent else 0),
        ):
            raise BudgetOutOfStep(budget_id=budget_id, wanted_minor=amount)
