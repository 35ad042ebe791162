"""
What every answer of a version that ends says of it, errors, 304 and cached ones included.

    MIDDLEWARE = ["backstay.errors.ProblemMiddleware", "backstay.versioning.VersionMiddleware", …]

Near the outside, so that it sees whatever answers. The headers are added on the way out:
an answer that is kept has none, and one that is found has those of today.

    Deprecation: @1798761600
    Sunset: Thu, 01 Jul 2027 00:00:00 GMT
    Link: <https://…>; rel="deprecation", <https://…>; rel="sunset",
        </api/v2/orders/>; rel="successor-version"

It also counts who uses which version. Sync; Django adapts it under ASGI.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from backstay.versioning import usage
from backstay.versioning.policy import policy
from backstay.versioning.schemes import version_of


class VersionMiddleware:
    """Put it after ``ProblemMiddleware``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        version = version_of(request)
        if version is None:
            return response
        now, in_force = time.time(), policy()
        usage.add(version, usage.client_of(request), now)
        if in_force.versions[version].ends:
            for name, value in in_force.headers(version, request.path, now).items():
                said = response.headers.get(name) if name == "Link" else None
                response.headers[name] = f"{said}, {value}" if said else value
        return response
