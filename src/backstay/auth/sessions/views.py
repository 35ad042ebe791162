"""
Log out, and look after one's own sessions.

``rest_framework``'s default pagination and authentication classes apply, so a session
is listed and ended in whatever way the project's other objects are.
"""

from typing import Any
from uuid import UUID

from rest_framework import generics, serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backstay.auth.serializers import Empty, RefreshRequest
from backstay.auth.sessions.endings import end_family, end_sessions
from backstay.auth.sessions.models import Family
from backstay.auth.sessions.rotation import log_out
from backstay.auth.views import NoStoreMixin, TokenView
from backstay.filtering import refuse_unknown_parameters
from backstay.throttling.views import ThrottlesFirstMixin


class SessionList(serializers.ModelSerializer):
    """One session of one's own."""

    current = serializers.SerializerMethodField(help_text="Whether this request belongs to it.")

    class Meta:
        model = Family
        fields = ("id", "device", "ip", "created_at", "last_used_at", "current")
        read_only_fields = fields

    def get_current(self, family: Family) -> bool:
        claims = self.context["request"].auth
        return isinstance(claims, dict) and claims.get("family") == str(family.pk)


class LogoutView(TokenView):
    """End the session of a refresh token, also of one that was spent or has expired."""

    serializer_class = RefreshRequest
    response_serializer_class = None

    def post(self, request: Request) -> Response:
        log_out(self.validated(request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutAllView(TokenView):
    """End every session of one's own, this one too."""

    serializer_class = Empty
    response_serializer_class = None
    problem_codes = ()
    authentication_classes = APIView.authentication_classes
    throttle_classes = APIView.throttle_classes
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        self.validated(request)
        end_sessions(request.user.pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OwnSessions(NoStoreMixin, ThrottlesFirstMixin, generics.GenericAPIView):
    permission_classes = (IsAuthenticated,)
    serializer_class = SessionList
    queryset = Family.objects.all()
    versioning_class: Any = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown_parameters(request, self)

    def get_queryset(self) -> Any:
        return Family.objects.live().filter(user=self.request.user.pk).order_by("-created_at")


class SessionListView(OwnSessions, generics.ListAPIView):
    """One's own sessions, the newest first."""


class SessionView(OwnSessions):
    """End one session of one's own."""

    def delete(self, request: Request, pk: UUID) -> Response:
        family = self.get_object()
        end_family(family.pk)
        return Response(status=status.HTTP_204_NO_CONTENT)
