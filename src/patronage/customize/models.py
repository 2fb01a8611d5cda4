"""Offers, the gate, decisions, contacts and the budget they share."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from patronage.access.models import CompanyVersion, User
from patronage.differentiate.models import ModelVersion, ValuationRun
from patronage.govern.models import PolicyVersion, Portfolio
from patronage.identify.models import Consent, Customer
from patronage.vocabulary.ids import IdPrefix, new_id


class ProductTeam(models.Model):
    """A team that proposes offers; it never sends them."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.PRODUCT_TEAM)
    )
    name = models.CharField(max_length=100, unique=True)
    members = models.ManyToManyField(User, related_name="product_teams")

    def __str__(self) -> str:
        return self.name


class SalesTarget(models.Model):
    """What a team means to sell in a quarter; the newest of a quarter counts. Decides nothing."""

    team = models.ForeignKey(ProductTeam, on_delete=models.PROTECT, related_name="targets")
    period = models.CharField(max_length=7, help_text="The quarter, such as 2017-Q4.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    recorded_at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="target_not_negative")
        ]
        indexes: ClassVar = [models.Index(fields=["team", "period"])]


class Offer(models.Model):
    """What a product team proposes to customers, on which products, for whom."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.OFFER))
    ref = models.CharField(max_length=80, unique=True, help_text="The owner's own reference.")
    team = models.ForeignKey(ProductTeam, on_delete=models.PROTECT, related_name="offers")
    name = models.CharField(max_length=160)
    description = models.CharField(max_length=400, blank=True)
    category = models.CharField(max_length=100, help_text="Product category the offer is on.")
    department = models.CharField(max_length=60)
    need = models.CharField(max_length=40, blank=True, help_text="Need it answers, if any.")
    face_value_minor = models.PositiveIntegerField(help_text="What the customer saves.")
    redemption_cost_minor = models.PositiveIntegerField(
        help_text="What one redemption costs the company, after what makers reimburse."
    )
    currency = models.CharField(max_length=3)
    eligibility = models.TextField(help_text="Predicate text; empty means everybody.", blank=True)
    eligibility_tree = models.JSONField(null=True, blank=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    proposed_by = models.CharField(max_length=40)
    proposed_at = models.DateTimeField()
    options = models.JSONField(
        default=list,
        blank=True,
        help_text="What may be added: name, price_minor, needs and excludes other options.",
    )
    version = models.PositiveSmallIntegerField(default=1, help_text="Counts resubmissions.")
    replaces = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="replaced_by",
        help_text="The version before, on which its rulings stay.",
    )

    def __str__(self) -> str:
        return self.name


class Treatment(models.Model):
    """An offer in one channel with its wording and what one contact costs."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.TREATMENT)
    )
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="treatments")
    channel = models.CharField(max_length=20)
    wording = models.CharField(max_length=300)
    cost_minor = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "channel"], name="one_treatment_a_channel")
        ]


