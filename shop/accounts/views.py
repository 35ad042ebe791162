"""Registration, users, and one's own account."""

from typing import Any

from django.contrib.auth import update_session_auth_hash
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, mixins, status, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from backstay.auth import StaffSessionAuthentication, TokenInvalid
from backstay.caching import CachedResponsesMixin
from backstay.filtering import DjangoFilterBackend
from backstay.pagination import AdaptivePagination
from backstay.permissions import PermittedRowsMixin
from backstay.readplan import ReadPlanMixin
from backstay.serializers import ActionSerializersMixin
from shop.accounts import actions
from shop.accounts.models import User
from shop.accounts.permissions import USERS
from shop.accounts.serializers import (
    PasswordChange,
    Registered,
    UserCreate,
    UserDetail,
    UserList,
)
from shop.accounts.throttles import CurrentPasswordThrottle, RegisterRateThrottle
from shop.resources import OF_ORGANIZATION, MountedView


class UserViewSet(
    CachedResponsesMixin,
    ReadPlanMixin,
    PermittedRowsMixin,
    ActionSerializersMixin,
    MountedView,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Oneself and the members of one's own organization; for staff, everyone."""

    http_method_names = ["get", "post", "head", "options"]
    queryset = User.objects.all()
    permission_classes = (USERS,)
    serializer_class = UserDetail
    serializer_classes = {"list": UserList, "create": UserCreate}
    pagination_class: Any = AdaptivePagination
    filter_backends: Any = (DjangoFilterBackend,)
    lookup_value_converter = "int"
    cache = OF_ORGANIZATION

    def get_permissions(self) -> list[Any]:
        if self.action == "create":
            self.permission_classes = (AllowAny,)
        return super().get_permissions()

    def get_throttles(self) -> list[Any]:
        return [RegisterRateThrottle()] if self.action == "create" else super().get_throttles()

    @extend_schema(summary="Open an account", responses={202: Registered})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """
        Open an account.

        The answer is the same whether the address is new or known, so it tells
        nobody who has an account here. A new account can log in at once.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        actions.register(**serializer.validated_data)
        detail = "If the address was new, the account is open. Log in at /api/token/."
        return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)


class PasswordView(MountedView):
    """Change one's own password. Every other session ends; this one goes on."""

    throttle_classes = (*MountedView.throttle_classes, CurrentPasswordThrottle)

    @extend_schema(request=PasswordChange, responses={204: None})
    def post(self, request: Request, **_: Any) -> Response:
        user = User.objects.get(pk=request.user.pk)
        serializer = PasswordChange(user, data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        serializer.save()
        if isinstance(request.successful_authenticator, StaffSessionAuthentication):
            update_session_auth_hash(request, user)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    get=extend_schema(summary="Read one's own account"),
    patch=extend_schema(summary="Change one's own names"),
    delete=extend_schema(summary="Close one's own account"),
)
class MeView(MountedView, generics.RetrieveUpdateDestroyAPIView):
    """One's own account. Deleting it anonymises it; its orders and articles stay."""

    serializer_class = UserDetail
    http_method_names = ["get", "patch", "delete", "head", "options"]

    def get_object(self) -> User:
        user = User.objects.with_membership().filter(pk=self.request.user.pk).first()
        if user is None or not user.is_active:
            raise TokenInvalid
        return user

    def conditional_object(self) -> User:
        return self.get_object()

    def perform_update(self, serializer: BaseSerializer) -> None:
        actions.rename(user=self.request.user, **serializer.validated_data)  # type: ignore[arg-type]  # Nobody anonymous comes here.
        # The database makes the full name.
        serializer.instance = self.get_object()

    def perform_destroy(self, instance: User) -> None:
        actions.anonymise(user=instance)
