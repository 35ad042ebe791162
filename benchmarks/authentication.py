"""
An authenticated request: ours beside simplejwt 5.5.1, alone and with its user query.

Each side is what runs between the request and the view's permission check: header, token,
``request.user``. Ours also asks whether the session has ended; simplejwt, as it comes, does
not. SQL statements and trips to Redis are counted beside the CPU.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request

from backstay.auth import JWTAuthentication
from backstay.auth.issuing import issue_tokens
from backstay.auth.tokens import codec
from benchmarks.measure import race

SECRET = "a secret of the benchmark, which protects nothing at all"


def run(*, seconds: float) -> None:
    user = get_user_model().objects.create_user(f"{uuid.uuid4()}@bench.example")
    ours = _request(issue_tokens(user)["access"])
    with override_settings(SIMPLE_JWT=_as_ours()):
        from rest_framework_simplejwt.authentication import (
            JWTAuthentication as Peer,
        )
        from rest_framework_simplejwt.authentication import (
            JWTStatelessUserAuthentication as StatelessPeer,
        )
        from rest_framework_simplejwt.tokens import AccessToken

        theirs = _request(str(AccessToken.for_user(user)))
        contenders: dict[str, Callable[[], object]] = {
            "backstay": lambda: JWTAuthentication().authenticate(ours),
            "simplejwt, no user": lambda: StatelessPeer().authenticate(theirs),
            "simplejwt": lambda: Peer().authenticate(theirs),
        }
        for name, call in contenders.items():
            print(f"{name}: {_statements(call)} SQL")
        race("Authenticate a request", contenders, seconds=seconds)
        text, their_text = _token(ours), _token(theirs)
        race(
            "Verify an access token",
            {
                "backstay": lambda: codec().decode(text, "access"),
                "simplejwt": lambda: AccessToken(their_text),
            },
            seconds=seconds / 2,
        )


def _request(token: str) -> Request:
    plain = RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    return Request(plain)


def _token(request: Request) -> str:
    return str(request.headers["Authorization"]).removeprefix("Bearer ")


def _statements(call: Callable[[], object]) -> int:
    """After the first call, which may load what is kept."""
    call()
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def _as_ours() -> dict[str, object]:
    return {
        "ALGORITHM": "HS256",
        "SIGNING_KEY": SECRET,
        "AUDIENCE": settings.BACKSTAY["AUDIENCE"],
        "ISSUER": settings.BACKSTAY["ISSUER"],
        "LEEWAY": timedelta(seconds=10),
        "ACCESS_TOKEN_LIFETIME": timedelta(days=1),
    }
