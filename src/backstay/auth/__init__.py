"""
Tokens for APIs: signed, typed, pinned to their key.

``JWTAuthentication`` reads a bearer token, ``CookieAuthentication`` the same from a
browser's cookie; ``backstay.auth.urls`` issues, refreshes and verifies them. The
token format is RFC 7519 with the hardening of RFC 8725; the bodies and claims are
those of djangorestframework-simplejwt.

With the app ``backstay.auth.sessions`` a refresh token is spent by its use, and a
session can be listed and ended. Limit: without it a refresh token is a signed claim
of its own, which ends with its lifetime or with its user.
"""

from backstay.auth.authentication import JWTAuthentication
from backstay.auth.browser import StaffSessionAuthentication
from backstay.auth.claimed import claimed
from backstay.auth.cookies import CookieAuthentication
from backstay.auth.csrf import CsrfFailed
from backstay.auth.errors import InvalidCredentials, TokenExpired, TokenInvalid
from backstay.auth.issuing import issue_tokens, refresh_tokens

__all__ = [
    "CookieAuthentication",
    "CsrfFailed",
    "InvalidCredentials",
    "JWTAuthentication",
    "StaffSessionAuthentication",
    "TokenExpired",
    "TokenInvalid",
    "claimed",
    "issue_tokens",
    "refresh_tokens",
]
