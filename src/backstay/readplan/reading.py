"""
Reading a queryset through a plan, lazily: what paginators slice and count as ever.

``attach`` gives a queryset that yields a ``Row`` where it would have yielded a model
instance. All rows of it are read when the first is asked for.

Whatever fails in a plan is logged and counted as ``readplan_failed``, and the rows are
read by DRF instead. What cannot be planned is read by DRF too, from peers.
"""

import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
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
from backstay.readplan.paths import NotPlanned, is_as_read

logger = logging.getLogger(__name__)


def read(queryset: QuerySet[Any], serializer: Any) -> list[Any]:
    """What *serializer*, that of a single object, shows of each row."""
    found = list(attach(queryset, serializer))
    if found and isinstance(found[0], Row):
        return [row.body for row in found]
    return [serializer.to_representation(one) for one in found]


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
    #: Whether every encoder of JSON writes the bodies alike.
    plain: bool
    #: Whether somebody has had an instance, of whose changes the bodies know nothing.
    touched: bool = False

    @cached_property
    def instances(self) -> list[Any]:
        """The model instances, for whoever asks for more than was read: the query once more."""
        self.touched = True
        model = self.queryset.model
        keys = self.columns[_pk(model)]
        found = {one.pk: one for one in _instances(self.queryset)}
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
        page = self._page
        name = _pk(page.queryset.model) if name == "pk" else name
        if name in page.columns and not page.touched:
            return page.columns[name][self._index]
        return getattr(self.instance, name)

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
            return iter(_instances(queryset))
        try:
            page = _read(plan, queryset, self.serializer)
        except OperationalError:
            raise  # The database is out: DRF would fare no better.
        except Exception:
            kind = type(self.serializer)
            logger.exception(
                "The read plan of %s failed; DRF read in its place.", kind.__qualname__
            )
            count("readplan_failed", serializer=kind.__qualname__)
            return iter(_instances(queryset))
        if settings.READPLAN_VERIFY and random.random() < settings.READPLAN_VERIFY:  # noqa: S311  # No secret.
            _verify(page, queryset, self.serializer)
        return (Row(page, index) for index in range(len(page.bodies)))


def _instances(queryset: Any) -> Sequence[Model]:
    """Peers, with what the queryset prefetches."""
    return peers.join(list(queryset))


def _read(plan: Plan, queryset: Any, serializer: Any) -> Page:
    statement = plan.statement
    prefetches = {one.prefetch_to: one for one in lookups_of(queryset) if isinstance(one, Prefetch)}
    run = execute.Run(plan.serializer, serializer, prefetches, queryset.db)
    ordering = [name for name in _ordering(queryset) if name not in statement.columns]
    texts: set[str] = set()
    if run.utc_text and sql.takes_text(queryset):
        texts = statement.texts - set(_ordering(queryset))
    rows = sql.root_rows(queryset, [*statement.columns, *ordering], texts)
    bodies = execute.read(statement, rows, run, texts)
    names = [*statement.columns, *ordering]
    columns: dict[str, Sequence[Any]] = dict(zip(names, zip(*rows)))  # noqa: B905  # No rows, no columns.
    kept = {
        name: column
        for name, column in columns.items()
        if name not in texts and is_as_read(queryset.model, name)
    }
    return Page(queryset, bodies, kept, run.plain)


def _ordering(queryset: Any) -> list[str]:
    """The model's own columns that a cursor is made of."""
    own = {field.name: field.attname for field in queryset.model._meta.concrete_fields}
    names = [name.lstrip("-") for name in queryset.query.order_by if isinstance(name, str)]
    return [own[name] for name in names if name in own]


def _verify(page: Page, queryset: Any, serializer: Any) -> None:
    """Have DRF show the same rows; its bodies are served, and a difference is told."""
    instances = _instances(queryset)
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
