"""
The view's side: do the work once, and store its answer with it.

Authentication, permissions and throttles are those of any request, a retry's too.
Then one transaction holds all: nobody else has the key, no answer is stored under
it, the handler runs, its answer is rendered and stored. The table's primary key is
the last word: of two that got there nonetheless, one is rolled back whole.
"""

import json
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.db import connections, router, transaction
from django.http import HttpResponse
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from backstay.counters import count
from backstay.errors import Problem
from backstay.idempotency.keys import parse_key
from backstay.throttling.identity import address_bucket, client_address

if TYPE_CHECKING:
    from backstay.idempotency.models import StoredAnswer


class IdempotencyInProgress(Problem):
    """A request with the same key is still being worked on."""

    status_code = 409
    code = "idempotency_in_progress"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class IdempotencyKeyReused(Problem):
    """The key was used before, with another body."""

    status_code = 422
    code = "idempotency_key_reused"


class IdempotencyMixin:
    """Put it first, before the view's class."""

    takes_idempotency_key = True

    #: Whether unsafe requests without ``Idempotency-Key`` are refused (section 2.7 of the draft).
    idempotency_key_required = False

    _done: HttpResponse | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """DRF asks for the method's handler next; with a key it finds ours around it."""
        view: Any = self
        written = request.headers.get("Idempotency-Key", "")
        given = self.idempotency_key_required or "Idempotency-Key" in request.headers
        keyed = given and request.method not in SAFE_METHODS
        if keyed:
            # Kept from here on: a permission may parse a form, which uses its bytes up.
            _ = request.body
        super().initial(request, *args, **kwargs)  # type: ignore[misc]  # A mixin.
        if keyed:
            name = str(request.method).lower()
            handler = getattr(view, name, view.http_method_not_allowed)
            setattr(view, name, partial(self._once, handler, parse_key(written)))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Leave an answer that was finished inside the transaction as it is."""
        if response is self._done:
            return response
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]  # A mixin.

    def _once(
        self, handler: Callable[..., Any], key: str, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        from backstay.idempotency.models import StoredAnswer

        name, fingerprint = _name(request, key), _fingerprint(request)
        using = router.db_for_write(StoredAnswer)
        with transaction.atomic(using=using):
            _hold(name, using)
            answers = StoredAnswer.objects.using(using).filter(pk=name)
            answers.expired().delete()
            if stored := answers.first():
                return _replay(stored, fingerprint)
            response = handler(request, *args, **kwargs)
            self._done = self.finalize_response(request, response, *args, **kwargs)
            if hasattr(self._done, "render"):
                self._done.render()
            if self._done.status_code >= 400:
                transaction.set_rollback(True, using=using)
                return self._done
            StoredAnswer.objects.using(using).create(
                pk=name,
                fingerprint=fingerprint,
                status=self._done.status_code,
                headers=dict(self._done.headers),
                body=self._done.content,
            )
        count("idempotency", outcome="stored")
        return self._done


def _hold(name: str, using: str) -> None:
    """Have the key to ourselves until the transaction ends."""
    connection = connections[using]
    # SQLite lets in one writer, and the others wait for the answer that they then find.
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        number = int.from_bytes(bytes.fromhex(name[:16]), signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            count("idempotency", outcome="in_progress")
            raise IdempotencyInProgress


def _replay(stored: "StoredAnswer", fingerprint: str) -> HttpResponse:
    if stored.fingerprint != fingerprint:
        count("idempotency", outcome="reused")
        raise IdempotencyKeyReused
    count("idempotency", outcome="replayed")
    response = HttpResponse(bytes(stored.body), status=stored.status)
    del response.headers["Content-Type"]
    for name, value in {**stored.headers, "Idempotency-Replayed": "true"}.items():
        response[name] = value
    return response


def _name(request: Request, key: str) -> str:
    """Whose key it is, and for what: an account's or, without one, an address's."""
    user = request.user
    known = user is not None and user.is_authenticated
    caller = f"user {user.pk}" if known else address_bucket(client_address(request._request))  # noqa: SLF001  # DRF has no other name for it.
    return _digest([caller, request.method, request.get_full_path(), key])


def _fingerprint(request: Request) -> str:
    asked = [request.version, request.accepted_media_type, request.content_type]
    return _digest([*asked, sha256(request.body).hexdigest()])


def _digest(parts: list[Any]) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()
