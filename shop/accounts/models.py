"""
Accounts, organizations, and who belongs to which.

The database itself keeps these promises, whoever writes: one account for each
canonical address; one organization and one role for each user; known plans and
roles only. That a member's team is of the member's own organization is checked
by ``Membership.clean`` alone: no constraint both databases know can say it.

Of an invitation's token there is a hash only. The token itself is derived from the row
and ``SECRET_KEY`` when its mail is written, so neither the database nor a job holds it;
a new ``SECRET_KEY`` therefore spoils the invitations that have not been mailed yet.

An account is never deleted, because orders, articles and comments name it; it is
anonymised (``shop.accounts.actions.anonymise``).
"""

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Lower, Trim
from django.utils import timezone
from django.utils.crypto import salted_hmac

from shop.accounts.fields import CanonicalEmailField, canonical_email
from shop.accounts.querysets import InvitationQuerySet, OrganizationQuerySet, UserQuerySet

__all__ = [
    "CanonicalEmailField",
    "Invitation",
    "Membership",
    "Organization",
    "Team",
    "User",
    "canonical_email",
]

INVITATION_LIFETIME = timedelta(days=7)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)["User"]):  # type: ignore[misc]  # A class made at run time.
    """Creates accounts; their e-mail address is their login."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user: User = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Someone who can log in."""

    email = CanonicalEmailField(
        unique=True, error_messages={"unique": "An account with this address exists."}
    )
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    full_name = models.GeneratedField(
        expression=Trim(Concat("first_name", Value(" "), "last_name")),
        output_field=models.CharField(max_length=201),
        db_persist=True,
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="accounts_user_newest")]
        constraints = [
            models.CheckConstraint(
                name="accounts_user_email_lower", condition=Q(email=Lower(F("email")))
            )
        ]

    def __str__(self) -> str:
        return self.email

    def know_membership(self, membership: "Membership | None") -> None:
        """Take the membership, or that there is none, from somewhere else than the database."""
        User._meta.get_field("membership").set_cached_value(self, membership)

    @property
    def organization(self) -> "Organization | None":
        return self.membership.organization if hasattr(self, "membership") else None

    @property
    def team(self) -> "Team | None":
        return self.membership.team if hasattr(self, "membership") else None

    @property
    def organization_role(self) -> str | None:
        """The role as a member, of staff too."""
        return self.membership.role if hasattr(self, "membership") else None

    @property
    def role(self) -> str:
        """``staff``, else the role in the organization, else ``customer``."""
        return "staff" if self.is_staff else self.organization_role or "customer"


class Organization(models.Model):
    """A tenant: it sells products and pays for a plan."""

    class Plan(models.TextChoices):
        FREE = "free"
        PRO = "pro"
        ENTERPRISE = "enterprise"

    name = models.CharField(max_length=200)
    plan = models.CharField(max_length=20, choices=Plan, default=Plan.FREE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="accounts_organization_plan",
                condition=Q(plan__in=["free", "pro", "enterprise"]),
                violation_error_code="invalid_choice",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """A group of members inside one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=100)

    class Meta:
        indexes = [models.Index(fields=["name", "id"], name="accounts_team_by_name")]
        constraints = [
            models.UniqueConstraint(
                name="accounts_team_name",
                fields=["organization", "name"],
                violation_error_message="The organization has a team of this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One user in one organization."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        MEMBER = "member"

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="membership")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, related_name="memberships", null=True, blank=True
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], name="accounts_membership_newest"
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="accounts_membership_role",
                condition=Q(role__in=["owner", "manager", "member"]),
                violation_error_code="invalid_choice",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.role} of {self.organization}"

    def clean(self) -> None:
        if self.team is not None and self.team.organization_id != self.organization_id:
            raise ValidationError({"team": "This team is of another organization."})


def invitation_expiry() -> datetime:
    return timezone.now() + INVITATION_LIFETIME


class Invitation(models.Model):
    """An open offer of a membership to whoever has an address. Accepting it deletes it."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations", db_index=False
    )
    email = CanonicalEmailField()
    role = models.CharField(max_length=20, choices=Membership.Role, default=Membership.Role.MEMBER)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=invitation_expiry, editable=False)
    token_seed = models.UUIDField(default=uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], name="accounts_invitation_newest"
            )
        ]
        constraints = [
            models.UniqueConstraint(
                name="accounts_invitation_email",
                fields=["organization", "email"],
                violation_error_message="The organization has invited this address.",
            ),
            models.CheckConstraint(
                name="accounts_invitation_role",
                condition=Q(role__in=["owner", "manager", "member"]),
                violation_error_code="invalid_choice",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.role} of {self.organization}"

    def token(self) -> str:
        """What the mail carries and the invited user sends back."""
        return invitation_token(self.token_seed)


def invitation_token(seed: UUID) -> str:
    digest = salted_hmac("shop.accounts.invitation", seed.bytes, algorithm="sha256").digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def hash_of_token(token: str) -> str:
    """What is stored. One plain hash is enough: a token is 256 bits that nobody can guess."""
    return sha256(token.encode()).hexdigest()
