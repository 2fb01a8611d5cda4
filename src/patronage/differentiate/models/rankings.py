"""Clients ranked by judgement where lifetime value cannot: criteria, votes, moves, the review."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q

from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id

#: The best score a criterion can get; 0 is the worst.
BEST_SCORE = 10
#: Characters of what people write; SQLite would keep more, PostgreSQL refuse it.
LONGEST_NAME, LONGEST_PURPOSE, LONGEST_CRITERION, LONGEST_REASON = 100, 400, 60, 400


class Ranking(models.Model):
    """Clients to be ranked by weighted criteria; once a second person reviewed it, it is frozen."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.RANKING)
    )
    name = models.CharField(max_length=LONGEST_NAME, unique=True)
    purpose = models.CharField(
        max_length=LONGEST_PURPOSE,
        help_text="What it is for, and why value cannot rank these clients.",
    )
    opened_by = models.CharField(max_length=40)
    opened_at = models.DateTimeField()
    reviewed_by = models.CharField(max_length=40, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True, reviewed_by="")
                | (
                    Q(reviewed_at__isnull=False)
                    & ~Q(reviewed_by="")
                    & ~Q(reviewed_by=F("opened_by"))
                ),
                name="ranking_reviewed_by_another",
            )
        ]


class RankingCriterion(models.Model):
    """What clients are judged by, and how much it counts."""

    ranking = models.ForeignKey(Ranking, on_delete=models.PROTECT, related_name="criteria")
    name = models.CharField(max_length=LONGEST_CRITERION)
    weight = models.FloatField(help_text="Above 0; only their proportions count.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ranking", "name"], name="one_criterion_a_name"),
            models.CheckConstraint(condition=Q(weight__gt=0), name="criterion_counts"),
        ]


class RankedClient(models.Model):
    """A client of a ranking; the place is theirs from the review on."""

    ranking = models.ForeignKey(Ranking, on_delete=models.PROTECT, related_name="clients")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    place = models.PositiveIntegerField(null=True, help_text="From 1, frozen by the review.")
    score = models.FloatField(null=True, help_text="Frozen by the review.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ranking", "customer"], name="ranked_once"),
            models.UniqueConstraint(fields=["ranking", "place"], name="one_client_a_place"),
        ]


class RankingVote(models.Model):
    """One person's score of one client by one criterion; their newest counts."""

    criterion = models.ForeignKey(RankingCriterion, on_delete=models.PROTECT, related_name="votes")
    client = models.ForeignKey(RankedClient, on_delete=models.PROTECT, related_name="votes")
    score = models.PositiveSmallIntegerField(validators=[MaxValueValidator(BEST_SCORE)])
    voter_id = models.CharField(max_length=40)
    cast_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["criterion", "client", "voter_id", "cast_at"], name="one_vote_an_instant"
            ),
            models.CheckConstraint(condition=Q(score__lte=BEST_SCORE), name="vote_within_scale"),
        ]


class RankMove(models.Model):
    """A client was put into another place than the votes give, for a reason."""

    client = models.ForeignKey(RankedClient, on_delete=models.PROTECT, related_name="moves")
    place = models.PositiveIntegerField(help_text="From 1.")
    reason = models.CharField(max_length=LONGEST_REASON)
    actor_id = models.CharField(max_length=40)
    moved_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(reason=""), name="rank_move_has_reason"),
            models.CheckConstraint(condition=Q(place__gte=1), name="rank_move_from_one"),
        ]
