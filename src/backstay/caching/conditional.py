"""
Conditional requests: what has not changed is neither sent again nor overwritten.

    class OrderViewSet(ConditionalMixin, viewsets.ModelViewSet): ...

Every ``GET`` has a strong ``ETag``: of its bytes, or of what ``version_of`` says before
anything is serialized. ``If-None-Match`` is answered with 304. With an unsafe method
``If-Match`` is compared with the ``ETag`` that a ``GET`` by the same caller would have now,
while the row is locked: nobody changes it between the comparison and the write. What is
part of the answer and not of the row, such as items, has to be changed under that lock too.

``If-Unmodified-Since`` is honoured where ``last_modified_field`` names a time, to the second.

Source: RFC 9110 section 13.
"""

from collections.abc import Callable
from copy import copy
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Any

from django.db import router, transaction
from django.http import HttpResponse
from django.http.request import HttpHeaders
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.dateparse import parse_datetime
from django.utils.http import http_date, parse_etags, parse_http_date_safe
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request, clone_request
from rest_framework.response import Response
from rest_framework.views import APIView

from backstay.errors import Problem
from backstay.measure import Serializing

_HEADERS = ("If-Match", "If-None-Match", "If-Unmodified-Since")
_CONDITIONS = {HttpHeaders.to_wsgi_name(name) for name in (*_HEADERS, "If-Modified-Since")}


class PreconditionFailed(Problem):
    """The object is not what the condition of the request expects."""

    status_code = 412
    code = "precondition_failed"


class PreconditionRequired(Problem):
    """The view takes no unconditional change."""

    status_code = 428
    code = "precondition_required"


