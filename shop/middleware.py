"""Two of Django's habits, narrowed to what an API can stand behind."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import common

from backstay.throttling.identity import is_trusted_proxy


class CommonMiddleware(common.CommonMiddleware):
    """
    Adds a missing slash to what is read, and to nothing else.

    A write cannot be redirected without losing its body; Django answers it with 500 where
    ``DEBUG`` is on and with a redirect that clients follow by GET where it is off. Here it is
    404, as for any other address that does not exist.
    """

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        reading = request.method in {"GET", "HEAD"}
        return reading and super().should_redirect_with_slash(request)


class ForwardedProtoMiddleware:
    """Takes ``X-Forwarded-Proto`` from the proxies of ``TRUSTED_PROXIES`` and from nobody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_trusted_proxy(request.META.get("REMOTE_ADDR", "")):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)
