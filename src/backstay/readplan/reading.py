"""
Reading a queryset through a plan, lazily: what paginators slice and count as ever.

``attach`` gives a queryset that yields a ``Row`` where it would have yielded a model
instance. All rows of it are read when the first is asked for.

Whatever fails in a plan is logged and counted as ``readplan_failed``, and the rows are
read by DRF instead. What cannot be planned is read by DRF too, from peers.
"""

import logging
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from django.db import OperationalError
from django.db.models import Model, Prefetch, QuerySet
from django.db.models.query import BaseIterable, ModelIterable
from rest_framework.renderers import JSONRenderer

from backstay.conf import settings
from backstay.counters import count
from backstay.readplan import execute, peers, sql
from backstay.readplan.cache import Plan, plan_for
from backstay.readplan.internals import iterable_of, lookups_of, prefetch_no_more, yielding
from backstay.readplan.paths import (
    Column,
    NotCompiled,
    NotPlanned,
    Place,
    is_as_read,
    resolve,
)
from backstay.readplan.run import Run

logger = logging.getLogger(__name__)


def read(queryset: QuerySet[Any], serializer: Any) -> list[Any]:
    """What *serializer*, that of a single object, shows of each row."""
    return [_body(one, serializer) for one in attach(queryset, serializer)]


def stream(queryset: QuerySet[Any], serializer: Any, *, chunk_rows: int = 1000) -> Iterator[Any]:
    """The same in constant memory: so many rows are read at once, as ``iterator()`` does."""
    for one in attach(queryset, serializer).iterator(chunk_size=chunk_rows):
        yield _body(one, serializer)


def _body(one: Any, serializer: Any) -> Any:
    return one.body if type(one) is Row else serializer.to_representation(one)


def attach(queryset: QuerySet[Any], serializer: Any) -> QuerySet[Any]:
    """*queryset*, lazy still, yielding ``Row``, or peers where there is no plan."""
    bound = type("Rows", (_Rows,), {"serializer": serializer})
    if iterable_of(queryset) in (ModelIterable, peers.PeerIterable):
        return yielding(queryset, bound)  # type: ignore[no-any-return]  # Of the same class.
    return queryset


@dataclass(eq=False)
class Page:
    """The rows that were read together."""

    queryset: QuerySet[Any]
    bodies: list[Any]
    columns: dict[str, Sequence[Any]]
    #: The columns that came as PostgreSQL's text of a timestamp.
    texts: Collection[str]
    #: Whether every encoder of JSON writes the bodies alike.
    plain: bool
    #: Whether somebody has had an instance, of whose changes the bodies know nothing.
    touched: bool = False

    def attribute(self, name: str, index: int) -> Any:
        """What an instance of the row would have; of an instance where more was asked of one."""
        model = self.queryset.model
        name = _pk(model) if name == "pk" else name
        if self.touched or name not in self.columns or not is_as_read(model, name):
            return getattr(self.instances[index], name)
        value = self.columns[name][index]
        as_text = name in self.texts and value is not None
        return datetime.fromisoformat(value) if as_text else value

    def rows(self) -> "Iterator[Row]":
        return (Row(self, index) for index in range(len(self.bodies)))

    @cached_property
    def instances(self) -> list[Any]:
        """The model instances, for whoever asks for more than was read: the query once more."""
        self.touched = True
        model = self.queryset.model
        keys = self.columns[_pk(model)]
        found = {one.pk: one for one in peers.with_peers(self.queryset)}
        missing = [key for key in keys if key not in found]
        if missing:  # They have left the page meanwhile.
            found |= model._base_manager.using(self.queryset.db).in_bulk(missing)
        for key in missing:
            if key not in found:
                raise model.DoesNotExist(f"{key!r} was deleted meanwhile.")
        return list(peers.join([found[key] for key in keys]))


class Row:
    """
    One row of a page: its ``body``, and the columns that were read, as attributes.

    Anything else is that of the model instance, which is then loaded, for the whole page.
    ``isinstance()`` and the ORM (``filter(order__in=page)``) take it for one.
    """

    __slots__ = ("_index", "_page")

    _page: Page
    _index: int

    def __init__(self, page: Page, index: int) -> None:
        object.__setattr__(self, "_page", page)
        object.__setattr__(self, "_index", index)

    @property
    def body(self) -> Any:
        return self._page.bodies[self._index]

    @property
    def instance(self) -> Any:
        return self._page.instances[self._index]

    @property  # type: ignore[misc]  # Nobody sets it.
    def __class__(self) -> Any:
        return self._page.queryset.model

    def __str__(self) -> str:
        return str(self.instance)

    def __eq__(self, other: object) -> bool:
        return bool(self.instance == (other.instance if type(other) is Row else other))

    def __hash__(self) -> int:
        return hash(self.pk)

    def __getattr__(self, name: str) -> Any:
        return self._page.attribute(name, self._index)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.instance, name, value)