class ConditionalMixin(APIView):
    """Put it before the view's class."""

    #: A column with the time of the last change, shown under the same name.
    last_modified_field: str | None = None

    #: Whether changes without ``If-Match`` are refused (RFC 6585 section 3).
    precondition_required = False

    def version_of(self, request: Request) -> object:
        """
        Something that changes whenever the answer to a ``GET`` does, without making it.

        ``None``: nothing does, and the bytes themselves decide.
        """
        return None

    def conditional_object(self) -> Any:
        """What an unsafe request is about; ``None`` where that is no object."""
        view: Any = self
        lookup = getattr(self, "lookup_url_kwarg", None) or getattr(self, "lookup_field", "")
        return view.get_object() if lookup in self.kwargs else None

    def lock(self, target: Any) -> Any:
        """
        The row of *target* as it is now, held until the transaction ends; ``None``: it is gone.

        Hold here first what the change holds before that row: rows that are held in two
        orders deadlock.
        """
        rows = type(target)._base_manager.using(router.db_for_write(type(target)))
        return rows.select_for_update().filter(pk=target.pk).first()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        name = (request.method or "").lower()
        handler = getattr(self, name, None)
        if handler is not None and request.method not in SAFE_METHODS:
            setattr(self, name, partial(self._guarded, handler))
        elif handler is not None and name in {"get", "head"}:
            setattr(self, name, partial(self._unless_known, handler))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kw: Any) -> Any:
        final: Any = super().finalize_response(request, response, *args, **kw)
        if request.method not in {"GET", "HEAD"} or final.status_code != 200 or final.streaming:
            return final
        if isinstance(final, Response) and not final.is_rendered:
            final.add_post_render_callback(partial(self._conditional, request))
            return final
        return self._conditional(request, final)

    def _unless_known(self, handler: Callable[..., Any], request: Any, *a: Any, **kw: Any) -> Any:
        """304 before the answer is made, where its version is known."""
        version = self.version_of(request)
        if version is None:
            return handler(request, *a, **kw)
        etag = _tag(str(version).encode(), request)
        known = _evaluated(request, etag, None, HttpResponse())
        response = handler(request, *a, **kw) if known.status_code == 200 else known
        response.headers["ETag"] = etag
        return response

    def _conditional(self, request: Request, response: Any) -> HttpResponseBase:
        if "ETag" not in response.headers:
            response.headers["ETag"] = etag_of(response, request)
        modified = self._modified(getattr(response, "data", None))
        if modified:
            response.headers["Last-Modified"] = http_date(modified)
        elif "Last-Modified" in response.headers:
            modified = parse_http_date_safe(response.headers["Last-Modified"])
        answer: HttpResponseBase
        answer = _evaluated(request, response.headers["ETag"], modified, response)
        for name in {"Cache-Status", "Age"} & response.headers.keys():
            answer.headers[name] = response.headers[name]
        return answer

    def _modified(self, shown: Any) -> int | None:
        """Seconds since 1970."""
        value = shown.get(self.last_modified_field) if isinstance(shown, dict) else None
        moment = parse_datetime(value) if isinstance(value, str) else value
        return int(moment.timestamp()) if isinstance(moment, datetime) else None

    def _guarded(self, handler: Callable[..., Any], request: Any, *a: Any, **kw: Any) -> Any:
        if not any(name in request.headers for name in _HEADERS):
            if self.precondition_required and request.method != "POST":
                raise PreconditionRequired
            return handler(request, *a, **kw)
        target = self.conditional_object()
        if target is None:
            return handler(request, *a, **kw)
        with transaction.atomic(using=router.db_for_write(type(target))):
            locked = self.lock(target)
            moment = getattr(locked, self.last_modified_field or "", None)
            modified = int(moment.timestamp()) if isinstance(moment, datetime) else None
            self._compare(request, self._present_etag(request, *a, **kw), modified)
            return handler(request, *a, **kw)

    def _compare(self, request: Any, etag: str, modified: int | None) -> None:
        """
        Raises:
            PreconditionFailed: the object is another by now, or the tag cannot be read.
        """
        for name in _HEADERS[:2]:
            if name in request.headers and not parse_etags(request.headers[name]):
                raise PreconditionFailed(f"{name} is no list of entity tags.")
        if _evaluated(request, etag, modified, HttpResponse()).status_code != 200:
            raise PreconditionFailed

    def _present_etag(self, request: Any, *args: Any, **kwargs: Any) -> str:
        """That of the answer to a ``GET`` by the same caller."""
        view: Any = copy(self)
        view.request = clone_request(request, "GET")
        version = view.version_of(view.request)
        if version is not None:
            return _tag(str(version).encode(), request)
        actions = getattr(self, "action_map", None)
        view.action = (actions or {}).get("get", "retrieve")
        response = getattr(view, view.action if actions is not None else "get")(
            view.request, *args, **kwargs
        )
        render(view, response)
        return etag_of(response, request)


def render(view: Any, response: Any) -> None:
    """Make the bytes of *response* now, as DRF does later."""
    if isinstance(response, Response):
        response.accepted_renderer = view.request.accepted_renderer
        response.accepted_media_type = view.request.accepted_media_type
        response.renderer_context = view.get_renderer_context()  # type: ignore[attr-defined]  # As DRF does.
        with Serializing():
            response.render()


def etag_of(response: Any, request: Request) -> str:
    """A strong validator: other bytes, another type or version, another tag."""
    return _tag(response.content, request)


def _tag(content: bytes, request: Request) -> str:
    digest = blake2b(content, digest_size=16)
    digest.update(f"\n{request.version} {request.accepted_media_type}".encode())
    return f'"{digest.hexdigest()}"'


def _evaluated(request: Request, etag: str, modified: int | None, response: Any) -> Any:
    """*response*, or 304 or 412 in its place."""
    if not _CONDITIONS & request.META.keys():
        return response
    if modified is None:
        # RFC 9110 section 13.1.4: no condition where no time of modification is known.
        modified = parse_http_date_safe(request.headers.get("If-Unmodified-Since", ""))
    return get_conditional_response(request, etag, modified, response)
