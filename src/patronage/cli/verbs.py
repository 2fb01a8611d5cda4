"""Every verb of the command line, and what is common to them: who acts, and JSON or tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from patronage.access.errors import PatronageError
from patronage.cli.call import Call, act_as, begin, current
from patronage.cli.show import complain

#: noun or bare verb → where it is written, and what it is about
_PLACES = {
    "demo": ("patronage.cli.demo.verb:demo", "Import a real retailer's year and run the loop."),
    "import": ("patronage.cli.imports:import_", "Bring a file in by a mapping."),
    "cycle": ("patronage.cli.cycle:cycle", "Run the whole loop as of a date."),
    "decide": ("patronage.cli.cycle:decide", "Decide for every customer as of a date."),
    "serve": ("patronage.cli.serve:serve", "Serve the pages, the API and decisions."),
    "migrate": ("patronage.cli.store:migrate", "Bring the tables up to this version."),
    "backup": ("patronage.cli.backup:app", "Both stores as of one moment, kept elsewhere."),
    "restore": ("patronage.cli.backup:restore", "Put a backup back."),
    "statement": ("patronage.cli.statement:app", "The customer equity of a quarter."),
    "value": ("patronage.cli.value:app", "What customers are worth."),
    "ledger": ("patronage.cli.ledger:app", "What customers earned, and whether the books agree."),
    "objective": ("patronage.cli.objective:app", "What is meant to be done with a customer."),
    "ranking": ("patronage.cli.ranking:app", "Clients ranked by judgement."),
    "account": ("patronage.cli.account:app", "Organisations that belong together."),
    "fence": ("patronage.cli.fence:app", "Whom no mass contact reaches."),
    "service-tier": ("patronage.cli.service_tier:app", "How a customer is served."),
    "portfolio": ("patronage.cli.portfolio:app", "Who is in charge of whom."),
    "policy": ("patronage.cli.policy:app", "The rules of a portfolio."),
    "lever": ("patronage.cli.lever:app", "What one may do for a customer, and how far."),
    "boundary": ("patronage.cli.boundary:app", "What the enterprise forbids."),
    "conflict": ("patronage.cli.conflict:app", "Claims on customers that compete."),
    "customer": ("patronage.cli.customer:app", "Find a customer and what is known."),
    "merge": ("patronage.cli.merge:app", "Customers who turned out to be one."),
    "consent": ("patronage.cli.consent:app", "What customers agreed to."),
    "privacy": ("patronage.cli.privacy:app", "Forget customers, and prove it."),
    "need": ("patronage.cli.need:app", "What customers say they need."),
    "offer": ("patronage.cli.offer:app", "What product teams propose."),
    "gate": ("patronage.cli.gate:app", "What managers let through to their customers."),
    "decision": ("patronage.cli.decision:app", "What was chosen for a customer, and why."),
    "contact": ("patronage.cli.contact:app", "What is on its way to customers."),
    "outcome": ("patronage.cli.outcome:app", "What decisions led to."),
    "profile": ("patronage.cli.profile:app", "The running totals of every customer's history."),
    "company": ("patronage.cli.company:app", "What the company assumes about itself."),
    "user": ("patronage.cli.user:app", "Who works here, and in which roles."),
    "key": ("patronage.cli.key:app", "What other systems call with."),
    "audit": ("patronage.cli.audit:app", "Who did what, and that nobody changed the log."),
}


def carry_out(arguments: Sequence[str], call: Call) -> int:
    """Run one command line; what a person is meant to read goes to the call's consoles.

    Returns:
        The exit status: 0 done, 1 refused, 2 not understood.
    """
    begin(call)
    app = build()
    try:
        app.meta(
            list(arguments),
            console=call.out,
            error_console=call.err,
            exit_on_error=False,
            result_action="return_value",
        )
    except CycloptsError:
        return 2  # cyclopts has said what it did not understand
    except PatronageError as error:
        complain(str(error))
        return 1
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 1
    return 0


def build() -> App:
    """Give the whole command line; a verb's module is read only when the verb is called."""
    app = App(
        name="patronage",
        help="Who is in charge of each customer, what each is worth, what comes next.",
        version=version("patronage"),
        usage="Usage: patronage COMMAND [--as EMAIL] [--json] [ARGUMENTS]",
    )
    for name, (place, about) in _PLACES.items():
        app.command(place, name=name, help=about)
    app.meta.default(_with_actor(app))
    return app


def _with_actor(app: App) -> Callable[..., None]:
    def launch(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        as_: Annotated[str | None, Parameter(name="--as")] = None,
        json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    ) -> None:
        """Run one verb.

        Parameters
        ----------
        as_
            E-mail address of the person who acts; the machine's owner without it.
        json
            Answer with one JSON document a line instead of tables.
        """
        call = current()
        call.json = json
        if as_ is not None:
            call.actor = act_as(as_, call.clock())
        app(
            tokens,
            console=call.out,
            error_console=call.err,
            exit_on_error=False,
            result_action="return_value",
        )

    return launch