def pages(rows: Sequence[Any]) -> Page | None:
    """The page that *rows* are of; ``None`` where they are instances."""
    return rows[0]._page if rows and type(rows[0]) is Row else None  # noqa: SLF001  # Of this module.


class _Rows(BaseIterable):
    """In the place of Django's ``ModelIterable``; ``attach`` makes a class for each serializer."""

    serializer: Any = None

    def __iter__(self) -> Iterator[Any]:
        queryset = yielding(self.queryset, ModelIterable)
        # What is to be prefetched is the plan's to read, or is read below.
        prefetch_no_more(self.queryset)
        try:
            plan = plan_for(self.serializer, queryset)
        except NotPlanned:
            return self._peers(queryset)
        if self.chunked_fetch:
            return self._streamed(plan, queryset)
        try:
            reading = Reading(plan, queryset, self.serializer)
            page = reading.page(list(reading.root))
        except OperationalError:
            raise  # The database is out: DRF would fare no better.
        except Exception:
            kind = type(self.serializer)
            logger.exception(
                "The read plan of %s failed; DRF read in its place.", kind.__qualname__
            )
            count("readplan_failed", serializer=kind.__qualname__)
            return self._peers(queryset)
        if settings.READPLAN_VERIFY and random.random() < settings.READPLAN_VERIFY:  # noqa: S311  # No secret.
            _verify(page, queryset, self.serializer)
        return page.rows()

    def _peers(self, queryset: Any) -> Iterator[Any]:
        """Instances, with what the queryset prefetches."""
        queryset = peers.with_peers(queryset)
        return iter(queryset.iterator(self.chunk_size) if self.chunked_fetch else queryset)

    def _streamed(self, plan: Plan, queryset: Any) -> Iterator[Any]:
        """What was sent cannot be taken back, so a failure here is one."""
        reading = Reading(plan, queryset, self.serializer)
        rows = reading.root.iterator(self.chunk_size)
        while chunk := list(islice(rows, self.chunk_size)):
            yield from reading.page(chunk).rows()


class Reading:
    """One plan over one queryset: the root's query, and what becomes of its rows."""

    def __init__(self, plan: Plan, queryset: Any, serializer: Any) -> None:
        self.plan = plan
        self.queryset = queryset
        self.serializer = serializer
        ordering = _ordering(queryset)
        columns = plan.statement.columns
        self.columns = [*columns, *(name for name in ordering if name not in columns)]
        utc = sql.writes_utc(queryset.db) and sql.takes_text(queryset)
        self.texts = plan.statement.texts if utc else set()
        self.root = sql.root(queryset, self.columns, self.texts)

    def page(self, rows: sql.Rows) -> Page:
        prefetches = {
            one.prefetch_to: one for one in lookups_of(self.queryset) if isinstance(one, Prefetch)
        }

        run = Run(self.plan.serializer, self.serializer, prefetches, self.queryset.db)
        bodies = execute.read(self.plan.statement, rows, run, self.texts)
        columns: dict[str, Sequence[Any]] = dict(zip(self.columns, zip(*rows)))  # noqa: B905  # No rows, no columns.
        return Page(self.queryset, bodies, columns, self.texts, run.plain)


def _ordering(queryset: Any) -> list[str]:
    """The columns that a cursor is made of: the paths by which the rows are ordered."""
    found = []
    for one in queryset.query.order_by:
        name = getattr(getattr(one, "expression", one), "name", one)
        if isinstance(name, str) and name not in ("?", "-?"):
            found.append(name.removeprefix("-"))
    place, annotations = Place(queryset.model), tuple(queryset.query.annotation_select)
    columns = []
    for path in found:
        try:
            target = resolve(place, path.split("__"), annotations)
        except NotCompiled:
            continue  # Of many rows, or an expression.
        columns += [target.path] if isinstance(target, Column) else []
    return columns


def _verify(page: Page, queryset: Any, serializer: Any) -> None:
    """Have DRF show the same rows; its bodies are served, and a difference is told."""
    instances = list(peers.with_peers(queryset))
    expected = [serializer.to_representation(one) for one in instances]
    renderer = JSONRenderer()
    outcome = "same" if renderer.render(page.bodies) == renderer.render(expected) else "different"
    kind = type(serializer).__qualname__
    count("readplan_verified", outcome=outcome, serializer=kind)
    if outcome == "different":
        keys = [one.pk for one in instances]
        logger.error("The read plan of %s shows other bytes than DRF: keys %s.", kind, keys)
    page.bodies = expected


def _pk(model: type[Model]) -> str:
    return model._meta.pk.attname if model._meta.pk else "pk"
