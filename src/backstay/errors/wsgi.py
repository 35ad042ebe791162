"""
One input that Django refuses before any middleware runs.

A Content-Type whose parameter names an unknown encoding (RFC 2231:
``charset*=x''y``) makes ``WSGIRequest`` raise, and the server answers 500. Here
such a header counts as an unknown media type, which views answer with 415.

    application = tolerate_content_type(get_wsgi_application())
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.http import parse_header_parameters

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def tolerate_content_type(application: "WSGIApplication") -> "WSGIApplication":
    """*application*, for any Content-Type."""

    def tolerant(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            parse_header_parameters(environ.get("CONTENT_TYPE", ""))
        except ValueError:
            environ["CONTENT_TYPE"] = "application/octet-stream"
        return application(environ, start_response)

    return tolerant
