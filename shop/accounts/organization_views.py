"""Organizations: members, invitations, teams."""

from typing import Any, cast

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from backstay.filtering import DjangoFilterBackend
from backstay.permissions import PermittedRowsMixin
from backstay.readplan import ReadPlanMixin
from shop.accounts.invitations import accept_invitation
from shop.accounts.models import Invitation, Membership, Organization, Team, User
from shop.accounts.organizations import end_membership
from shop.accounts.permissions import INVITATIONS, MEMBER, MEMBERS, ORGANIZATIONS, TEAMS
from shop.accounts.serializers import (
    InvitationDetail,
    InvitationToken,
    Joined,
    MemberChange,
    MemberDetail,
    OrganizationDetail,
    TeamDetail,
)
from shop.resources import OF_ORGANIZATION, MountedView, Resource


class OrganizationViewSet(
    ReadPlanMixin,
    PermittedRowsMixin,
    MountedView,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet,
):
    """One's own organization; staff see all. An owner changes its name and its plan."""

    http_method_names = ["get", "post", "patch", "head", "options"]
    queryset = Organization.objects.all()
    permission_classes = (ORGANIZATIONS,)
    serializer_class = OrganizationDetail
    filter_backends: Any = (DjangoFilterBackend,)
    lookup_value_converter = "int"

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], permission_classes=[MEMBER])
    def leave(self, request: Request, **kwargs: Any) -> Response:
        """
        End one's own membership. What one did stays with the organization.

        The last owner cannot leave: 409. Make another member owner first.
        """
        self.get_object()
        end_membership(membership=caller(request).membership)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OrganizationPart(Resource):
    """
    What one organization has, under its path.

    The organization is found by its own rule, so what another one has is missing.
    """

    organization: Organization

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        visible = Organization.objects.filter(ORGANIZATIONS.scope(request.user, Organization))
        self.organization = get_object_or_404(visible, pk=self.kwargs["organization_id"])
        if self.action is not None:
            # Who may not do this to any part is told so, whatever the id and the body.
            part = self.get_queryset().model(organization=self.organization)
            self.check_object_permissions(request, part)

    def get_queryset(self) -> QuerySet:
        parts = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return parts
        return parts.filter(organization=self.organization)


class MemberViewSet(OrganizationPart):
    """The members of an organization. An owner gives roles and teams, and removes."""

    http_method_names = ["get", "patch", "delete", "head", "options"]
    queryset = Membership.objects.all()
    permission_classes = (MEMBERS,)
    serializer_class = MemberDetail
    serializer_classes = {"partial_update": MemberChange}
    cache = OF_ORGANIZATION

    def lock(self, target: Membership) -> Membership | None:
        """The organization before its member, as every change of one does."""
        Organization.objects.lock(target.organization_id)
        return super().lock(target)

    def perform_destroy(self, instance: Membership) -> None:
        end_membership(membership=instance)


class InvitationViewSet(OrganizationPart):
    """
    Open invitations into an organization, for its owners.

    The token goes to the address by mail only, and is good for seven days. An address
    that is invited again gets a new token, and its old one is void.
    """

    http_method_names = ["get", "post", "delete", "head", "options"]
    queryset = Invitation.objects.all()
    permission_classes = (INVITATIONS,)  # type: ignore[assignment]  # The stubs know classes only.
    serializer_class = InvitationDetail

    def get_queryset(self) -> QuerySet:
        # Not on the class: what is open changes with time.
        return super().get_queryset().filter(pk__in=Invitation.objects.open())

    def perform_create(self, serializer: BaseSerializer) -> None:
        self.save_permitted(
            serializer, organization=self.organization, invited_by=self.request.user
        )


class AcceptInvitationView(MountedView, generics.GenericAPIView):
    """Join an organization."""

    # What a broken constraint is about, should the admin add the same member at once.
    queryset = Membership.objects.all()
    serializer_class = InvitationToken
    problem_codes = ("not_found",)

    @extend_schema(responses=Joined)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """
        Accept an invitation to one's own address.

        A token that is unknown, used, replaced, withdrawn, expired or another's is 404.
        Who is a member of an organization already gets 409, and the token stays good.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        membership = accept_invitation(user=caller(request), **serializer.validated_data)
        return Response(Joined(membership, context=self.get_serializer_context()).data)


class TeamViewSet(Resource):
    """The teams of one's own organization; owners and managers write. Staff see all."""

    queryset = Team.objects.order_by("name")
    permission_classes = (TEAMS,)
    serializer_class = TeamDetail
    cache = OF_ORGANIZATION

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        # Who may not add any team is told so, whatever the body.
        self.check_object_permissions(request, Team(organization=caller(request).organization))
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer) -> None:
        self.save_permitted(serializer, organization=caller(self.request).organization)


def caller(request: Request) -> User:
    """Who is logged in; the permissions of the view have seen to it that somebody is."""
    return cast("User", request.user)
