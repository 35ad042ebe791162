"""Bodies of accounts, and of what an organization has."""

from typing import Any

from django.contrib.auth.hashers import check_password
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from backstay.auth.serializers import MAX_PASSWORD_LENGTH
from backstay.auth.sessions.endings import change_password
from backstay.permissions import PermittedRelatedField
from backstay.serializers import ModelSerializer, NewPasswordMixin, Serializer
from shop.accounts.invitations import invite
from shop.accounts.models import (
    Invitation,
    Membership,
    Organization,
    Team,
    User,
    canonical_email,
)
from shop.accounts.organizations import change_member, change_organization, rename_team
from shop.accounts.permissions import OWN


class OrganizationBrief(ModelSerializer):
    class Meta:
        model = Organization
        fields = ["id", "name", "plan"]


class TeamBrief(ModelSerializer):
    class Meta:
        model = Team
        fields = ["id", "name"]


class UserList(ModelSerializer):
    """A user in a list."""

    class Meta:
        model = User
        fields = ["id", "email", "created_at"]


class UserDetail(ModelSerializer):
    """One user; only the names can be changed."""

    full_name = serializers.CharField(read_only=True)
    is_self = serializers.SerializerMethodField()
    organization = OrganizationBrief(
        source="membership.organization", read_only=True, allow_null=True
    )
    role = serializers.ChoiceField(
        choices=["staff", "owner", "manager", "member", "customer"], read_only=True
    )
    team = TeamBrief(source="membership.team", read_only=True, allow_null=True)
    permissions = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "created_at",
            "first_name",
            "last_name",
            "full_name",
            "is_self",
            "organization",
            "role",
            "team",
            "permissions",
        ]
        read_only_fields = ["email", "created_at"]

    def get_is_self(self, user: User) -> bool:
        return bool(self.context["request"].user == user)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_permissions(self, user: User) -> list[str]:
        return sorted(user.get_all_permissions())


class CanonicalEmailField(serializers.EmailField):
    """An address that is validated in the spelling it is stored in."""

    def to_internal_value(self, data: Any) -> str:
        return canonical_email(super().to_internal_value(data))


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A new account",
            request_only=True,
            value={
                "email": "ada@shop.example",
                "password": "correct horse",
                "password_confirm": "correct horse",
                "first_name": "Ada",
                "last_name": "Example",
            },
        )
    ]
)
class UserCreate(NewPasswordMixin, Serializer):
    """A new account. ``password`` and ``password_confirm`` come with the mixin."""

    email = CanonicalEmailField(max_length=254)
    first_name = serializers.CharField(max_length=100, allow_blank=True, default="")
    last_name = serializers.CharField(max_length=100, allow_blank=True, default="")


class PasswordChange(NewPasswordMixin, Serializer):
    """
    A new password for oneself. A stolen token is not enough: the present one is asked for.

    ``password`` and ``password_confirm`` come with the mixin.
    """

    current_password = serializers.CharField(
        write_only=True,
        trim_whitespace=False,
        max_length=MAX_PASSWORD_LENGTH,
        style={"input_type": "password"},
    )

    def validate_current_password(self, value: str) -> str:
        if not check_password(value, self.instance.password):  # type: ignore[union-attr]  # It is the caller's.
            raise serializers.ValidationError("This is not the password.", code="wrong_password")
        return value

    def update(self, instance: User, validated_data: dict[str, Any]) -> User:
        family = (self.context["request"].auth or {}).get("family")
        change_password(user=instance, password=validated_data["password"], keep=family)
        return instance


class Registered(serializers.Serializer):
    detail = serializers.CharField(read_only=True)


class OrganizationDetail(ModelSerializer):
    """An organization; its name and plan can be changed."""

    class Meta:
        model = Organization
        fields = ["id", "name", "plan", "created_at"]
        read_only_fields = ["created_at"]

    def update(self, instance: Organization, validated_data: dict[str, Any]) -> Organization:
        by = self.context["request"].user
        return change_organization(organization=instance, by=by, **validated_data)


class Person(ModelSerializer):
    """A user as a colleague."""

    full_name = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = ["id", "full_name", "email"]


class MemberDetail(ModelSerializer):
    user = Person(read_only=True)
    team = TeamBrief(read_only=True, allow_null=True)

    class Meta:
        model = Membership
        fields = ["id", "user", "role", "team", "created_at"]
        read_only_fields = ["role", "created_at"]


@extend_schema_field(OpenApiTypes.INT)
class OwnTeamField(PermittedRelatedField):
    """A team of the caller's organization; another's is like one that does not exist."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(rule=OWN, queryset=Team.objects.all(), **kwargs)


class MemberChange(Serializer):
    """What an owner changes of a member. ``team`` is a team's id; null takes it away."""

    role = serializers.ChoiceField(choices=Membership.Role.choices, required=False)
    team = OwnTeamField(required=False, allow_null=True)

    def update(self, instance: Membership, validated_data: dict[str, Any]) -> Membership:
        change_member(membership=instance, **validated_data)
        return instance


class InvitationDetail(ModelSerializer):
    """An open invitation. Its token is in the mail, and nowhere else."""

    email = CanonicalEmailField(max_length=254)
    invited_by = Person(read_only=True)

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "invited_by", "created_at", "expires_at"]

    def create(self, validated_data: dict[str, Any]) -> Invitation:
        return invite(**validated_data)


class InvitationToken(Serializer):
    token = serializers.CharField(max_length=100)


class Joined(MemberDetail):
    """The caller's new membership."""

    organization = OrganizationBrief(read_only=True)

    class Meta(MemberDetail.Meta):
        fields = [*MemberDetail.Meta.fields, "organization"]


class TeamDetail(ModelSerializer):
    """A team; its organization is that of whoever creates it."""

    organization = OrganizationBrief(read_only=True)

    class Meta:
        model = Team
        fields = ["id", "name", "organization"]
        # A name that is taken is found by the constraint itself, also in a race.
        validators: list[object] = []

    def update(self, instance: Team, validated_data: dict[str, Any]) -> Team:
        if validated_data:
            rename_team(team=instance, **validated_data)
        return instance
