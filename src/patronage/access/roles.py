"""Who acts, in which role, and what each role may do: one table, denied by default."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from patronage.access.errors import NotAllowed


class Role(StrEnum):
    """What a person is in the company's order of work."""

    EXECUTIVE = "executive"
    MANAGER = "manager"
    OFFER_OWNER = "offer_owner"
    AGENT = "agent"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"
    #: another system: a shop, a call centre, a mailer
    SERVICE = "service"


class Right(StrEnum):
    """What can be done; actions and reads name the right they need."""

    SEE_CUSTOMERS = "see customers"
    SEE_PROFITABILITY = "see profitability"
    SEE_STATEMENTS = "see statements"
    SEE_OFFERS = "see offers"
    SEE_IMPORTS = "see imports"
    SEE_AUDIT = "see audit"
    SEE_CYCLES = "see runs of the loop"
    IMPORT = "import"
    VALUE = "value customers"
    HAND_OVER = "hand over"
    ASSIGN = "assign portfolios"
    PROPOSE_OFFER = "propose offers"
    RULE = "rule on offers"
    DECIDE = "decide"
    DECIDE_EVERYBODY = "decide for everybody"
    RECORD_NEED = "record needs"
    SET_OBJECTIVE = "set objectives"
    RECORD_CONTROL_TOTAL = "record control totals"
    DELIVER = "deliver contacts"
    READ_OUT = "read out experiments"
    DRAFT_STATEMENT = "draft statements"
    REVIEW_STATEMENT = "review statements"
    PUBLISH_STATEMENT = "publish statements"
    ADMINISTER = "administer"


_R, _E = Right, Role
POLICY: dict[Role, frozenset[Right]] = {
    _E.EXECUTIVE: frozenset(
        {
            _R.SEE_CUSTOMERS,
            _R.SEE_PROFITABILITY,
            _R.SEE_STATEMENTS,
            _R.SEE_OFFERS,
            _R.SEE_IMPORTS,
            _R.SEE_AUDIT,
            _R.SEE_CYCLES,
            _R.HAND_OVER,
            _R.ASSIGN,
            _R.DRAFT_STATEMENT,
            _R.REVIEW_STATEMENT,
            _R.PUBLISH_STATEMENT,
            _R.READ_OUT,
            _R.SET_OBJECTIVE,
            _R.RECORD_CONTROL_TOTAL,
        }
    ),
    _E.MANAGER: frozenset(
        {
            _R.SEE_CUSTOMERS,
            _R.SEE_PROFITABILITY,
            _R.SEE_STATEMENTS,
            _R.SEE_OFFERS,
            _R.RULE,
            _R.HAND_OVER,
            _R.RECORD_NEED,
            _R.DECIDE,
            _R.READ_OUT,
            _R.SET_OBJECTIVE,
        }
    ),
    _E.OFFER_OWNER: frozenset({_R.SEE_OFFERS, _R.PROPOSE_OFFER}),
    _E.AGENT: frozenset({_R.SEE_CUSTOMERS, _R.RECORD_NEED, _R.DECIDE}),
    _E.ANALYST: frozenset(
        {
            _R.SEE_CUSTOMERS,
            _R.SEE_PROFITABILITY,
            _R.SEE_STATEMENTS,
            _R.REVIEW_STATEMENT,
            _R.SEE_OFFERS,
            _R.SEE_IMPORTS,
            _R.VALUE,
            _R.READ_OUT,
            _R.RECORD_CONTROL_TOTAL,
        }
    ),
    _E.ADMINISTRATOR: frozenset(
        {
            _R.SEE_IMPORTS,
            _R.SEE_AUDIT,
            _R.SEE_CYCLES,
            _R.IMPORT,
            _R.VALUE,
            _R.ASSIGN,
            _R.DELIVER,
            _R.DECIDE,
            _R.DECIDE_EVERYBODY,
            _R.READ_OUT,
            _R.DRAFT_STATEMENT,
            _R.SEE_STATEMENTS,
            _R.SEE_OFFERS,
            _R.PROPOSE_OFFER,
            _R.ADMINISTER,
        }
    ),
    _E.SERVICE: frozenset({_R.DECIDE, _R.SEE_OFFERS}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person, key or job on whose behalf something happens."""

    #: user id (`usr_…`), API key id (`key_…`) or "system"
    id: str
    #: shown in histories
    name: str
    roles: frozenset[Role]

    def may(self, right: Right) -> bool:
        """Whether any of the actor's roles holds the right."""
        return self.id == SYSTEM_ID or any(right in POLICY[role] for role in self.roles)

    def require(self, right: Right) -> None:
        """Refuse unless the actor holds the right.

        Raises:
            NotAllowed: none of the actor's roles holds it; nothing was read or changed.
        """
        if not self.may(right):
            raise NotAllowed(actor=self.name, right=right.value)


SYSTEM_ID = "system"
#: the scheduler and the command line of the machine's owner; holds every right, is in the audit log
SYSTEM = Actor(id=SYSTEM_ID, name="System", roles=frozenset())
