"""
The challenge of a 401: which scheme the client should authenticate with.

Source: RFC 9110 section 11.6.1 (``WWW-Authenticate`` is required on a 401).
"""

from typing import Any

from rest_framework.settings import api_settings


def challenge(view: Any, request: Any) -> str | None:
    """
    The first challenge that an authenticator of *view*, or of the project, names.

    A view that authenticates nobody, a log-in for one, still has to say how: so
    the project's default authenticators are asked after the view's own.
    """
    own: list[Any] = getattr(view, "get_authenticators", list)()
    classes: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    for authenticator in (*own, *(kind() for kind in classes)):
        header = authenticator.authenticate_header(request)
        if header:
            return str(header)
    return None
