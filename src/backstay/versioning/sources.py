"""
Where a request may name its version: path, namespace, ``Accept``, query.

A source reads all the versions that it names, and says what an unknown one is: a URL that
is not there (404), a representation that cannot be had (406), a parameter that is wrong (400).
In ``Accept`` and in the query ``2`` and ``v2`` are the same.

``Accept: application/json; version=2`` is a parameter of a media range (RFC 9110 sections
5.6.6 and 12.5.1). A range with ``q=0`` is not asked for. A parameter that stands twice, or
in several ranges, names several versions; weights do not choose between them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import APIException, NotAcceptable, NotFound

from backstay.conf import settings
from backstay.errors import QueryParameterError

#: ``(request, keyword arguments of its route, name of the parameter) -> versions``.
Read = Callable[[HttpRequest, Mapping[str, Any], str], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """One place of a request."""

    #: What it is called in a sentence: ``"the URL"``.
    place: str
    read: Read
    #: ``(sentence, name of the parameter) -> error``.
    unknown: Callable[[str, str], APIException]


def _path(request: HttpRequest, kwargs: Mapping[str, Any], parameter: str) -> Iterator[str]:
    if kwargs.get(parameter) is not None:
        yield str(kwargs[parameter])


_LIKE_A_VERSION = re.compile(r"v[0-9]+(\.[0-9]+)*")


def _namespace(request: HttpRequest, kwargs: Mapping[str, Any], parameter: str) -> Iterator[str]:
    """Those that are a version or look like one; a project has namespaces for other reasons."""
    match = request.resolver_match
    for name in match.namespaces if match else ():
        if name in settings.VERSIONS or _LIKE_A_VERSION.fullmatch(name):
            yield name


#: Media ranges at their commas, parameters at their semicolons; neither within quotes.
_RANGES, _PARAMETERS = (
    re.compile(rf'(?:[^"{mark}]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL) for mark in ",;"
)


def _accept(request: HttpRequest, kwargs: Mapping[str, Any], parameter: str) -> Iterator[str]:
    header = request.META.get("HTTP_ACCEPT", "")
    if parameter not in header.lower():  # As of nearly every client.
        return
    for range_ in _RANGES.findall(header):
        pairs = [part.partition("=") for part in _PARAMETERS.findall(range_)[1:]]
        values = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
        if not any(name == "q" and _ZERO.fullmatch(value) for name, value in values):
            yield from (canonical(_unquoted(value)) for name, value in values if name == parameter)


_ZERO = re.compile(r"0(\.0{0,3})?")


def _query(request: HttpRequest, kwargs: Mapping[str, Any], parameter: str) -> Iterator[str]:
    yield from map(canonical, request.GET.getlist(parameter))


def canonical(version: str) -> str:
    """
    The name of a version as the settings have it.

    >>> canonical("2"), canonical("v2")
    ('v2', 'v2')
    """
    if version not in settings.VERSIONS and version.isascii() and version.isdigit():
        return f"v{version}"
    return version


def _unquoted(value: str) -> str:
    """What a quoted string means (RFC 9110 section 5.6.4); a token is itself."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _no_parameter(sentence: str, parameter: str) -> APIException:
    return QueryParameterError(parameter, sentence, code="unknown_version")


PATH = Source("the URL", _path, lambda sentence, _: NotFound(sentence))
NAMESPACE = Source("the URL", _namespace, lambda sentence, _: NotFound(sentence))
ACCEPT = Source("the Accept header", _accept, lambda sentence, _: NotAcceptable(sentence))
QUERY = Source("the query", _query, _no_parameter)
