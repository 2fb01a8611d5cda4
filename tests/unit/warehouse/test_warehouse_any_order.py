"""Does every committed state stay what it was, whatever happens in whatever order?

Random histories of appends, replacements, erasures, roll-backs, deaths and collections are run
beside a model that keeps each state as a plain list of customer ids.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from patronage.warehouse import Warehouse, manifests

FACTS = "customer_facts"
CUSTOMERS = st.lists(st.sampled_from("abcdefgh"), max_size=12)


def facts(customers: list[str]) -> Any:
    count = len(customers)
    return pa.table(
        {
            "customer_id": pa.array(customers, pa.string()),
            "name": pa.array(["size"] * count, pa.string()),
            "observed_at": pa.array(
                [datetime(2017, 1, 1, tzinfo=UTC)] * count, pa.timestamp("us", tz="UTC")
            ),
            "source": pa.array(["survey"] * count, pa.string()),
            "import_id": pa.array(["imp_1"] * count, pa.string()),
        }
    )


class Histories(RuleBasedStateMachine):
    """One dataset, one line of committed states, and everything that can come between."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.warehouse = Warehouse(Path(self.folder.name))
        self.states: dict[int, list[str]] = {}
        self.current: int | None = None

    def held(self) -> list[str]:
        return [] if self.current is None else self.states[self.current]

    def commit(self, number: int, customers: list[str]) -> None:
        self.states[number] = sorted(customers)
        self.current = number

    @rule(customers=CUSTOMERS)
    def append(self, customers: list[str]) -> None:
        written = self.warehouse.append(FACTS, facts(customers), base=self.current)
        self.commit(written.number, [*self.held(), *customers])

    @rule(customers=CUSTOMERS)
    def replace(self, customers: list[str]) -> None:
        written = self.warehouse.replace(FACTS, facts(customers), base=self.current)
        self.commit(written.number, customers)

    @rule(erased=st.sets(st.sampled_from("abcdefgh"), max_size=3))
    def erase(self, erased: set[str]) -> None:
        if self.current is not None:
            written = self.warehouse.without_rows(FACTS, erased, base=self.current)
            left = [customer for customer in self.held() if customer not in erased]
            self.commit(written.number, left)

    @rule(customers=CUSTOMERS)
    def roll_back(self, customers: list[str]) -> None:
        self.warehouse.append(FACTS, facts(customers), base=self.current)

    @rule(customers=CUSTOMERS)
    def die_before_publishing(self, customers: list[str]) -> None:
        with patch.object(manifests, "publish", side_effect=OSError), pytest.raises(OSError):  # noqa: PT011  the error is our own
            self.warehouse.append(FACTS, facts(customers), base=self.current)

    @rule(spare_newer=st.booleans(), publication=st.integers(min_value=0))
    def collect(self, spare_newer: bool, publication: int) -> None:
        if self.current is not None:
            numbers = sorted(self.states)
            keep = {self.current, numbers[publication % len(numbers)]}
            self.warehouse.collect_garbage(FACTS, keep, spare_newer=spare_newer)
            self.states = {number: self.states[number] for number in keep}

    @invariant()
    def every_kept_state_is_what_it_was(self) -> None:
        for number, customers in self.states.items():
            rows = self.warehouse.arrow(self.warehouse.read(FACTS, number).select("customer_id"))
            assert sorted(rows["customer_id"].to_pylist()) == customers
            assert self.warehouse.verify(FACTS, number) == ()

    def teardown(self) -> None:
        self.warehouse.close()
        self.folder.cleanup()


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, derandomize=True, database=None
)
