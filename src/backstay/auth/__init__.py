"""
Tokens for APIs: signed, typed, pinned to their key.

``JWTAuthentication`` reads a bearer token; ``backstay.auth.urls`` issues,
refreshes and verifies them. The token format is RFC 7519 with the hardening
of RFC 8725; the bodies and claims are those of djangorestframework-simplejwt.

Limit: a refresh token is a signed claim of its own. It is not yet spent by
its use; it ends with its lifetime or with its user.
"""

from backstay.auth.authentication import JWTAuthentication
from backstay.auth.browser import StaffSessionAuthentication
from backstay.auth.errors import InvalidCredentials, TokenExpired, TokenInvalid
from backstay.auth.issuing import issue_tokens, refresh_tokens

__all__ = [
    "InvalidCredentials",
    "JWTAuthentication",
    "StaffSessionAuthentication",
    "TokenExpired",
    "TokenInvalid",
    "issue_tokens",
    "refresh_tokens",
]
