"""How does a lower room tell or ask a higher one, which it may not import?

A port is declared here; the higher room registers a handler when Django is ready. Handlers run in
the caller's transaction: what they refuse does not happen. A mandatory port without a handler
refuses to start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from patronage.access.errors import PatronageError
from patronage.access.roles import Actor, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

E = TypeVar("E")
P = ParamSpec("P")
R = TypeVar("R")


class PortUnhandled(PatronageError):
    """A mandatory port has no handler; nothing may run like this."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"Nothing handles {', '.join(names)}. The room that does registers in its "
            "AppConfig.ready: add it to INSTALLED_APPS."
        )
        self.names = tuple(names)


class _Declared:
    """What every port has: a name, and whether somebody must handle it."""

    def __init__(self, name: str, *, mandatory: bool) -> None:
        self.name = name
        self.mandatory = mandatory
        _PORTS.append(self)

    @property
    def handled(self) -> bool:
        raise NotImplementedError


_PORTS: list[_Declared] = []


class Port(_Declared, Generic[E]):
    """Something happened; every handler hears of it, in the order of registration."""

    def __init__(self, name: str, *, mandatory: bool = False) -> None:
        super().__init__(name, mandatory=mandatory)
        self._handlers: list[Callable[[E], None]] = []

    @property
    def handled(self) -> bool:
        return bool(self._handlers)

    def register(self, handler: Callable[[E], None]) -> None:
        """Add a handler; adding the same one again changes nothing."""
        if handler not in self._handlers:
            self._handlers.append(handler)

    def announce(self, event: E) -> None:
        """Run every handler in the caller's transaction; the first error stops the change.

        Raises:
            PortUnhandled: the port is mandatory and has no handler.
        """
        if self.mandatory and not self._handlers:
            raise PortUnhandled([self.name])
        for handler in self._handlers:
            handler(event)

    @contextmanager
    def handled_by(self, *handlers: Callable[[E], None]) -> Iterator[None]:
        """Let exactly these handlers hear for the length of a block (for tests)."""
        before, self._handlers = self._handlers, list(handlers)
        try:
            yield
        finally:
            self._handlers = before


class Question(_Declared, Generic[P, R]):
    """Somebody higher knows the answer; exactly one handler gives it."""

    def __init__(self, name: str, *, mandatory: bool = True) -> None:
        super().__init__(name, mandatory=mandatory)
        self._handler: Callable[P, R] | None = None

    @property
    def handled(self) -> bool:
        return self._handler is not None

    def register(self, handler: Callable[P, R]) -> None:
        """Name who answers; a second, different handler is refused."""
        if self._handler is not None and self._handler is not handler:
            raise ValueError(f"{self.name} already has a handler: {self._handler!r}")
        self._handler = handler

    def ask(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the handler's answer.

        Raises:
            PortUnhandled: nobody registered.
        """
        if self._handler is None:
            raise PortUnhandled([self.name])
        return self._handler(*args, **kwargs)

    @contextmanager
    def answered_by(self, handler: Callable[P, R] | None) -> Iterator[None]:
        """Let this handler answer for the length of a block (for tests)."""
        before, self._handler = self._handler, handler
        try:
            yield
        finally:
            self._handler = before


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersCreated:
    """Customers now exist and have no portfolio yet."""

    #: id, display name and first event of each
    customers: Sequence[tuple[str, str, datetime]]
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn:
    """A customer no longer agrees to be contacted for this purpose."""

    customer_id: str
    purpose: str
    #: None: in every channel
    channel: str | None
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersErased:
    """Customers are to be forgotten: every room removes what it holds of them."""

    customer_ids: Sequence[str]
    actor: Actor
    now: datetime
    #: how much went, as "room: what"; each room adds its own
    removed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersMerged:
    """Customers were found to be others: what is asked of the absorbed is now the kept one's."""

    #: id of the merge, kept customer, absorbed customer
    pairs: Sequence[tuple[str, str, str]]
    #: whether the absorbed were visitors only, of whom nobody was in charge by choice
    adopted: bool
    reason: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersUnmerged:
    """Merges were undone: the absorbed customers stand on their own again."""

    #: id of the merge, kept customer, absorbed customer
    pairs: Sequence[tuple[str, str, str]]
    reason: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveChanged:
    """Another objective is in force for a customer, between two valuations."""

    customer_id: str
    objective: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLeaves:
    """A person is about to lose roles; who needs them in one refuses and says what to do first."""

    user_id: str
    name: str
    #: the roles that end
    roles: frozenset[Role]
    #: the roles that stay
    kept: frozenset[Role]
    now: datetime


customers_created: Port[CustomersCreated] = Port("customers_created", mandatory=True)
consent_withdrawn: Port[ConsentWithdrawn] = Port("consent_withdrawn")
customers_erased: Port[CustomersErased] = Port("customers_erased")
customers_merged: Port[CustomersMerged] = Port("customers_merged", mandatory=True)
customers_unmerged: Port[CustomersUnmerged] = Port("customers_unmerged", mandatory=True)
#: everybody who is one person with these customers: first whom they absorbed, then themselves
one_person: Question[[Sequence[str]], list[str]] = Question("one_person")
objective_changed: Port[ObjectiveChanged] = Port("objective_changed")
person_leaves: Port[PersonLeaves] = Port("person_leaves")


def unhandled() -> list[str]:
    """Names of the mandatory ports that nobody handles; empty when all is well."""
    return sorted(port.name for port in _PORTS if port.mandatory and not port.handled)


def require_handlers() -> None:
    """Refuse to start while a mandatory port has no handler.

    Raises:
        PortUnhandled: names every such port.
    """
    names = unhandled()
    if names:
        raise PortUnhandled(names)
