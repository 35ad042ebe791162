"""
drf-spectacular documents that show what backstay's views really take and give.

Use ``AutoSchema`` as ``DEFAULT_SCHEMA_CLASS`` and ``views.SchemaView`` to serve
the document. Write actions show their input and their answer, older versions are
derived by the same transforms that change their bodies, fields that only some
callers see are optional and say for whom, and every operation names the one
error shape.
"""

from copy import copy
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from backstay.auth.cookies import access_name
from backstay.caching import ConditionalMixin
from backstay.conf import settings
from backstay.errors.codes import CATALOGUE
from backstay.versioning.transforms import steps_back

_TEXT = {"type": "string"}
_URI = {"type": "string", "format": "uri-reference"}
_POINTER = {**_TEXT, "description": "A JSON Pointer into the body, or `?name`."}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    properties = {**required, **optional}
    return {"type": "object", "required": list(required), "properties": properties}


#: RFC 9457 with backstay's members: see ``backstay.errors.formatters``.
PROBLEM_SCHEMA = _object(
    {
        "type": _URI,
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": _TEXT,
        "detail": _TEXT,
        "instance": _URI,
        "request_id": _TEXT,
    },
    errors={
        "type": "array",
        "items": _object({"pointer": _POINTER, "code": _TEXT, "detail": _TEXT}),
    },
)

_ETAG = {
    "ETag": {"description": "A strong validator of these bytes.", "schema": _TEXT},
    "Cache-Status": {"description": "Where the answer came from (RFC 9211).", "schema": _TEXT},
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_.:-]+$"},
    OpenApiParameter.HEADER,
    description="A new one for each request, the same at its retries: it happens once.",
)

#: Where backstay's own base classes are.
_BASES = ("backstay.idempotency", "backstay.serializers", "backstay.versioning")


class AutoSchema(SpectacularAutoSchema):
    """The document of one operation."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        """
        An inspector of its own for each view.

        A view class's own ``schema`` is one object for all threads, and DRF
        writes the view at hand into it.
        """
        if instance is None:
            return self
        own = self.instance_schemas.get(instance) or copy(self)
        own.view = instance
        return own

    def get_description(self) -> str:  # type: ignore[override]  # As drf-spectacular has it.
        said = super().get_description()
        inherited = said == get_doc(type(self.view)) and not _describes_itself(type(self.view))
        return "" if inherited else said

    def get_response_serializers(self) -> Any:
        view: Any = self.view
        if hasattr(view, "response_serializer_class"):
            shown = view.response_serializer_class
            return {204: None} if shown is None else {200: shown}
        if hasattr(view, "get_response_serializer_class") and self.method != "DELETE":
            shown = view.get_response_serializer_class()
            return shown(context=view.get_serializer_context())
        return super().get_response_serializers()

    def _takes_idempotency_key(self) -> bool:
        return self.method not in SAFE_METHODS and hasattr(self.view, "takes_idempotency_key")

    def get_override_parameters(self) -> list[Any]:
        if not self._takes_idempotency_key():
            return []
        key = copy(IDEMPOTENCY_KEY)
        key.required = getattr(self.view, "idempotency_key_required", False)
        return [key]

    def get_auth(self) -> list[dict[str, Any]]:
        """The view's schemes, and ``{}`` where nobody need be known."""
        schemes = [scheme for scheme in super().get_auth() if scheme]
        return [*schemes, {}] if self._admits_anonymous() else schemes

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation:
            for code in self._problem_codes(operation):
                status = str(CATALOGUE[code].status)
                operation["responses"].setdefault(status, self._problem_response(code))
            operation["responses"]["default"] = self._problem_response(None)
            if isinstance(self.view, ConditionalMixin):
                self._tell_conditions(operation)
        return operation

    def _tell_conditions(self, operation: dict[str, Any]) -> None:
        """RFC 9110 section 13: what a client may ask for, and what it is told."""
        reading = self.method in SAFE_METHODS
        if reading and "200" in operation["responses"]:
            operation["responses"]["200"].setdefault("headers", {}).update(_ETAG)
            operation["responses"]["304"] = {"description": "It is what If-None-Match names."}
        elif "path" not in {one["in"] for one in operation.get("parameters", ())}:
            return
        name = "If-None-Match" if reading else "If-Match"
        condition = {"name": name, "in": "header", "required": False, "schema": _TEXT}
        operation.setdefault("parameters", []).append(condition)
        operation["responses"]["412"] = self._problem_response("precondition_failed")

    def _admits_anonymous(self) -> bool:
        plain = HttpRequest()
        plain.method = self.method
        request = Request(plain)
        request.user = AnonymousUser()
        permissions = self.view.get_permissions()
        return all(permission.has_permission(request, self.view) for permission in permissions)

    def _problem_codes(self, operation: dict[str, Any]) -> list[str]:
        """What can go wrong here, by what the operation takes and who may call it."""
        codes = ["not_acceptable", "internal_error", "service_unavailable"]
        if "requestBody" in operation:
            codes += ["validation_error", "payload_too_large", "unsupported_media_type"]
        parameters = {parameter["in"] for parameter in operation.get("parameters", ())}
        if "query" in parameters:
            codes.append("validation_error")
        if "path" in parameters:
            codes.append("not_found")
        if any(operation.get("security", ())):
            codes += ["not_authenticated", "permission_denied", "throttled"]
        if self.view.get_throttles():
            codes.append("throttled")
        # What a view says of itself goes before what is said of all.
        codes[:0] = getattr(self.view, "problem_codes", ())
        if self.method not in SAFE_METHODS:
            codes.append("conflict")
        if self._takes_idempotency_key():
            codes += ["parse_error", "idempotency_key_reused"]
        return codes

    def _problem_response(self, code: str | None) -> dict[str, Any]:
        component = ResolvedComponent(
            name="Problem", type=ResolvedComponent.SCHEMA, schema=PROBLEM_SCHEMA, object="Problem"
        )
        self.registry.register_on_missing(component)
        content: dict[str, Any] = {"schema": component.ref}
        if code is None:
            description = "Any other error, in the one shape of all errors."
        else:
            entry = CATALOGUE[code]
            description = f"{entry.title}. {entry.meaning}"
            content["example"] = {
                "type": settings.ERROR_TYPE_BASE + code,
                "title": entry.title,
                "status": entry.status,
                "code": code,
                "detail": entry.meaning,
                "instance": self.path,
                "request_id": "6f1c1b0c3a5e4d0e8a7c2f9b1d3e5f70",
            }
        return {"description": description, "content": {"application/problem+json": content}}


