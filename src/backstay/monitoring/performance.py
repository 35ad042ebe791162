"""
``track_performance``: one line with the time and the queries of a method or function.

    class OrderViewSet(viewsets.ModelViewSet):
        @track_performance
        def list(self, request): ...

For what is slow inside a request; the request itself has its record. Also of a coroutine,
and of a call that raises, whose exception is named and goes on.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter_ns
from typing import Any, TypeVar, cast

from backstay.measure import Measure, current

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("backstay.performance")


def track_performance(function: F) -> F:
    """Measure each call of *function*."""
    name = f"{function.__module__}.{function.__qualname__}"
    if iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with _tracked(name):
                return await function(*args, **kwargs)

        return cast("F", awaited)

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with _tracked(name):
            return function(*args, **kwargs)

    return cast("F", called)


@contextmanager
def _tracked(name: str) -> Iterator[None]:
    # Within a request its measure goes on, and this call's part is the difference.
    outer = current.get()
    measure = outer or Measure()
    token = current.set(measure)
    began, count, sql_ns = perf_counter_ns(), measure.sql_count, measure.sql_ns
    outcome = "ok"
    try:
        yield
    except BaseException as error:
        outcome = type(error).__qualname__
        raise
    finally:
        current.reset(token)
        extra = {
            "event": "performance",
            "function": name,
            "outcome": outcome,
            "duration_ms": round((perf_counter_ns() - began) / 1e6, 3),
            "sql_count": measure.sql_count - count,
            "sql_ms": round((measure.sql_ns - sql_ns) / 1e6, 3),
        }
        logger.info("%s took %s ms.", name, extra["duration_ms"], extra=extra)
