"""Values that are expensive to compute, kept by the same rules as answers."""

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import wraps
from hashlib import sha256
from typing import Any, TypeVar

from django.core.serializers.json import DjangoJSONEncoder

from backstay import tables
from backstay.caching import freshness, serving
from backstay.caching.backends import Fill, backend, installed
from backstay.caching.sealing import seal, unseal
from backstay.counters import count
from backstay.store import StoreUnavailable

F = TypeVar("F", bound=Callable[..., Any])


def cached(key: str, *, seconds: float = 60, tags: Sequence[Any] = ()) -> Callable[[F], F]:
    """
    Keep what a function returns, for its arguments, until something it has read changes.

        @cached("sales", seconds=300)
        def sales(day): ...

    Values and arguments are JSON, so a tuple comes back as a list; ``None``, ``0`` and
    ``[]`` are kept like others. *tags* are further models or tables, for raw SQL. It is
    computed by whoever finds none: callers at the same time may each do so.
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not installed() or freshness.uncommitted():
                return function(*args, **kwargs)
            given = json.dumps([key, args, kwargs], sort_keys=True, cls=DjangoJSONEncoder)
            name = sha256(f"value {given}".encode()).hexdigest()
            try:
                found = backend().look(name)
            except StoreUnavailable:
                count("outage", part="cache")
                return function(*args, **kwargs)
            if found.fresh and found.data is not None and freshness.trust.holds():
                try:
                    return _value(found.data)
                except (ValueError, TypeError, RecursionError):  # Nothing that was kept here.
                    count("cache_not_kept", reason="corrupt")
            with tables.recording() as reads:
                reads.kept = True
                value = function(*args, **kwargs)
            if serving.unkeepable(reads, tags) is None:
                depends = serving.tags_of(reads, tags)
                data = _data(value, depends)
                with suppress(StoreUnavailable):
                    backend().fill(Fill(name, found, "", depends, data, seconds, seconds))
            return value

        return call  # type: ignore[return-value]  # It takes and returns the same.

    return decorate


def _data(value: Any, tags: Collection[str]) -> bytes:
    head = json.dumps(sorted(tags)).encode()
    return seal(head + b"\n" + json.dumps(value, cls=DjangoJSONEncoder).encode())


def _value(data: bytes) -> Any:
    """
    What is around it depends on what this was made of.

    Raises:
        ValueError, TypeError, RecursionError: it was not written here.
    """
    head, _, body = (unseal(data) or b"").partition(b"\n")
    tags, value = json.loads(head), json.loads(body)
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise TypeError
    reads = tables.recorder()
    if reads is not None:
        reads.tags |= set(tags)
    return value