class BearerScheme(OpenApiAuthenticationExtension):
    """``JWTAuthentication`` as a security scheme."""

    target_class = "backstay.auth.authentication.JWTAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


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
        name = django_settings.SESSION_COOKIE_NAME
        return {"type": "apiKey", "in": "cookie", "name": name, "description": "For staff."}


class DeclaredSerializer(OpenApiSerializerExtension):
    """Applies ``Meta.visible_to`` and ``Meta.transforms`` to a serializer's schema."""

    target_class = "rest_framework.serializers.Serializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        target: BaseSerializer = self.target
        schema = auto_schema._map_serializer(target, direction, bypass_extensions=True)  # noqa: SLF001  # As its own extensions do.
        meta = getattr(target, "Meta", None)
        schema = _say_for_whom(schema, getattr(meta, "visible_to", {}))
        version = getattr(auto_schema.view.request, "version", None)

        resolve = partial(_resolve, registry=auto_schema.registry)
        for step in steps_back(getattr(meta, "transforms", {}), version):
            schema = step.downgrade_schema(schema, resolve)
        inherited = set() if _describes_itself(type(target)) else {"description"}
        absent = inherited | (set() if schema.get("required") else {"required"})
        return {name: value for name, value in schema.items() if name not in absent}


def _describes_itself(declared: type) -> bool:
    """Whether the nearest docstring is a project's: that of a base class is for programmers."""
    nearest = next(base for base in declared.__mro__ if base.__doc__)
    return not nearest.__module__.startswith(_BASES)


def _say_for_whom(schema: dict[str, Any], visible_to: dict[str, Any]) -> dict[str, Any]:
    if not visible_to:
        return schema
    properties = dict(schema.get("properties", {}))
    for name in visible_to.keys() & properties.keys():
        properties[name] = {**properties[name], "description": f"For {visible_to[name].label}."}
    required = [name for name in schema.get("required", []) if name not in visible_to]
    return {**schema, "properties": properties, "required": required}


def _resolve(schema: dict[str, Any], registry: Any) -> dict[str, Any]:
    """Follow ``$ref``, also where it is wrapped to carry ``readOnly``."""
    if "allOf" in schema:
        return _resolve(schema["allOf"][0], registry)
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    found: dict[str, Any] = registry[(name, ResolvedComponent.SCHEMA)].schema
    return found
