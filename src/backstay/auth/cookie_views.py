"""
Log in, refresh and log out by cookies: for pages on this origin.

No answer holds a token. All three need proof against CSRF, the login too: without it
a foreign page could log its visitor in as somebody else.
"""

from contextlib import suppress
from typing import Any

from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from backstay.auth.cookies import access_of, clear_cookies, refresh_of, set_cookies
from backstay.auth.csrf import require_proof
from backstay.auth.errors import TokenInvalid
from backstay.auth.issuing import issue_tokens, refresh_tokens, sessions_installed
from backstay.auth.serializers import Empty
from backstay.auth.views import LoginView, TokenView


class CookieView(TokenView):
    """Tells a request that its user meant from one that another site made."""

    serializer_class: type[Serializer] = Empty
    response_serializer_class = None
    problem_codes: tuple[str, ...] = (
        *("not_authenticated", "token_expired", "token_invalid"),
        "csrf_failed",
    )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # First: a foreign page charges nobody's limits.
        require_proof(request)
        super().initial(request, *args, **kwargs)


class CookieLoginView(CookieView, LoginView):
    """Log in: the tokens come as cookies."""

    serializer_class = LoginView.serializer_class
    problem_codes = ("invalid_credentials", "csrf_failed")

    def post(self, request: Request) -> Response:
        response = Response(status=status.HTTP_204_NO_CONTENT)
        set_cookies(request, response, issue_tokens(self.user(request), request))
        return response


class CookieRefreshView(CookieView):
    """Exchange the refresh cookie for new cookies. One that is refused is taken away."""

    def post(self, request: Request) -> Response:
        self.validated(request)
        refresh = refresh_of(request)
        if refresh is None:
            raise NotAuthenticated
        response = Response(status=status.HTTP_204_NO_CONTENT)
        set_cookies(request, response, refresh_tokens(refresh))
        return response

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, AuthenticationFailed):
            clear_cookies(self.request, response)
        return response


class CookieLogoutView(CookieView):
    """End the session and take its cookies away; also where there is none."""

    problem_codes = ("csrf_failed",)

    def post(self, request: Request) -> Response:
        self.validated(request)
        if sessions_installed():
            _end_session(request)
        response = Response(status=status.HTTP_204_NO_CONTENT)
        clear_cookies(request, response)
        return response


def _end_session(request: Request) -> None:
    """
    By whichever cookie there is.

    One that is no token of ours has no session, and is taken away all the same.
    """
    from backstay.auth.sessions.rotation import log_out

    if refresh := refresh_of(request):
        with suppress(TokenInvalid):
            log_out(refresh)
    if access := access_of(request):
        with suppress(TokenInvalid):
            log_out(access, "access")
