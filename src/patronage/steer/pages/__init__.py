"""The pages on what customers are worth: statement, who is behind a line, scorecards, loop."""

from patronage.steer.pages.behind_line import behind_line
from patronage.steer.pages.cycles import cycles
from patronage.steer.pages.equity import equity
from patronage.steer.pages.levers import levers, levers_csv
from patronage.steer.pages.line_file import line_csv
from patronage.steer.pages.metrics import metrics
from patronage.steer.pages.scorecards import scorecards
from patronage.steer.pages.statement_file import statement_csv
from patronage.steer.pages.taking_on import draft, publish, review

__all__ = [
    "behind_line",
    "cycles",
    "draft",
    "equity",
    "levers",
    "levers_csv",
    "line_csv",
    "metrics",
    "publish",
    "review",
    "scorecards",
    "statement_csv",
]
