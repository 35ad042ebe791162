"""Registration, and one's own account."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from shop.accounts import actions
from shop.accounts.models import User
from shop.accounts.serializers import Registered, UserCreate, UserDetail


class RegisterView(generics.GenericAPIView):
    """
    Open an account.

    The answer is the same whether the address is new or known, so it tells
    nobody who has an account here. A new account can log in at once.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = UserCreate

    @extend_schema(responses={202: Registered})
    def post(self, request: Request, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        actions.register(**serializer.validated_data)
        detail = "If the address was new, the account is open. Log in at /api/token/."
        return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)


class MeView(generics.RetrieveUpdateDestroyAPIView):
    """One's own account. Deleting it anonymises it; its orders and articles stay."""

    serializer_class = UserDetail
    http_method_names = ["get", "patch", "delete", "head", "options"]

    def get_object(self) -> User:
        return User.objects.with_membership().get(pk=self.request.user.pk)

    def perform_update(self, serializer: BaseSerializer) -> None:
        serializer.save()
        # The database makes the full name.
        serializer.instance = self.get_object()

    def perform_destroy(self, instance: User) -> None:
        actions.anonymise(user=instance)
