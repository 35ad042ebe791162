"""
The version from wherever the route says it, so one view serves several kinds of client.

``AnyVersioning`` reads a path argument (``/api/v2/…``), the URL's namespace
(``include(("shop.api", "v2"))``) and the ``version`` parameter of ``Accept``
(``application/json; version=2``, RFC 9110 section 5.6.6). ``2`` and ``v2`` are the
same. Without any of them the newest is meant. A URL that names an unknown version does
not exist (404), one asked for by ``Accept`` cannot be had (406), and two that differ are
a conflict (400).
"""

from typing import Any

from django.http.request import MediaType
from rest_framework.exceptions import NotAcceptable, NotFound
from rest_framework.request import Request

from backstay.conf import settings
from backstay.errors import MalformedRequest
from backstay.versioning.path import PathVersioning


class AnyVersioning(PathVersioning):
    """Path, namespace and ``Accept``; put ``Vary: Accept`` on answers where that is in use."""

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        by_url = kwargs.get(self.version_param) or self._namespace(request)
        if by_url is not None and by_url not in settings.VERSIONS:
            raise NotFound(f"There is no version {by_url!r} of this API.")
        by_accept = self._accept(request)
        if by_url is not None and by_accept not in (None, by_url):
            raise MalformedRequest(f"The URL says {by_url}, the Accept header says {by_accept}.")
        return str(by_url or by_accept or settings.VERSIONS[-1])

    def _namespace(self, request: Request) -> str | None:
        match = request.resolver_match
        return next((name for name in match.namespaces if name), None) if match else None

    def _accept(self, request: Request) -> str | None:
        ranges = [MediaType(text) for text in request.META.get("HTTP_ACCEPT", "").split(",")]
        asked = {
            canonical(str(value)) for range_ in ranges if (value := range_.params.get("version"))
        }
        if len(asked) > 1:
            raise MalformedRequest("The Accept header asks for several versions.")
        version = next(iter(asked), None)
        if version is not None and version not in settings.VERSIONS:
            raise NotAcceptable(f"There is no version {version!r} of this API.")
        return version


def canonical(version: str) -> str:
    """
    The name of a version as the settings have it.

    >>> canonical("2"), canonical("v2")
    ('v2', 'v2')
    """
    text = version.strip().strip('"')
    return f"v{text}" if text.isascii() and text.isdigit() else text
