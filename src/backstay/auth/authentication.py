"""
Bearer tokens as a DRF authentication class (RFC 6750).

No ``Authorization`` header, or one of another scheme, leaves the request to
the next class. A bearer token that is not right is refused with 401, also on
views that anyone may read: a client that sends one expects to be known.
"""

from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from backstay.auth.errors import TokenInvalid
from backstay.auth.issuing import active_user
from backstay.auth.tokens import Claims, codec

#: What a client without a credential is asked for (RFC 6750 section 3).
CHALLENGE = 'Bearer realm="api"'


class JWTAuthentication(BaseAuthentication):
    """Sets ``request.user`` to the user and ``request.auth`` to the token's claims."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Claims] | None:
        scheme, *credentials = get_authorization_header(request).split() or [b""]
        if scheme.lower() != b"bearer":  # RFC 9110 section 11.1: in any case.
            return None
        try:
            claims = codec().decode(b" ".join(credentials).decode("ascii"), "access")
        except UnicodeDecodeError:
            raise TokenInvalid from None
        return active_user(claims), claims

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE
