"""
DRF versioning classes: which version a request asks for, and whether it is still served.

    REST_FRAMEWORK = {"DEFAULT_VERSIONING_CLASS": "backstay.versioning.AnyVersioning"}

A class names its sources. What they say has to be one version, or the request is 400; where
none says anything the policy's default is meant. A version after its sunset is 410.

Sources: RFC 9110 section 15.5.11 (410).
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.versioning import URLPathVersioning

from backstay.errors import MalformedRequest, Problem
from backstay.versioning.policy import policy
from backstay.versioning.sources import ACCEPT, NAMESPACE, PATH, QUERY, Source

#: Of what a client sent, as much as is repeated to it.
_SHOWN = 40


class VersionSunset(Problem):
    """This version of the API is over."""

    status_code = 410
    code = "version_sunset"


class Versioning(URLPathVersioning):
    """
    The version that ``sources`` agree on; subclass it for another combination.

    DRF's class is its base because drf-spectacular knows that one.
    """

    sources: Sequence[Source] = (PATH,)

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        """
        Raises:
            NotFound, NotAcceptable, QueryParameterError: the source's own, for no such version.
            MalformedRequest: two sources, or one that is there twice, differ.
            VersionSunset: it is no longer served.
        """
        plain: Any = getattr(request, "_request", request)
        name = plain.api_version = self.asked(plain, kwargs)
        version = policy().versions[name]
        # No route has matched where a document is made, which tells of what is over as well.
        asked = plain.resolver_match is not None
        if version.ends and asked and version.status(time.time()) == "sunset":
            raise VersionSunset(f"Version {name} of this API is no longer served.")
        return name

    def asked(self, request: HttpRequest, kwargs: Mapping[str, Any]) -> str:
        """Which version *request* asks for, served or not; raises as above."""
        in_force, parameter = policy(), str(self.version_param)
        places: dict[str, str] = {}
        # No route has matched where a document is made: that names its version by the keyword.
        documented = request.resolver_match is None and PATH not in self.sources
        for source in (PATH, *self.sources) if documented else self.sources:
            for version in source.read(request, kwargs, parameter):
                if version not in in_force.versions:
                    said = f"There is no version {version[:_SHOWN]!r} of this API."
                    raise source.unknown(said, parameter)
                places.setdefault(version, source.place)
        if len(places) > 1:
            said = ", ".join(f"{place} says {version}" for version, place in places.items())
            raise MalformedRequest(f"The versions differ: {said}.")
        return next(iter(places), in_force.default)

    def reverse(
        self,
        viewname: str,
        args: Any = None,
        kwargs: Any = None,
        request: Any = None,
        format: Any = None,  # noqa: A002  # DRF's own name.
        **extra: Any,
    ) -> str:
        """A URL of the same version, that says it where the request's own did."""
        version, match = request.version, request.resolver_match
        if match is not None and self.version_param in match.kwargs:
            kwargs = {self.version_param: version, **(kwargs or {})}
        elif match is not None and NAMESPACE in self.sources and match.namespace:
            viewname = f"{match.namespace}:{viewname}"
        # Not that of the path's scheme, which says the version in the path whatever the request.
        plain = super(URLPathVersioning, self).reverse
        url: str = plain(viewname, args, kwargs, request, format, **extra)
        if QUERY in self.sources and self.version_param in request.GET:
            url = replace_query_param(url, self.version_param, version)
        return url


class PathVersioning(Versioning):
    """``path("api/<str:version>/", …)``."""


class AcceptVersioning(Versioning):
    """``Accept: application/json; version=2``. Answers have to say ``Vary: Accept``."""

    sources = (ACCEPT,)


class QueryVersioning(Versioning):
    """``?version=2``."""

    sources = (QUERY,)
    #: For ``backstay.filtering``, which refuses parameters that nobody reads.
    query_parameters = (Versioning.version_param,)


class AnyVersioning(Versioning):
    """Path, namespace and ``Accept``, so that one view serves several kinds of client."""

    sources = (PATH, NAMESPACE, ACCEPT)


def version_of(request: HttpRequest) -> str | None:
    """
    The version that *request* asks for; ``None`` where none is meant or nobody knows it.

    Known before and after a view has run, and of a request that was refused before.
    """
    if hasattr(request, "api_version"):
        return str(request.api_version)
    match = request.resolver_match
    scheme = _scheme(match.func) if match else None
    if match is None or scheme is None:
        return None
    try:
        return scheme.asked(request, match.kwargs)
    except (APIException, SuspiciousOperation):
        return None


def _scheme(view: Any) -> Versioning | None:
    """Ours, if the view has it."""
    usual = getattr(getattr(view, "cls", None), "versioning_class", None)
    kind = getattr(view, "initkwargs", {}).get("versioning_class", usual)
    return kind() if isinstance(kind, type) and issubclass(kind, Versioning) else None
