"""Who works at the demonstration company, and with which password they log in."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Role
from patronage.vocabulary.company import Company

#: the two product teams, and who owns the offers of each
TEAMS = {
    "Fresh, dairy and frozen": "greta.lind@example.com",
    "Grocery and household": "hugo.silva@example.com",
}
EXECUTIVE = "cleo.executive@example.com"
ANALYST = "jonas.analyst@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can log in to the demonstration."""

    email: str
    role: Role
    #: what they do, in a few words
    work: str

    @property
    def name(self) -> str:
        """The name that the address says."""
        return self.email.partition("@")[0].replace(".", " ").title()


def everybody(company: Company) -> list[Person]:
    """Name everybody: the declared managers among them."""
    managers = {rule.manager: rule.name for rule in company.portfolios}
    return [
        Person(email=EXECUTIVE, role=Role.EXECUTIVE, work="publishes the equity statements"),
        *(
            Person(email=email, role=Role.MANAGER, work=f"in charge of {portfolio!r}")
            for email, portfolio in managers.items()
        ),
        *(
            Person(email=email, role=Role.OFFER_OWNER, work=f"owns the offers of {team!r}")
            for team, email in TEAMS.items()
        ),
        Person(email="ines.agent@example.com", role=Role.AGENT, work="takes customers' calls"),
        Person(
            email=ANALYST,
            role=Role.ANALYST,
            work="values customers, reviews the equity statements",
        ),
        Person(
            email="kaya.admin@example.com",
            role=Role.ADMINISTRATOR,
            work="imports and runs the jobs",
        ),
    ]


def password_of(home: Path) -> str:
    """Give the one password of all demonstration people; made at the first call."""
    path = home / "demo_password"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(9))
    return path.read_text().strip()


def add(people: Sequence[Person], *, password: str, now: datetime) -> int:
    """Add those who are not there yet; return how many."""
    there = set(User.objects.values_list("email", flat=True))
    missing = [person for person in people if person.email not in there]
    for person in missing:
        create_user(
            actor=SYSTEM,
            now=now,
            email=person.email,
            name=person.name,
            password=password,
            roles=[person.role],
            reason="works at the demonstration company",
        )
    return len(missing)
