"""Bodies of accounts: what a user shows of themselves and says to register."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backstay.serializers import ModelSerializer, NewPasswordMixin, Serializer
from shop.accounts.models import Organization, Team, User, canonical_email


class OrganizationBrief(ModelSerializer):
    class Meta:
        model = Organization
        fields = ["id", "name", "plan"]


class TeamBrief(ModelSerializer):
    class Meta:
        model = Team
        fields = ["id", "name"]


class UserDetail(ModelSerializer):
    """One user; only the names can be changed."""

    full_name = serializers.CharField(read_only=True)
    is_self = serializers.SerializerMethodField()
    organization = OrganizationBrief(read_only=True, allow_null=True)
    role = serializers.ChoiceField(
        choices=["staff", "owner", "manager", "member", "customer"], read_only=True
    )
    team = TeamBrief(read_only=True, allow_null=True)
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


class UserCreate(NewPasswordMixin, Serializer):
    """A new account. ``password`` and ``password_confirm`` come with the mixin."""

    email = CanonicalEmailField(max_length=254)
    first_name = serializers.CharField(max_length=100, allow_blank=True, default="")
    last_name = serializers.CharField(max_length=100, allow_blank=True, default="")


class Registered(serializers.Serializer):
    detail = serializers.CharField(read_only=True)
