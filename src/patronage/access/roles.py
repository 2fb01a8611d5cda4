"""Who acts, in which role, and what each role may do to whose things: one table, else denied."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from patronage.access.errors import NotAllowed


class Role(StrEnum):
    """What a person is in the company's order of work."""

    EXECUTIVE = "executive"
    #: in charge of the customers of their portfolios
    MANAGER = "manager"
    #: the same for accounts of organisations
    KEY_ACCOUNT_MANAGER = "key_account_manager"
    #: in charge of what the company can do: channels, their capacity, what is delivered
    CAPABILITIES_MANAGER = "capabilities_manager"
    OFFER_OWNER = "offer_owner"
    AGENT = "agent"
    #: hears complaints out; sells nothing
    COMPLAINT_HANDLER = "complaint_handler"
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
    MERGE = "merge customers"
    VALUE = "value customers"
    HAND_OVER = "hand over"
    CLAIM = "claim customers"
    RULE_CONFLICT = "rule on conflicts"
    ASSIGN = "assign portfolios"
    PROPOSE_OFFER = "propose offers"
    RULE = "rule on offers"
    USE_LEVER = "use levers"
    GRANT_LEVER = "grant levers"
    SET_BOUNDARY = "set boundaries"
    DECIDE = "decide"
    DECIDE_EVERYBODY = "decide for everybody"
    CAPTURE = "capture events"
    RECORD_NEED = "record needs"
    SET_OBJECTIVE = "set objectives"
    SET_SERVICE = "set service"
    RECORD_CONTROL_TOTAL = "record control totals"
    ERASE = "erase customers"
    DELIVER = "deliver contacts"
    READ_OUT = "read out experiments"
    DRAFT_STATEMENT = "draft statements"
    REVIEW_STATEMENT = "review statements"
    PUBLISH_STATEMENT = "publish statements"
    ADMINISTER = "administer"


