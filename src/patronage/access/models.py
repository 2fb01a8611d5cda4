"""People, keys, the vault's ciphertext, the audit log, jobs and committed manifests."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from patronage.access.roles import Role
from patronage.vocabulary.ids import IdPrefix, new_id


class UserAccounts(BaseUserManager["User"]):
    """Looks people up by their e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person who works in the company."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.PERSON))
    email = models.EmailField(unique=True, help_text="Log-in name, kept in lower case.")
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(
        default=False, help_text="Whether somebody else chose the password."
    )
    created_at = models.DateTimeField()

    objects: ClassVar[UserAccounts] = UserAccounts()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class RoleGrant(models.Model):
    """A role a person holds from one instant until another (or still)."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.CharField(max_length=40)
    reason = models.CharField(max_length=400)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "role"], condition=Q(ends_at__isnull=True), name="one_open_grant"
            )
        ]


class ApiKey(models.Model):
    """A key another system calls with; only its SHA-256 is kept."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.API_KEY)
    )
    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=200)
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="The person whose scope the key has; none for a service key.",
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    revoked_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on it opens nothing; may lie ahead."
    )
    replaces = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="replaced_by",
        help_text="The key in whose place it came.",
    )
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="Last call that was let in, to the hour."
    )


class SecondFactor(models.Model):
    """That a person logs in with a code from their device too; its secret is in the vault."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    begun_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="Asked for at log-in from then on."
    )
    last_step = models.BigIntegerField(
        default=0, help_text="Half minute of the last code taken: no code is taken twice."
    )


class RecoveryCode(models.Model):
    """A code that stands in once for a lost device; only its SHA-256 is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True, blank=True)


class OpenIdLink(models.Model):
    """Who a person is at the company's own log-in service."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="open_ids")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_an_open_id")
        ]


class CompanyVersion(models.Model):
    """One version of `company.toml`; runs name the version they used."""

    number = models.PositiveIntegerField(primary_key=True)
    digest = models.CharField(
        max_length=64,
        help_text="SHA-256 of the content; an old one comes back as a new version.",
    )
    content = models.JSONField()
    recorded_at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    reason = models.CharField(max_length=400)


class VaultEntry(models.Model):
    """One encrypted value about one subject; its key is in the key file, never here."""

    subject_id = models.CharField(max_length=40)
    name = models.CharField(max_length=80, help_text="What the value is: name, email, note:…")
    nonce = models.BinaryField()
    ciphertext = models.BinaryField()
    digest = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text="Keyed digest of the normalised value, to find it; empty if never searched.",
    )
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject_id", "name"], name="one_vault_value")
        ]


class AuditEntry(models.Model):
    """Who did what to what, when, why and under which right; numbered and chained by the sealer."""

    at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=200)
    action = models.CharField(max_length=80)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    right = models.CharField(
        max_length=40, blank=True, help_text="Right it was done under; empty where none is needed."
    )
    role = models.CharField(
        max_length=40, blank=True, help_text="Role that held the right; empty for the system."
    )
    reason = models.CharField(max_length=400, blank=True)
    before = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="What it was, by the names in `change`."
    )
    change = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="What it is now, or what was done."
    )
    number = models.PositiveBigIntegerField(null=True, unique=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["subject_kind", "subject_id", "at"]),
            models.Index(fields=["subject_id", "id"]),
            models.Index(fields=["actor_id", "id"]),
            models.Index(fields=["action", "id"]),
            models.Index(fields=["at"]),
        ]


class JobRun(models.Model):
    """One run of a job for one business period; the pair is unique, so nothing runs twice."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.JOB))
    job = models.CharField(max_length=80)
    period = models.CharField(max_length=80)
    state = models.CharField(
        max_length=12, choices=[(s, s) for s in ("running", "done", "failed")], default="running"
    )
    done = models.FloatField(default=0, help_text="Share done, 0 to 1.")
    step = models.CharField(max_length=200, blank=True)
    result = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    worker = models.CharField(max_length=200, help_text="Machine and process that runs it.")
    attempt = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When the worker last gave a sign of life.")
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "period"], name="one_run_a_period")
        ]


class DatasetVersion(models.Model):
    """A committed manifest of a warehouse dataset: readers see only the newest row's."""

    dataset = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(
        help_text="Number of the state it builds on, 0 for none: two writers cannot share one."
    )
    rows = models.BigIntegerField()
    committed_at = models.DateTimeField()
    cause = models.CharField(max_length=60, help_text="Id of the import or run that wrote it.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset", "number"], name="one_row_a_manifest"),
            models.UniqueConstraint(fields=["dataset", "parent"], name="one_successor_a_manifest"),
        ]


class IdempotencyRecord(models.Model):
    """What was answered to a request that may come again; written with the request's effect."""

    caller_id = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["caller_id", "key"], name="one_answer_a_key")
        ]


class LogInFailure(models.Model):
    """A log-in that failed; keyed digests say who tried from where without naming either."""

    person_digest = models.CharField(max_length=64)
    address_digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["person_digest", "address_digest", "at"])]


class Erasure(models.Model):
    """That somebody was forgotten: what went, under whose word, and that the key is no more."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.ERASURE)
    )
    subject_id = models.CharField(max_length=40, unique=True)
    erased_at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    reason = models.CharField(max_length=400)
    removed = models.JSONField(help_text="How much went, by room and what it was.")
    values_digest = models.CharField(
        max_length=64, help_text="SHA-256 over the sealed values that went."
    )
    key_destroyed = models.BooleanField(default=False)
    keys_backup = models.CharField(
        max_length=12,
        default="open",
        choices=[(s, s) for s in ("open", "destroyed", "none", "not reached")],
        help_text="What became of the key in the keys' backup.",
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["erased_at"])]
