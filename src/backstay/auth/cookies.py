"""
Tokens in cookies, for pages: no script can read them.

``access`` goes with every request, ``refresh`` with the cookie endpoints only. Both
are ``HttpOnly``, ``Secure`` and bound to this host by their prefix (``__Host-``,
``__Secure-``); with ``DEBUG`` on they have neither prefix nor ``Secure``, so that
plain http works. Each is under 4,096 bytes, which every browser takes.

Sources: RFC 6265bis sections 4.1.3 and 5.6 (prefixes, limits).
"""

import time
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.request import Request

from backstay.auth.authentication import JWTAuthentication
from backstay.auth.csrf import require_proof
from backstay.auth.issuing import TokenPair
from backstay.auth.tokens import Claims, codec

#: RFC 6265bis section 5.6: name, value and attributes together.
MAX_COOKIE_BYTES = 4_096


class CookieAuthentication(JWTAuthentication):
    """
    Reads the access token from its cookie. Put it after ``JWTAuthentication``.

    Every request that could change something needs proof: 403 ``csrf_failed``.
    """

    def token_of(self, request: Request) -> bytes | None:
        token = request.COOKIES.get(access_name())
        return None if token is None else token.encode(errors="replace")

    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        if access_name() in request.COOKIES:
            require_proof(request)
        return super().authenticate(request)


def access_name() -> str:
    return "access" if django_settings.DEBUG else "__Host-access"


def refresh_name() -> str:
    return "refresh" if django_settings.DEBUG else "__Secure-refresh"


def refresh_path(request: Request) -> str:
    """Only the cookie endpoints get the refresh token, wherever they are mounted."""
    match = request.resolver_match
    return reverse(":".join([*(match.namespaces if match else ()), "token-cookie"]))


def set_cookies(request: Request, response: HttpResponseBase, pair: TokenPair) -> None:
    """
    Raises:
        ImproperlyConfigured: ``TOKEN_CLAIMS`` says more than a cookie holds.
    """
    _set(response, access_name(), pair["access"], path="/", same_site="Lax")
    path = refresh_path(request)
    _set(response, refresh_name(), pair["refresh"], path=path, same_site="Strict")


def clear_cookies(request: Request, response: HttpResponseBase) -> None:
    response.delete_cookie(access_name(), path="/", samesite="Lax")
    response.delete_cookie(refresh_name(), path=refresh_path(request), samesite="Strict")
    for name in (access_name(), refresh_name()):
        # Without it a browser leaves a prefixed cookie as it is.
        response.cookies[name]["secure"] = not django_settings.DEBUG
        response.cookies[name]["httponly"] = True


def access_of(request: Request) -> str | None:
    return request.COOKIES.get(access_name())


def refresh_of(request: Request) -> str | None:
    return request.COOKIES.get(refresh_name())


def _set(response: HttpResponseBase, name: str, token: str, *, path: str, same_site: Any) -> None:
    expires = codec().decode(token, "access", "refresh")["exp"]
    response.set_cookie(
        name,
        token,
        max_age=max(0, int(expires - time.time())),
        path=path,
        secure=not django_settings.DEBUG,
        httponly=True,
        samesite=same_site,
    )
    if len(response.cookies[name].OutputString()) > MAX_COOKIE_BYTES:
        raise ImproperlyConfigured("TOKEN_CLAIMS says more than the 4,096 bytes of a cookie hold.")
