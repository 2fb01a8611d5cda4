"""Equity statements and scorecards: drafted, reviewed and published by two people, then frozen.

The guards here answer in words; the database refuses the same by itself (migration 0002).
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.db.models import F, Q

from patronage.access.models import User
from patronage.access.roles import SYSTEM_ID
from patronage.differentiate.models import ValuationRun
from patronage.govern.models import Portfolio
from patronage.science.equity import MOVEMENTS
from patronage.steer.errors import Published
from patronage.vocabulary.ids import IdPrefix, new_id

M = TypeVar("M", bound=models.Model)

#: the lines of a statement, in its order; all but the first and the last are movements
LINES = ("opening", *MOVEMENTS, "closing")


class Frozen(models.QuerySet[M]):
    """Refuses to change or delete, in bulk, what belongs to a published statement."""

    def update(self, **changes: Any) -> int:
        self._refuse_published()
        return super().update(**changes)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._refuse_published()
        return super().delete()

    def _refuse_published(self) -> None:
        path = "" if self.model is Statement else "statement__"
        published = self.filter(**{f"{path}published_at__isnull": False})
        found = published.values_list(f"{path}pk", flat=True).first()
        if found is not None:
            raise Published(statement_id=str(found))


def _by_somebody(step: str) -> Q:
    """Whoever took the step is known together with the instant, or neither is."""
    nobody, never = {f"{step}_by": ""}, {f"{step}_at__isnull": True}
    return Q(**nobody, **never) | (~Q(**nobody) & ~Q(**never))


class FrozenWhenPublished(models.Model):
    """A statement or a part of one: neither saved nor deleted once the statement is published."""

    objects = Frozen.as_manager()

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        self._refuse_if_published()
        super().save(**options)

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        self._refuse_if_published()
        return super().delete(using, keep_parents)

    def _refuse_if_published(self) -> None:
        statement_id = getattr(self, "statement_id", self.pk)
        if Statement.objects.filter(pk=statement_id, published_at__isnull=False).exists():
            raise Published(statement_id=statement_id)


class Statement(FrozenWhenPublished):
    """The customer equity of one quarter: opening, movements, closing."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.STATEMENT)
    )
    period_start = models.DateField(help_text="First day of the quarter.")
    as_of = models.DateField(help_text="Last day stated; to be published, the quarter's last.")
    opening_run = models.ForeignKey(
        ValuationRun, null=True, on_delete=models.PROTECT, related_name="+"
    )
    closing_run = models.ForeignKey(ValuationRun, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    manifest = models.PositiveIntegerField(null=True, help_text="Of the statement_lines dataset.")
    checksum_minor = models.BigIntegerField(
        help_text="Opening and movements less closing, of the enterprise: always 0."
    )
    drafted_by = models.CharField(max_length=40)
    drafted_at = models.DateTimeField()
    reviewed_by = models.CharField(max_length=40, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    published_by = models.CharField(max_length=40, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["opening_run", "closing_run"], name="one_statement_a_pair_of_runs"
            ),
            models.UniqueConstraint(
                fields=["closing_run"],
                condition=Q(opening_run__isnull=True),
                name="one_first_statement_a_run",
            ),
            models.UniqueConstraint(
                fields=["as_of"],
                condition=Q(published_at__isnull=False),
                name="one_published_statement_a_date",
            ),
            models.CheckConstraint(
                condition=Q(published_by="") | ~Q(published_by=F("drafted_by")),
                name="published_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by="") | ~Q(reviewed_by=F("drafted_by")),
                name="reviewed_by_a_second_person",
            ),
            models.CheckConstraint(
                # Where the system drafted, two people are those who review and publish.
                condition=~Q(drafted_by=SYSTEM_ID)
                | Q(published_by="")
                | ~Q(published_by=F("reviewed_by")),
                name="two_people_publish_a_statement",
            ),
            models.CheckConstraint(
                condition=_by_somebody("reviewed"), name="reviewed_by_somebody_at_an_instant"
            ),
            models.CheckConstraint(
                condition=_by_somebody("published"), name="published_by_somebody_at_an_instant"
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True) | Q(reviewed_at__isnull=False),
                name="published_after_a_review",
            ),
            models.CheckConstraint(condition=Q(checksum_minor=0), name="a_statement_closes"),
        ]


class StatementLine(FrozenWhenPublished):
    """One movement of one portfolio; the enterprise is the sum of its portfolios."""

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="lines")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=[(k, k) for k in LINES])
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "portfolio", "kind"], name="one_line_a_kind"
            )
        ]


class Scorecard(FrozenWhenPublished):
    """One manager's quarter for one portfolio, beside its frozen three-year value."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.SCORECARD)
    )
    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="scorecards")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT)
    manager = models.ForeignKey(User, on_delete=models.PROTECT)
    customers = models.PositiveIntegerField()
    revenue_minor = models.BigIntegerField(help_text="This quarter's, customers held at the date.")
    margin_minor = models.BigIntegerField(help_text="Realised this quarter.")
    expected_margin_minor = models.BigIntegerField(
        null=True, help_text="As expected at the opening."
    )
    value_minor = models.BigIntegerField(help_text="Frozen three-year value.")
    value_low_minor = models.BigIntegerField(help_text="Of the 90 % interval of the sum.")
    value_high_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "portfolio"], name="one_scorecard_a_portfolio"
            )
        ]


class PortfolioMeasure(FrozenWhenPublished):
    """What a portfolio returned in the quarter, what chance alone would do, what can be paid for.

    Lifetime figures count value so far ahead that the rest is below a cent; minor units.
    """

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="measures")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT)
    frequency_variance = models.FloatField(
        help_text="Of experience in frequency under the opening's model; minor units squared."
    )
    spend_variance = models.FloatField(help_text="Likewise of experience in spend.")
    realised_margin_minor = models.BigIntegerField(
        help_text="Of the quarter, each customer's while the portfolio held them."
    )
    contact_cost_minor = models.BigIntegerField(
        help_text="Of the contacts sent meanwhile, those to customers without a value included."
    )
    acquisition_cost_minor = models.BigIntegerField(
        null=True, help_text="Of the customers won; none where it is not known."
    )
    paid_for_minor = models.BigIntegerField(
        null=True, help_text="Margin against expected, experience, customers won; as handed over."
    )
    weighted_hand_overs_minor = models.BigIntegerField(
        help_text="Hand-overs, each by the share of the quarter after it."
    )
    lifetime_opening_minor = models.BigIntegerField(null=True)
    lifetime_closing_minor = models.BigIntegerField(null=True)
    lifetime_hand_overs_minor = models.BigIntegerField(null=True)
    lifetime_weighted_hand_overs_minor = models.BigIntegerField(null=True)
    lifetime_unattributable_minor = models.BigIntegerField(
        null=True, help_text="Movements that nobody caused: of models, data, identity, currency."
    )
    lifetime_time_minor = models.BigIntegerField(
        null=True, help_text="What time alone adds: what a lifetime's return is expected to be."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "portfolio"], name="one_measure_a_portfolio"
            )
        ]


class ProjectionGrade(FrozenWhenPublished):
    """What a frozen projection expected until this statement's date, and what came."""

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="grades")
    graded_as_of = models.DateField(help_text="When the projection was frozen.")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT)
    customers = models.PositiveIntegerField(help_text="Held at the graded date.")
    expected_minor = models.BigIntegerField(help_text="Margin expected then of the time since.")
    came_minor = models.BigIntegerField(help_text="Margin that these customers left since.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "graded_as_of", "portfolio"], name="one_grade_a_projection"
            )
        ]
