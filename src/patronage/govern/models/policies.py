"""The rules of a portfolio: drafts, published versions that never change, and their rules."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import Q

from patronage.access.models import User
from patronage.govern.errors import PolicyStands
from patronage.govern.models.portfolios import Portfolio
from patronage.vocabulary.ids import IdPrefix, new_id

#: What a rule may do, in words that files and the API use.
EFFECTS: Final = (
    "not_eligible",
    "allow",
    "adapt",
    "block",
    "prefer",
    "service_tier",
    "route",
)


class CatalogSnapshot(models.Model):
    """The fields that rules could ask about when a version was written; one row a catalogue."""

    digest = models.CharField(primary_key=True, max_length=64)
    fields = models.JSONField(help_text="Name, type, unit, source of each field, in order.")
    recorded_at = models.DateTimeField()


class _VersionRows(models.QuerySet["PolicyVersion"]):
    """Refuses to change or remove many rows at once where one of them stands."""

    def update(self, **values: Any) -> int:
        _refuse(self.exclude(_OPEN).first())
        return super().update(**values)

    def bulk_update(self, objs: Any, *rest: Any, **more: Any) -> int:
        given = list(objs)
        _refuse(
            self.model.objects.filter(pk__in=[each.pk for each in given]).exclude(_OPEN).first()
        )
        return super().bulk_update(given, *rest, **more)

    def delete(self) -> tuple[int, dict[str, int]]:
        _refuse(self.exclude(_OPEN).first())
        return super().delete()


_OPEN: Final = Q(published_at__isnull=True, discarded_at__isnull=True)


class PolicyVersion(models.Model):
    """One state of a portfolio's rules: a draft until it is published, then never changed."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.POLICY))
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="policies")
    number = models.PositiveIntegerField(
        null=True, help_text="1 for the first that was published; null: a draft."
    )
    based_on = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, help_text="The version it was written from."
    )
    restores = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="restored_by",
        help_text="The version of which it is a copy, after a roll-back.",
    )
    note = models.CharField(max_length=400, help_text="What it is for.")
    fields_digest = models.CharField(max_length=64, help_text="Of the catalogue it was typed by.")
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField()
    published_by = models.CharField(max_length=40, blank=True)
    published_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=400, blank=True, help_text="Why it was published.")
    valid_from = models.DateTimeField(
        null=True, help_text="From when on it counts, at most the instant of publishing."
    )
    discarded_by = models.CharField(max_length=40, blank=True)
    discarded_at = models.DateTimeField(null=True)

    objects = _VersionRows.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["portfolio", "number"], name="one_policy_a_number"),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, number__isnull=True, valid_from__isnull=True)
                | Q(
                    published_at__isnull=False,
                    number__isnull=False,
                    valid_from__isnull=False,
                    discarded_at__isnull=True,
                ),
                name="published_has_number_and_date",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["published_at"])]

    def __str__(self) -> str:
        return f"version {self.number}" if self.number else "draft"

    @property
    def is_draft(self) -> bool:
        """Whether it may still change."""
        return self.published_at is None and self.discarded_at is None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep a draft, or publish it; what stands is refused.

        Raises:
            PolicyStands: the stored version is published or discarded.
        """
        _refuse(_standing(self))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse what stands.

        Raises:
            PolicyStands: the stored version is published or discarded.
        """
        _refuse(_standing(self))
        return super().delete(*args, **kwargs)


def _standing(version: PolicyVersion) -> PolicyVersion | None:
    return PolicyVersion.objects.filter(pk=version.pk).exclude(_OPEN).first()


def _refuse(version: PolicyVersion | None) -> None:
    if version is not None:
        raise PolicyStands(version=str(version), id=version.id)


class _RuleRows(models.QuerySet["Rule"]):
    """Refuses to change or remove rules of a version that stands."""

    def _open_only(self) -> Self:
        first = self.exclude(
            version__published_at__isnull=True, version__discarded_at__isnull=True
        ).first()
        _refuse(None if first is None else first.version)
        return self

    def update(self, **values: Any) -> int:
        self._open_only()
        return super().update(**values)

    def bulk_update(self, objs: Any, *rest: Any, **more: Any) -> int:
        given = list(objs)
        self.model.objects.filter(pk__in=[each.pk for each in given])._open_only()
        return super().bulk_update(given, *rest, **more)

    def bulk_create(self, objs: Any, *rest: Any, **more: Any) -> list[Rule]:
        given = list(objs)
        for version_id in {each.version_id for each in given}:
            _refuse(PolicyVersion.objects.filter(pk=version_id).exclude(_OPEN).first())
        return super().bulk_create(given, *rest, **more)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._open_only()
        return super().delete()


class Rule(models.Model):
    """One rule of a version: for whom, on which offers, and what it does to them."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.RULE))
    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(help_text="Order in which rules are asked, from 1.")
    name = models.CharField(max_length=100)
    effect = models.CharField(max_length=12, choices=[(each, each) for each in EFFECTS])
    when = models.TextField(help_text="Of which customers and moments, as written.")
    when_tree = models.JSONField()
    offers = models.TextField(blank=True, help_text="On which treatments; empty means every.")
    offers_tree = models.JSONField(null=True)
    amount_minor = models.BigIntegerField(
        null=True, help_text="For prefer: what it is worth, above or below zero."
    )
    adaptation = models.JSONField(
        default=dict,
        help_text="For adapt: face_value_percent, channels, not_before (ISO date).",
    )
    service_tier = models.CharField(max_length=20, blank=True)
    route_to = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    valid_until = models.DateTimeField(null=True, help_text="Exclusive; null: no end.")

    objects = _RuleRows.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "position"], name="one_rule_a_position"),
            models.UniqueConstraint(fields=["version", "name"], name="one_rule_a_name"),
            models.CheckConstraint(
                condition=Q(effect="prefer", amount_minor__isnull=False)
                | (~Q(effect="prefer") & Q(amount_minor__isnull=True)),
                name="prefer_has_an_amount",
            ),
            models.CheckConstraint(
                condition=Q(effect="route", route_to__isnull=False)
                | (~Q(effect="route") & Q(route_to__isnull=True)),
                name="route_has_a_person",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep a draft's rule.

        Raises:
            PolicyStands: its version is published or discarded.
        """
        _refuse(PolicyVersion.objects.filter(pk=self.version_id).exclude(_OPEN).first())
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Remove a draft's rule.

        Raises:
            PolicyStands: its version is published or discarded.
        """
        _refuse(PolicyVersion.objects.filter(pk=self.version_id).exclude(_OPEN).first())
        return super().delete(*args, **kwargs)
