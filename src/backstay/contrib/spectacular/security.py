"""How a caller proves who it is, as security schemes of the document."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from backstay.auth.cookies import access_name


class BearerScheme(OpenApiAuthenticationExtension):
    """``JWTAuthentication`` as a security scheme."""

    target_class = "backstay.auth.authentication.JWTAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = "An access token, in `Authorization: Bearer …`."
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": description,
        }


class CookieScheme(OpenApiAuthenticationExtension):
    """``CookieAuthentication`` as a security scheme."""

    target_class = "backstay.auth.cookies.CookieAuthentication"
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = (
            "The access token of a page on this origin. A request that changes something also "
            "needs `X-CSRFToken`, `Sec-Fetch-Site: same-origin`, or an own or trusted `Origin`."
        )
        name = access_name()
        return {"type": "apiKey", "in": "cookie", "name": name, "description": description}


class StaffSessionScheme(OpenApiAuthenticationExtension):
    """``StaffSessionAuthentication`` as a security scheme."""

    target_class = "backstay.auth.browser.StaffSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = (
            "The session of staff who are logged in to the admin. A request that changes "
            "something also needs `X-CSRFToken`."
        )
        name = settings.SESSION_COOKIE_NAME
        return {"type": "apiKey", "in": "cookie", "name": name, "description": description}
