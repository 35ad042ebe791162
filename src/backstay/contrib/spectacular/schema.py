"""The document of one operation: what it takes, gives, tells in headers, and refuses."""

from copy import copy
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import get_doc
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from backstay.auth.views import NoStoreMixin
from backstay.caching import CachedResponsesMixin, ConditionalMixin
from backstay.contrib.spectacular.components import headers, parameter, problem
from backstay.contrib.spectacular.serializers import describes_itself
from backstay.errors.views import entry_of
from backstay.versioning.policy import Version, policy
from backstay.versioning.sources import QUERY

_SUMMARIES = {
    "list": "List {many}",
    "create": "Create {one}",
    "retrieve": "Read {one}",
    "update": "Replace {one}",
    "partial_update": "Change {one}",
    "destroy": "Delete {one}",
}
_DESCRIPTIONS = {
    "200": "How it is after that.",
    "201": "The object that was created.",
    "202": "It was accepted, and is worked on in the background.",
    "204": "It is done; there is no body.",
}

#: Headers of the answers with these statuses, wherever they come from.
_OF_STATUS = {
    "201": {"Location"},
    "401": {"WWW-Authenticate"},
    "429": {"Retry-After"},
    "503": {"Retry-After"},
}


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

    # --- what drf-spectacular asks ------------------------------------------------

    def get_description(self) -> str:  # type: ignore[override]  # As drf-spectacular has it.
        said = super().get_description()
        inherited = said == get_doc(type(self.view)) and not describes_itself(type(self.view))
        return "" if inherited else said

    def get_summary(self) -> str | None:
        """What an action of a viewset usually is, else the first sentence of its description."""
        action = getattr(self.view, "action", None)
        own = get_doc(getattr(self.view, action or self.method.lower(), None))
        usual, model = _SUMMARIES.get(action or ""), self._model()
        if usual and model:
            noun = str(model._meta.verbose_name)
            one = f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
            return usual.format(one=one, many=model._meta.verbose_name_plural)
        sentence = (own or self.get_description()).partition("\n\n")[0].partition(". ")[0]
        return " ".join(sentence.split()).removesuffix(".") or None

    def _model(self) -> Any:
        kind = getattr(self.view, "serializer_class", None)
        rows = getattr(self.view, "queryset", None)
        return getattr(rows, "model", None) or getattr(getattr(kind, "Meta", None), "model", None)

    def get_response_serializers(self) -> Any:
        view: Any = self.view
        if hasattr(view, "response_serializer_class"):
            shown = view.response_serializer_class
            if shown is None:
                return {204: None}
            return {200: shown if shown().fields else {"type": "object"}}
        if hasattr(view, "get_response_serializer_class") and self.method != "DELETE":
            shown = view.get_response_serializer_class()
            return shown(context=view.get_serializer_context())
        return super().get_response_serializers()

    def _get_serializer_name(self, *args: Any, **kwargs: Any) -> str:
        """``LoginRequest`` is the name of what is sent already."""
        name: str = super()._get_serializer_name(*args, **kwargs)
        twice = name.endswith("RequestRequest")
        return name.removesuffix("Request") if twice else name

    def get_auth(self) -> list[dict[str, Any]]:
        """The view's schemes, and ``{}`` where nobody need be known."""
        schemes = [scheme for scheme in super().get_auth() if scheme]
        return [*schemes, {}] if self._admits_anonymous() else schemes

    def _admits_anonymous(self) -> bool:
        plain = HttpRequest()
        plain.method = self.method
        request = Request(plain)
        request.user = AnonymousUser()
        permissions = self.view.get_permissions()
        return all(permission.has_permission(request, self.view) for permission in permissions)

    def is_deprecated(self) -> bool:
        version = self._version()
        ends = version is not None and version.deprecated_at is not None
        return ends or bool(super().is_deprecated())

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation:
            self._take_version(operation)
            for each in operation.get("parameters", ()):
                self._describe_parameter(each)
            for status, response in operation["responses"].items():
                self._describe_answer(status, response)
            self._take_headers(operation)
            self._tell_problems(operation)
            operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    # --- what backstay's views do besides -----------------------------------------

    def _take_version(self, operation: dict[str, Any]) -> None:
        """The parameter that says the version, where the query does."""
        scheme: Any = getattr(self.view, "versioning_class", None)
        version = self._version()
        if version is not None and QUERY in getattr(scheme, "sources", ()):
            one = {
                "in": "query",
                "name": scheme.version_param,
                "required": scheme.sources == (QUERY,) and version.name != policy().default,
                "description": "The version of the API.",
                "schema": {"type": "string", "enum": [version.name]},
            }
            operation["parameters"] = [*operation.get("parameters", ()), one]

    def _describe_parameter(self, parameter: dict[str, Any]) -> None:
        if parameter["in"] == "path" and "description" not in parameter:
            what = parameter["name"].removesuffix("_id").replace("_", " ")
            model = self._model() if what in {"id", "pk"} else None
            noun = model._meta.verbose_name if model else what
            parameter["description"] = f"Which {noun}."

    def _describe_answer(self, status: str, response: dict[str, Any]) -> None:
        reading = self.method in SAFE_METHODS
        if "content" not in response or not response.get("description"):
            said = "A page of the list." if self._is_list_view() else "How it is now."
            usual = said if reading else _DESCRIPTIONS.get(status)
            response["description"] = usual or response.get("description", "")
        told = self._told(status)
        if self._is_conditional() and reading and status == "200":
            told |= {"ETag", *self._kept()}
        if self._takes_idempotency_key():
            told.add("Idempotency-Replayed")
        if isinstance(self.view, NoStoreMixin):
            told.add("Cache-Control")
        own = response.get("headers", {})
        response["headers"] = {**headers(self.registry, told - own.keys()), **own}

    def _told(self, status: str) -> set[str]:
        """Headers of every answer with *status*, errors too."""
        limits = {"RateLimit", "RateLimit-Policy"} if self.view.get_throttles() else set()
        return {"X-Request-ID", *limits, *self._ending(), *_OF_STATUS.get(status, ())}

    def _ending(self) -> set[str]:
        """Headers that announce the end of the version, from the day it is written down."""
        version = self._version()
        if version is None or not version.ends:
            return set()
        dates = {"Deprecation": version.deprecated_at, "Sunset": version.sunset_at}
        return {"Link", *(name for name, date in dates.items() if date is not None)}

    def _version(self) -> Version | None:
        return policy().versions.get(getattr(self.view.request, "version", None) or "")

    def _kept(self) -> set[str]:
        """Headers of an answer that is kept, and of 304 to who has it (RFC 9110 section 15.4.5)."""
        view = self.view
        keeps = isinstance(view, CachedResponsesMixin) and view.cache_policy() is not None
        return {"Age", "Cache-Control", "Cache-Status"} if keeps else set()

    def _takes_idempotency_key(self) -> bool:
        return self.method not in SAFE_METHODS and hasattr(self.view, "takes_idempotency_key")

    def _take_headers(self, operation: dict[str, Any]) -> None:
        """Conditions (RFC 9110 section 13), and a key that makes a retry harmless."""
        taken, needed = [], getattr(self.view, "idempotency_key_required", False)
        if self._takes_idempotency_key():
            taken.append(parameter(self.registry, "Idempotency-Key", required=needed))
        responses = operation["responses"]
        if self._is_conditional() and self.method not in SAFE_METHODS:
            taken.append(parameter(self.registry, "If-Match"))
        elif self._is_conditional() and "200" in responses:
            taken.append(parameter(self.registry, "If-None-Match"))
            told = headers(self.registry, {"ETag", *self._kept(), *self._told("304")})
            responses["304"] = {"description": "It is what If-None-Match names.", "headers": told}
        if taken:
            operation["parameters"] = [*operation.get("parameters", ()), *taken]

    def _is_conditional(self) -> bool:
        view: Any = self.view
        if not isinstance(view, ConditionalMixin) or self._streams():
            return False
        own = type(view).conditional_object is not ConditionalMixin.conditional_object
        return self.method in SAFE_METHODS or bool(getattr(view, "detail", own))

    def _streams(self) -> bool:
        """Whether nothing is rendered as a whole, so that nobody knows its validator."""
        renderers = self.view.get_renderers()
        return all(type(one).render is BaseRenderer.render for one in renderers)

    def _tell_problems(self, operation: dict[str, Any]) -> None:
        by_status: dict[str, list[str]] = {}
        for code in dict.fromkeys(self._problem_codes(operation)):
            entry = entry_of(code)
            if entry is not None:
                by_status.setdefault(str(entry.status), []).append(code)
        for status, codes in by_status.items():
            told = self._told(status)
            if "idempotency_in_progress" in codes:
                told.add("Retry-After")
            operation["responses"][status] = problem(self.registry, codes, told)
        operation["responses"]["default"] = problem(self.registry, (), self._told(""))

    def _problem_codes(self, operation: dict[str, Any]) -> list[str]:
        """What can go wrong here, by what the operation takes and who may call it."""
        codes = ["validation_error", "parse_error", "not_acceptable"]
        codes += ["internal_error", "service_unavailable"]
        if "requestBody" in operation:
            codes += ["payload_too_large", "unsupported_media_type"]
        places = {one.get("in") for one in operation.get("parameters", ())}
        numbered = self._is_list_view() and hasattr(self._get_paginator(), "page_query_param")
        if "path" in places or numbered:
            codes.append("not_found")
        if any(operation.get("security", ())):
            codes += ["not_authenticated", "token_expired", "token_invalid", "permission_denied"]
            codes += ["throttled"]
        if self.view.get_throttles():
            codes.append("throttled")
        if self._is_conditional():
            codes.append("precondition_failed")
        if self.method not in SAFE_METHODS:
            codes.append("conflict")
            codes += ["csrf_failed"] if self._knows_cookies(operation) else []
        if self._takes_idempotency_key():
            codes += ["idempotency_in_progress", "idempotency_key_reused"]
        version = self._version()
        if version is not None and version.sunset_at is not None:
            codes.append("version_sunset")
        return [*codes, *self._own_codes()]

    def _knows_cookies(self, operation: dict[str, Any]) -> bool:
        return any(name in way for way in operation.get("security", ()) for name in _BY_COOKIE)

    def _own_codes(self) -> tuple[str, ...]:
        """What the view says of itself: for all it does, or by action or method."""
        said: Any = getattr(self.view, "problem_codes", ())
        if isinstance(said, dict):
            found: tuple[str, ...] = said.get(
                getattr(self.view, "action", None) or self.method.lower(), ()
            )
            return found
        return tuple(said)


_BY_COOKIE = ("cookie", "session")