class Reach(StrEnum):
    """Whose customers, or whose offers, a role's rights reach."""

    ALL = "all"
    #: of the portfolios they are in charge of; of the product teams they are in
    OWN = "own"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a role may do, and to whose things."""

    customers: Reach
    offers: Reach
    rights: frozenset[Right]


_R, _E = Right, Role
_IN_CHARGE = Permission(
    customers=Reach.OWN,
    offers=Reach.ALL,
    rights=frozenset(
        {
            _R.SEE_CUSTOMERS,
            _R.SEE_PROFITABILITY,
            _R.SEE_STATEMENTS,
            _R.SEE_OFFERS,
            _R.RULE,
            _R.USE_LEVER,
            _R.HAND_OVER,
            _R.CLAIM,
            _R.RECORD_NEED,
            _R.DECIDE,
            _R.READ_OUT,
            _R.SET_OBJECTIVE,
            _R.SET_SERVICE,
        }
    ),
)
POLICY: dict[Role, Permission] = {
    _E.EXECUTIVE: Permission(
        customers=Reach.ALL,
        offers=Reach.ALL,
        rights=frozenset(
            {
                _R.SEE_CUSTOMERS,
                _R.SEE_PROFITABILITY,
                _R.SEE_STATEMENTS,
                _R.SEE_OFFERS,
                _R.SEE_IMPORTS,
                _R.SEE_AUDIT,
                _R.SEE_CYCLES,
                _R.HAND_OVER,
                _R.RULE_CONFLICT,
                _R.ASSIGN,
                _R.GRANT_LEVER,
                _R.SET_BOUNDARY,
                _R.DRAFT_STATEMENT,
                _R.REVIEW_STATEMENT,
                _R.PUBLISH_STATEMENT,
                _R.READ_OUT,
                _R.SET_OBJECTIVE,
                _R.SET_SERVICE,
                _R.RECORD_CONTROL_TOTAL,
                _R.ERASE,
            }
        ),
    ),
    _E.MANAGER: _IN_CHARGE,
    _E.KEY_ACCOUNT_MANAGER: _IN_CHARGE,
    _E.CAPABILITIES_MANAGER: Permission(
        customers=Reach.NONE,
        offers=Reach.ALL,
        rights=frozenset({_R.SEE_OFFERS, _R.SEE_CYCLES, _R.DELIVER}),
    ),
    _E.OFFER_OWNER: Permission(
        customers=Reach.NONE,
        offers=Reach.OWN,
        rights=frozenset({_R.SEE_OFFERS, _R.PROPOSE_OFFER}),
    ),
    _E.AGENT: Permission(
        customers=Reach.ALL,
        offers=Reach.NONE,
        rights=frozenset({_R.SEE_CUSTOMERS, _R.CLAIM, _R.RECORD_NEED, _R.DECIDE, _R.USE_LEVER}),
    ),
    _E.COMPLAINT_HANDLER: Permission(
        customers=Reach.ALL,
        offers=Reach.NONE,
        rights=frozenset({_R.SEE_CUSTOMERS, _R.CLAIM, _R.RECORD_NEED, _R.USE_LEVER, _R.ERASE}),
    ),
    _E.ANALYST: Permission(
        customers=Reach.ALL,
        offers=Reach.ALL,
        rights=frozenset(
            {
                _R.SEE_CUSTOMERS,
                _R.SEE_PROFITABILITY,
                _R.SEE_STATEMENTS,
                _R.REVIEW_STATEMENT,
                _R.SEE_OFFERS,
                _R.SEE_IMPORTS,
                _R.VALUE,
                _R.READ_OUT,
                _R.MERGE,
                _R.RECORD_CONTROL_TOTAL,
            }
        ),
    ),
    _E.ADMINISTRATOR: Permission(
        customers=Reach.NONE,
        offers=Reach.ALL,
        rights=frozenset(
            {
                _R.SEE_IMPORTS,
                _R.SEE_AUDIT,
                _R.SEE_CYCLES,
                _R.IMPORT,
                _R.VALUE,
                _R.ASSIGN,
                _R.RULE_CONFLICT,
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
    ),
    _E.SERVICE: Permission(
        customers=Reach.ALL,
        offers=Reach.ALL,
        rights=frozenset({_R.DECIDE, _R.SEE_OFFERS, _R.CAPTURE}),
    ),
}
#: roles in which a person can be in charge of a portfolio
IN_CHARGE = frozenset(role for role, may in POLICY.items() if may.customers is Reach.OWN)


#: roles that a boundary may name to rule on conflicts
RULING_ON_CONFLICTS = frozenset(
    role for role, may in POLICY.items() if Right.RULE_CONFLICT in may.rights
)


def reaching_all_customers() -> frozenset[Role]:
    """The roles from which no customer is out of sight."""
    return frozenset(role for role, may in POLICY.items() if may.customers is Reach.ALL)


def reaching_all_offers() -> frozenset[Role]:
    """The roles from which no offer is out of sight."""
    return frozenset(role for role, may in POLICY.items() if may.offers is Reach.ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person, key or job on whose behalf something happens."""

    #: user id (`usr_…`), API key id (`key_…`) or "system"
    id: str
    #: shown in histories
    name: str
    roles: frozenset[Role]
    #: id of the API key that spoke for the actor, if that is to be noted; empty otherwise
    key_to_note: str = field(default="", compare=False)

    def may(self, right: Right) -> bool:
        """Whether any of the actor's roles holds the right."""
        return self.id == SYSTEM_ID or bool(self.role_for(right))

    def role_for(self, right: Right) -> str:
        """The role from which the actor has the right; empty without one, as for the system."""
        return next(
            (role.value for role in POLICY if role in self.roles and _holds(role, right)), ""
        )

    def require(self, right: Right) -> None:
        """Refuse unless the actor holds the right.

        Raises:
            NotAllowed: none of the actor's roles holds it; nothing was read or changed.
        """
        if not self.may(right):
            raise NotAllowed(actor=self.name, right=right.value)


def _holds(role: Role, right: Right) -> bool:
    return right in POLICY[role].rights


SYSTEM_ID = "system"
#: the scheduler and the command line of the machine's owner; holds every right, is in the audit log
SYSTEM = Actor(id=SYSTEM_ID, name="System", roles=frozenset())
