"""What can be wrong with a credential: one class for each decision a client can take."""

from rest_framework.exceptions import AuthenticationFailed


class InvalidCredentials(AuthenticationFailed):
    """Ask the person again. The same for an unknown account and a wrong password."""

    default_code = "invalid_credentials"
    default_detail = "No active account matches these credentials."


class TokenInvalid(AuthenticationFailed):
    """Throw the token away and log in again."""

    default_code = "token_invalid"
    default_detail = "This token is not valid here. Log in again."


class TokenExpired(AuthenticationFailed):
    """Refresh, then repeat the request."""

    default_code = "token_expired"
    default_detail = "This token has expired. Refresh it, or log in again."