class Ruling(models.Model):
    """A portfolio's word on an offer, for all of it, for a segment of it or for one customer.

    It holds from `valid_from` on until it ends or the next one on the same stands; where several
    are about a customer, the one on the customer counts before those on segments, and these before
    the one on the portfolio.
    """

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.RULING))
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="rulings")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="rulings")
    about = models.CharField(
        max_length=40,
        blank=True,
        help_text="Empty: the whole portfolio; else the customer's id or the segment's digest.",
    )
    when = models.TextField(blank=True, help_text="The segment: predicate text; empty for none.")
    when_tree = models.JSONField(null=True, blank=True)
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="rulings"
    )
    effect = models.CharField(max_length=6, choices=[(e, e) for e in ("allow", "adapt", "block")])
    adaptation = models.JSONField(
        default=dict,
        help_text="What is changed: face_value_minor, channels, wording, not_before (ISO date), "
        "options (names kept).",
    )
    by_default = models.BooleanField(help_text="The portfolio's default policy, nobody ruled yet.")
    reason_code = models.CharField(max_length=40)
    reason = models.CharField(max_length=400, blank=True)
    test_share = models.FloatField(
        default=0.0, help_text="Of a block: share of its customers for whom it is lifted."
    )
    forgone_minor = models.BigIntegerField(
        null=True, help_text="Best achievable without the ruling less with it, at the last run."
    )
    gross_forgone_minor = models.BigIntegerField(
        null=True, help_text="Sum of this offer's own positive scores that it stops."
    )
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text="Exclusive; then what held before it holds again."
    )
    recorded_at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["offer", "portfolio", "about", "by_default", "recorded_at"],
                name="one_ruling_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(by_default=False) | Q(about="", valid_until__isnull=True),
                name="defaults_hold_for_a_whole_portfolio",
            ),
            models.CheckConstraint(
                condition=Q(about="", customer__isnull=True, when="")
                | (~Q(about="") & Q(customer__isnull=False, when=""))
                | (~Q(about="") & ~Q(when="") & Q(customer__isnull=True)),
                name="a_ruling_is_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(test_share=0.0)
                | Q(effect="block", by_default=False, test_share__gt=0.0, test_share__lte=0.05),
                name="only_a_block_is_tested",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="a_ruling_ends_after_it_begins",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["portfolio", "offer", "-valid_from"])]


class RulingEnd(models.Model):
    """A ruling was taken back: from `at` on, what held before it holds again."""

    ruling = models.OneToOneField(
        Ruling, primary_key=True, on_delete=models.PROTECT, related_name="end"
    )
    at = models.DateTimeField()
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=200)


class RulingMessage(models.Model):
    """What the offer's owner answers to a ruling, or the manager to the owner."""

    ruling = models.ForeignKey(Ruling, on_delete=models.PROTECT, related_name="messages")
    at = models.DateTimeField()
    text = models.CharField(max_length=1000)
    by_owner = models.BooleanField(help_text="Written by the offer's team, else by the manager.")
    actor_id = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=200)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ruling", "at"])]


class Budget(models.Model):
    """What the offers of one period may cost; reserved and spent never exceed it."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.BUDGET))
    period = models.CharField(max_length=20, unique=True, help_text="Such as 2017-Q4.")
    amount_minor = models.PositiveBigIntegerField()
    reserved_minor = models.PositiveBigIntegerField(default=0)
    spent_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=F("reserved_minor") + F("spent_minor")),
                name="budget_never_overspent",
            )
        ]


class Holdout(models.Model):
    """A universal holdout: who is in it is a hash of salt and customer, so it never flips."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.HOLDOUT)
    )
    name = models.CharField(max_length=100, unique=True)
    salt = models.CharField(max_length=100)
    share = models.FloatField()
    starts_at = models.DateTimeField()


class DecisionRun(models.Model):
    """Every customer decided as of one date, with the versions, prices and certificate used."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.RUN))
    as_of = models.DateField(db_index=True)
    input_digest = models.CharField(max_length=64, unique=True)
    company_version = models.ForeignKey(CompanyVersion, on_delete=models.PROTECT)
    valuation_run = models.ForeignKey(ValuationRun, on_delete=models.PROTECT)
    response_model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT)
    budget = models.ForeignKey(Budget, on_delete=models.PROTECT)
    policy_digest = models.CharField(max_length=64, help_text="Of offers, rules and rulings.")
    offers = models.JSONField(help_text="Ids of the offers, in the order of the kept figures.")
    prices = models.JSONField(help_text="Price of each capacity, money per unit of it.")
    certificate = models.JSONField()
    counts = models.JSONField(help_text="offered, withheld, nothing")
    manifest = models.PositiveIntegerField(help_text="Of the decision_candidates dataset.")
    created_at = models.DateTimeField()


class PriceTag(models.Model):
    """What a version of a portfolio's rules was said to change, before it was published."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.PRICE_TAG)
    )
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="price_tags")
    against = models.ForeignKey(
        PolicyVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The version that it is compared with; null: no rules.",
    )
    rules_digest = models.CharField(max_length=64, help_text="Of the rules that were priced.")
    kind = models.CharField(max_length=8, choices=[(each, each) for each in ("estimate", "exact")])
    as_of = models.DateField(help_text="The date whose customers were decided anew.")
    figures = models.JSONField(help_text="As `price_tags.Figures`; money in minor units.")
    made_by = models.CharField(max_length=40)
    made_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["version", "-made_at"])]


class Affinity(models.Model):
    """What one customer's answer to every offer is worth, as scored by the newest run.

    The batch leaves these figures for decisions in the moment, so that both speeds use one score.
    """

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE)
    run = models.ForeignKey(DecisionRun, on_delete=models.CASCADE)
    figures = models.BinaryField(help_text="float32 (offers, 3): response, buys anyway, margin.")


class Decision(models.Model):
    """What was chosen for one customer, from which candidates, why, and by which versions."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.DECISION)
    )
    run = models.ForeignKey(
        DecisionRun,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="decisions",
        help_text="None for a decision asked for in the moment.",
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="decisions")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT)
    at = models.DateTimeField(db_index=True)
    channel = models.CharField(max_length=20, blank=True, help_text="Asked for; empty means any.")
    outcome = models.CharField(
        max_length=10, choices=[(o, o) for o in ("offered", "withheld", "nothing")]
    )
    treatment = models.ForeignKey(Treatment, null=True, blank=True, on_delete=models.PROTECT)
    score_minor = models.FloatField(null=True, help_text="Expected incremental value, minor units.")
    propensity = models.FloatField(help_text="Probability that this choice was made; 1: no draw.")
    held_out = models.BooleanField()
    candidates = models.JSONField(
        default=list,
        help_text="In the moment: every candidate, its terms and reason; batch: in the warehouse.",
    )
    versions = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run", "customer"],
                condition=Q(run__isnull=False),
                name="one_decision_a_run",
            ),
            models.CheckConstraint(
                condition=Q(outcome="nothing", treatment__isnull=True)
                | (~Q(outcome="nothing") & Q(treatment__isnull=False)),
                name="chosen_has_a_treatment",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="offered", held_out=True), name="held_out_is_never_offered"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["customer", "-at"])]


class Contact(models.Model):
    """A treatment on its way to a customer: the outbox. Cannot exist without what permits it."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.CONTACT)
    )
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="contact")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contacts")
    treatment = models.ForeignKey(Treatment, on_delete=models.PROTECT)
    channel = models.CharField(max_length=20)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT)
    ruling = models.ForeignKey(Ruling, on_delete=models.PROTECT)
    budget = models.ForeignKey(Budget, on_delete=models.PROTECT)
    reserved_minor = models.PositiveIntegerField(help_text="Held in the budget for this contact.")
    capacities = models.TextField(
        blank=True, help_text="Counts of stock or capacity it is in: their numbers."
    )
    cap_month = models.CharField(max_length=7, help_text="Such as 2017-10, company's time zone.")
    cap_place = models.PositiveSmallIntegerField(help_text="First, second … place of that month.")
    due_at = models.DateTimeField()
    state = models.CharField(
        max_length=10,
        choices=[(s, s) for s in ("queued", "sending", "sent", "cancelled")],
        default="queued",
    )
    terms = models.JSONField(default=dict, help_text="Wording and face value as ruled.")
    state_at = models.DateTimeField(help_text="When the state was reached.")
    state_reason = models.CharField(max_length=300, blank=True)
    lease_token = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "cap_month", "cap_place"],
                condition=~Q(state="cancelled"),
                name="one_contact_a_place",
            ),
            models.CheckConstraint(condition=Q(cap_place__gte=1), name="cap_places_from_one"),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"])]
