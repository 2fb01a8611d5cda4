"""A company, and a way to bring in a file that a test has just written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from patronage.access.company import load_company
from patronage.access.ports import CustomersCreated, customers_created
from patronage.access.roles import SYSTEM

from .files import FilesIn

COMPANY = """
name = "Corner Shop"
time_zone = "America/New_York"
currency = "{currency}"
default_margin = 0.27
entry_portfolio = "All"
holdout_salt = "test"
quarterly_budget_minor = 500000
tiers = [{{ name = "all", share = 1.0 }}]
objectives = [{{ objective = "retain", reason = "Buys as before" }}]
channels = [{{ name = "mail", title = "Mail", cost_minor = 80 }}]
portfolios = [{{ name = "All", manager = "manager@example.com" }}]
"""


@pytest.fixture
def created() -> Iterator[list[CustomersCreated]]:
    """What the room of portfolios would have heard of new customers."""
    heard: list[CustomersCreated] = []
    with customers_created.handled_by(heard.append):
        yield heard


@pytest.fixture
def company(db: None, now: datetime) -> None:
    """A declared company that reports in dollars."""
    load_company(actor=SYSTEM, now=now, text=COMPANY.format(currency="USD"), reason="test")


@pytest.fixture
def files(company: None, created: list[CustomersCreated], now: datetime, tmp_path: Path) -> FilesIn:
    """Writes files and imports them."""
    return FilesIn(folder=tmp_path, now=now)
