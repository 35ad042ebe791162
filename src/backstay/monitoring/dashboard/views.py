"""The page, the document it shows, and the two things that it can change."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAdminUser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backstay.auth.csrf import require_proof
from backstay.caching import ConditionalMixin
from backstay.errors import QueryParameterError, ServiceUnavailable
from backstay.monitoring.dashboard import jobs, limits, traffic
from backstay.monitoring.dashboard.audit import audited
from backstay.monitoring.dashboard.report import report
from backstay.parsers import StrictJSONParser
from backstay.store import StoreUnavailable
from backstay.throttling.keys import BadKey, charges_of
from backstay.throttling.redis import forget

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page, for staff; everybody else is shown the way to log in."""
    user = request.user
    if not (user.is_active and user.is_staff):
        return redirect_to_login(request.get_full_path(), _login_url())
    response = render(request, "backstay/dashboard.html", {"windows": traffic.WINDOWS})
    response["Content-Security-Policy"] = POLICY
    return response


def _login_url() -> str:
    try:
        return reverse("admin:login")
    except NoReverseMatch:
        return resolve_url(settings.LOGIN_URL)


class StaffSession(SessionAuthentication):
    """A session of the browser; whoever changes something proves that it was meant."""

    def enforce_csrf(self, request: Request) -> None:
        require_proof(request)

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="dashboard"'


class StaffView(APIView):
    """JSON for staff, beside the project's API: no limit, no version, in no document."""

    authentication_classes: Any = (StaffSession,)
    permission_classes: Any = (IsAdminUser,)
    throttle_classes: Any = ()
    parser_classes: Any = (StrictJSONParser,)
    renderer_classes: Any = (JSONRenderer,)
    versioning_class: Any = None
    schema: Any = None

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response


class DataView(ConditionalMixin, StaffView):
    """``GET ?window=15m|1h|24h``; 304 where nothing has changed."""

    def get(self, request: Request) -> Response:
        name = request.query_params.get("window", "15m")
        if name not in traffic.WINDOWS:
            known = ", ".join(traffic.WINDOWS)
            raise QueryParameterError("window", f"There is no such window. Known: {known}.")
        return Response(report(traffic.WINDOWS[name]))


class BudgetView(StaffView):
    """``GET ?key=login:address:192.0.2.1``: what is left to one caller; charges nothing."""

    def get(self, request: Request) -> Response:
        try:
            charges = charges_of(request.query_params.get("key", ""))
        except BadKey as error:
            raise QueryParameterError("key", error) from None
        return Response({"budgets": limits.budgets(charges)})


class KeyInput(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=300)

    def validate_key(self, key: str) -> Any:
        try:
            return charges_of(key)
        except BadKey as error:
            raise serializers.ValidationError(str(error)) from None


class ClearView(StaffView):
    """``POST {key}``: forget what was counted for one caller, who is let in again."""

    def post(self, request: Request) -> Response:
        asked = KeyInput(data=request.data)
        asked.is_valid(raise_exception=True)
        charges = asked.validated_data["key"]
        target = f"{charges[0].rule}:{charges[0].bucket}"
        try:
            with audited(request.user, "lifted a block", target):
                cleared = forget(charges)
        except StoreUnavailable:
            raise ServiceUnavailable("Redis does not answer.") from None
        return Response({"cleared": cleared})


class RetryInput(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=jobs.SHOWN
    )


class RetryView(StaffView):
    """``POST {ids}``: let parked jobs run again."""

    def post(self, request: Request) -> Response:
        asked = RetryInput(data=request.data)
        asked.is_valid(raise_exception=True)
        ids = asked.validated_data["ids"]
        with audited(request.user, "retried jobs", ", ".join(map(str, ids))):
            retried = jobs.retry(ids) if jobs.installed() else 0
            if not retried:
                raise NotFound("None of these jobs is parked.")
        return Response({"retried": retried})
