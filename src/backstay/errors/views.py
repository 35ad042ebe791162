"""
Django's error views in the one shape, and the page behind a problem's ``type``.

``handler400`` to ``handler500`` and ``csrf_failure`` serve a project with or
without the middleware; with it, only ``csrf_failure`` adds something: its code.

    handler404 = "backstay.errors.views.handler404"            # in the root URLconf
    CSRF_FAILURE_VIEW = "backstay.errors.views.csrf_failure"    # in the settings
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe
from django.views import csrf, defaults

from backstay.errors.codes import CATALOGUE, Code, code_of_status
from backstay.errors.middleware import keeps_html
from backstay.errors.problems import Converted, Problem
from backstay.errors.responses import ProblemResponse

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1rem/1.6 system-ui, sans-serif; margin: 12vh auto }}
body {{ max-width: 38rem; padding: 0 1rem }}
code {{ font-size: .95em }}
</style>
</head>
<body>
<main>
<p><code>{status}</code> <code>{code}</code></p>
<h1>{title}</h1>
<p>{meaning}</p>
<p>{advice}</p>
</main>
</body>
</html>
"""


def _handler(status: int, html: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if keeps_html(request):
            return html(request, *args, **kwargs)
        return ProblemResponse(Converted(status, code_of_status(status)), request)

    return handler


handler400 = _handler(400, defaults.bad_request)
handler403 = _handler(403, defaults.permission_denied)
handler404 = _handler(404, defaults.page_not_found)
handler500 = _handler(500, defaults.server_error)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 ``csrf_failed``; *reason* is Django's own sentence, without request data."""
    if keeps_html(request):
        return csrf.csrf_failure(request, reason=reason)
    return ProblemResponse(Converted(403, "csrf_failed", f"CSRF Failed: {reason}"), request)


def explain(request: HttpRequest, code: str) -> HttpResponse:
    """What *code* means and what to do: HTML for a browser, JSON for the rest."""
    entry = entry_of(code)
    if entry is None:
        return ProblemResponse(Converted(404, "not_found", "There is no such code."), request)
    response: HttpResponse
    if request.accepts("text/html") and "text/html" in request.headers.get("Accept", ""):
        words = {name: _prose(text) for name, text in asdict(entry).items()}
        response = HttpResponse(format_html(_PAGE, **words))
    else:
        response = JsonResponse(asdict(entry))
    patch_vary_headers(response, ["Accept"])
    return response


def entry_of(code: str) -> Code | None:
    """What *code* means, if it is backstay's or that of a project's ``Problem``."""
    return CATALOGUE.get(code) or _declared(code)


def _declared(code: str, base: type[Problem] = Problem) -> Code | None:
    """The entry of a project's own problem: its title, its docstring, its advice."""
    for kind in base.__subclasses__():
        if kind.code == code:
            meaning = " ".join((kind.__doc__ or "").replace("``", "`").split())
            return Code(code, kind.status_code, str(kind.title), meaning, str(kind.advice))
        found = _declared(code, kind)
        if found:
            return found
    return None


def _prose(text: Any) -> Any:
    """Text as HTML, what stands in backticks as code."""
    parts = conditional_escape(str(text)).split("`")
    return mark_safe("".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts)))  # noqa: S308  # Escaped above.
