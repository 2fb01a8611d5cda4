"""Which quarter's budget pays for a contact, and until when?"""

from __future__ import annotations

from datetime import date, datetime

from patronage.customize.models import Budget
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar, Quarter


def quarter_at(company: Company, at: datetime) -> Quarter:
    """The quarter that an instant is in; the end of a quarter is the start of the next."""
    calendar = BusinessCalendar(company.time_zone)
    return calendar.quarter_of(calendar.date_of(at))


def last_day_of(company: Company, at: datetime) -> date:
    """The last date on which what is decided at an instant may go out."""
    return quarter_at(company, at).last_day


def budget_of(company: Company, at: datetime) -> Budget:
    """The budget of the instant's quarter as it stands; opened from the company's declaration."""
    budget, _ = Budget.objects.get_or_create(
        period=str(quarter_at(company, at)),
        defaults={"amount_minor": company.quarterly_budget_minor, "currency": company.currency},
    )
    return budget


def left_of(budget: Budget) -> int:
    """What is neither reserved nor spent."""
    return budget.amount_minor - budget.reserved_minor - budget.spent_minor
