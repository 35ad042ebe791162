"""
A page that logs in by cookies, for whoever writes one: ``/example/``, with ``DEBUG`` on.

It has no build step, loads nothing from elsewhere, and may run nothing but its own
script: ``shop/static/shop/example.js`` is the part to read.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    response = render(request, "shop/example.html")
    response["Content-Security-Policy"] = POLICY
    return response
