"""
The URL template of a request: what its URLconf says, never what a client asked.

``api/<str:version>/orders/(?P<pk>[^/.]+)/$`` is ``/api/{version}/orders/{pk}/``, as an OpenAPI
document writes it. There are as many as there are routes.
"""

import re
from functools import lru_cache
from typing import Any

from django.contrib.admindocs.views import simplify_regex

#: Where no route matched: all unknown URLs are one.
UNMATCHED = "unmatched"

_PARAMETER = re.compile(r"<(?:[^>:]+:)?(\w+)>")


def route_of(request: Any) -> str:
    match = request.resolver_match
    return UNMATCHED if match is None else template(match.route)


@lru_cache(maxsize=4096)
def template(route: str) -> str:
    """
    >>> template(r"api/<str:version>/orders/(?P<pk>[^/.]+)/$")
    '/api/{version}/orders/{pk}/'
    """
    # Converters first: to ``simplify_regex`` a colon is text.
    plain = simplify_regex(_PARAMETER.sub(r"<\1>", route)).replace("\\", "")
    return _PARAMETER.sub(r"{\1}", plain)
