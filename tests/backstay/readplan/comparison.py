"""What DRF renders of a queryset, beside what the plan does: the same bytes, or the same error."""

import itertools
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from rest_framework import renderers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from backstay.readplan import JSONRenderer, reading
from tests.backstay.readplan.lab.querysets import choose
from tests.backstay.readplan.lab.serializers import UNORDERED, Author

ZONES = tuple(map(ZoneInfo, ("UTC", "Europe/Paris", "Asia/Kolkata", "America/New_York")))
SWITCHES = ("READPLAN_KEEP_SQL", "READPLAN_RAW_VALUES")


@dataclass(frozen=True)
class Outcome:
    """The bytes, or the error in their place."""

    body: bytes = b""
    error: Exception | None = None
    #: Whether a plan made the bytes, and what it failed with, if it did.
    planned: bool = False
    failure: BaseException | None = None

    def __str__(self) -> str:
        return repr(self.error) if self.error else self.body.decode()


def by_drf(queryset: Any, serializer: Any, context: dict[str, Any]) -> Outcome:
    def render() -> Any:
        return renderers.JSONRenderer().render(
            serializer(queryset, many=True, context=context).data
        ), False

    return _outcome(render)


def by_plan(queryset: Any, serializer: Any, context: dict[str, Any]) -> Outcome:
    def render() -> Any:
        single = serializer(context=context)
        rows = list(reading.attach(queryset, lambda: single))
        bodies, plain = reading.shown(rows, single)
        planned = reading.page_of(rows) is not None  # Nobody has had an instance.
        view = SimpleNamespace(plain_bodies=plain)
        return JSONRenderer().render(bodies, None, {"view": view}), planned

    return _outcome(render)


def _outcome(render: Any) -> Outcome:
    failures: list[BaseException] = []
    with _logged(failures):
        try:
            with transaction.atomic():  # An error of the database ends a transaction.
                body, planned = render()
        except Exception as error:  # noqa: BLE001  # Whatever it is, the other side has to raise it too.
            return Outcome(error=error)
    return Outcome(body, planned=planned, failure=failures[0] if failures else None)


@contextmanager
def _logged(failures: list[BaseException]) -> Iterator[None]:
    """Collect what plans fail with."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1]:
                failures.append(record.exc_info[1])

    handler, logger = Collector(), reading.logger
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = propagates
        logger.removeHandler(handler)


@dataclass(frozen=True)
class Case:
    """A random serializer over a random queryset, and how DRF and the plan show it."""

    queryset: Any
    serializer: Any
    drf: Outcome
    plan: Outcome

    @property
    def difference(self) -> str:
        """How the two differ; ``""`` where they do not."""
        if self.drf.error or self.plan.error:
            same = type(self.drf.error) is type(self.plan.error)
            return "" if same else self._both()
        if self.plan.failure is not None:
            return f"The plan failed: {self.plan.failure!r}"
        if self.drf.body == self.plan.body:
            return ""
        drf, plan = (json.loads(one.body) for one in (self.drf, self.plan))
        if _holds_unordered(drf) and _as_sets(drf) == _as_sets(plan):
            return ""
        return f"{first_difference(drf, plan)}\n{self._both()}"

    def _both(self) -> str:
        return f"DRF:  {self.drf}\nplan: {self.plan}\n{self.queryset.query}\n{self.serializer()!r}"


def compare(queryset: Any, serializer: Any, context: dict[str, Any] | None = None) -> Case:
    """Show the rows of *queryset* both ways."""
    context = context or {}
    return Case(
        queryset,
        serializer,
        by_drf(queryset.all(), serializer, context),
        by_plan(queryset.all(), serializer, context),
    )


def draw(random: Random) -> Case:
    """Compare a random serializer over a random queryset, in a random time zone."""
    chosen = choose(random)
    model = chosen.queryset.model
    serializer = Author(random).write(model, 3, chosen.annotations, chosen.lists)
    contexts = [_context(random) for _ in range(2)]
    off = dict.fromkeys(filter(lambda _: random.random() < 0.1, SWITCHES), False)
    asked, before = (narrowed(random, chosen.queryset) for _ in range(2))
    with timezone.override(random.choice(ZONES)), _switched(off):
        if random.random() < 0.3:  # A plan that was made for somebody else, and for other rows.
            by_plan(before, serializer, contexts[1])
        return compare(asked, serializer, contexts[0])


def narrowed(random: Random, queryset: Any) -> Any:
    """Often only some of the rows, by key."""
    query = queryset.query
    if query.combinator or query.is_sliced or random.random() < 0.4:
        return queryset
    keys = sorted(queryset.model._base_manager.values_list("pk", flat=True), key=str)
    return queryset.filter(pk__in=random.sample(keys, min(len(keys), random.choice((1, 4, 5)))))


@contextmanager
def _switched(off: dict[str, bool]) -> Iterator[None]:
    if off:
        with override_settings(BACKSTAY={**settings.BACKSTAY, **off}):
            yield
    else:
        yield


def _context(random: Random) -> dict[str, Any]:
    context: dict[str, Any] = {"mark": random.choice((None, "m", "n"))}
    if random.random() < 0.2:
        context["wanted"] = random.choice(("0246", "eks13"))
    if random.random() < 0.9:
        host = random.choice(("testserver", "localhost"))
        request = APIRequestFactory().get("/api/", headers={"host": host})
        context["request"] = Request(request)
    return context


def _holds_unordered(shown: Any) -> bool:
    if isinstance(shown, dict):
        named = any(name.startswith(UNORDERED) for name in shown)
        return named or any(map(_holds_unordered, shown.values()))
    return isinstance(shown, list) and any(map(_holds_unordered, shown))


def _as_sets(shown: Any, *, unordered: bool = False) -> Any:
    """The same with each list of rows without an order sorted."""
    if isinstance(shown, dict):
        return {
            name: _as_sets(one, unordered=name.startswith(UNORDERED)) for name, one in shown.items()
        }
    if isinstance(shown, list):
        inner = [_as_sets(one) for one in shown]
        return sorted(inner, key=json.dumps) if unordered else inner
    return shown


def first_difference(drf: Any, plan: Any, path: str = "") -> str:
    """Where two bodies part, for whoever reads a failure."""
    if isinstance(drf, dict) and isinstance(plan, dict) and list(drf) == list(plan):
        pairs = [(f"{path}.{name}", drf[name], plan[name]) for name in drf]
    elif isinstance(drf, list) and isinstance(plan, list) and len(drf) == len(plan):
        pairs = [(f"{path}[{n}]", *pair) for n, pair in enumerate(zip(drf, plan, strict=True))]
    elif drf == plan:
        return ""
    else:
        return f"{path}: DRF {drf!r:.300}, the plan {plan!r:.300}"
    return next(filter(None, itertools.starmap(_located, pairs)), "")


def _located(path: str, drf: Any, plan: Any) -> str:
    return first_difference(drf, plan, path)
