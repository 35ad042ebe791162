"""
Reading a queryset through a plan, lazily: what paginators slice and count as ever.

``attach`` gives a queryset that yields a ``Row`` where it would have yielded a model
instance. The root's rows are read when the first is asked for; what belongs to them, when
they are ``shown`` by a serializer.

Whatever fails in a plan is logged and counted as ``readplan_failed``, and the rows are
read by DRF instead. What cannot be planned is read by DRF too, from peers.
"""

import logging
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from django.db import OperationalError
from django.db.models import Prefetch, QuerySet
from django.db.models.query import BaseIterable, ModelIterable
from rest_framework.renderers import JSONRenderer

from backstay.conf import settings
from backstay.counters import count
from backstay.readplan import execute, internals, paths, peers, sql
from backstay.readplan.cache import Plan, plan_for
from backstay.readplan.paths import NotPlanned, key_name
from backstay.readplan.run import Run

logger = logging.getLogger(__name__)


def read(queryset: QuerySet[Any], serializer: Any) -> list[Any]:
    """What *serializer*, that of a single object, shows of each row."""
    return shown(_read(queryset, lambda: serializer), serializer)[0]


def stream(queryset: QuerySet[Any], serializer: Any, *, chunk_rows: int = 1000) -> Iterator[Any]:
    """The same in constant memory: so many rows are read at once, as ``iterator()`` does."""
    reading = _planned(queryset, lambda: serializer)
    rows = sql.root(queryset, reading.names, reading.raw) if reading else peers.with_peers(queryset)
    some = iter(rows.iterator(chunk_rows))
    while chunk := list(islice(some, chunk_rows)):
        yield from shown(reading.page(sql.turned(chunk)) if reading else chunk, serializer)[0]


def attach(queryset: QuerySet[Any], serializer_of: Callable[[], Any]) -> QuerySet[Any]:
    """
    *queryset*, lazy still, yielding ``Row``, or peers where there is no plan.

    The columns are those of *serializer_of()*, called when the rows are read. What is made
    of them is for the serializer that shows them, with the context and fields it then has.
    """
    if internals.iterable_of(queryset) in (ModelIterable, peers.PeerIterable):
        return internals.yielding(queryset, _Rows, serializer_of=serializer_of)  # type: ignore[no-any-return]  # Of the same class.
    return queryset


def shown(rows: "Sequence[Any] | Page", serializer: Any) -> tuple[list[Any], bool]:
    """
    What *serializer* makes of rows, by plan, or of instances.

    And whether every encoder of JSON writes that alike, as far as it is known.
    """
    page = page_of(rows)
    if page is not None:
        try:
            return page.shown(rows, serializer)
        except NotPlanned:
            pass  # It shows more than was read.
        except Exception as error:  # noqa: BLE001  # DRF can do without the plan.
            _tell(error, serializer)
    instances: list[Any] = [row.instance if type(row) is Row else row for row in rows]
    return _by_drf(peers.join(instances), serializer), False


def page_of(rows: "Sequence[Any] | Page") -> "Page | None":
    """The page that all *rows* are of, as it was read; ``None`` where instances are needed."""
    page = rows if isinstance(rows, Page) else None
    if page is None:
        pages = {row._page if type(row) is Row else None for row in rows}  # noqa: SLF001  # Of this module.
        page = pages.pop() if len(pages) == 1 else None
    return page if page is not None and not page.touched else None


@dataclass(eq=False)
class Page:
    """The rows that were read together."""

    queryset: QuerySet[Any]
    columns: dict[str, Sequence[Any]]
    #: The columns that came as the database itself has them.
    raw: Collection[str]
    #: Whether somebody has had an instance, of whose changes the columns know nothing.
    touched: bool = False

    def __iter__(self) -> "Iterator[Row]":
        return (Row(self, index) for index in range(len(self)))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def shown(self, rows: "Sequence[Any] | Page", serializer: Any) -> tuple[list[Any], bool]:
        """
        Raises:
            NotPlanned: *serializer* shows more than was read.
        """
        plan = plan_for(serializer, self.queryset)
        statement = plan.statement
        raw = statement.raw.intersection(self.raw)
        if not self.columns.keys() >= {*statement.columns}:
            raise NotPlanned("it shows columns that were not read")
        if not raw >= {*self.raw}.intersection(statement.columns):
            raise NotPlanned("it needs more than what the database itself has")
        columns = self.columns
        if rows is not self:
            indexes = [row._index for row in rows]  # noqa: SLF001  # Of this module.
            columns = {name: [column[i] for i in indexes] for name, column in columns.items()}
        prefetches = {
            one.prefetch_to: one
            for one in internals.lookups_of(self.queryset)
            if isinstance(one, Prefetch)
        }
        run = Run(plan.serializer, serializer, prefetches, self.queryset.db)
        bodies = execute.read(statement, columns, run, raw)
        if settings.READPLAN_VERIFY and random.random() < settings.READPLAN_VERIFY:  # noqa: S311  # No secret.
            return _verified(bodies, [row.instance for row in rows], serializer), False
        return bodies, run.plain

    def attribute(self, name: str, index: int) -> Any:
        """What an instance of the row would have; of an instance where more was asked of one."""
        model = self.queryset.model
        name = key_name(model) if name == "pk" else name
        if self.touched or name not in self.columns or not paths.is_as_read(model, name):
            return getattr(self.instances[index], name)
        value = self.columns[name][index]
        if name not in self.raw or value is None:
            return value
        return internals.value_of(model._meta.get_field(name), value, self.queryset.db)

    @cached_property
    def instances(self) -> list[Any]:
        """The model instances, for whoever asks for more than was read: the query once more."""
        self.touched = True
        model = self.queryset.model
        keys = self.columns[key_name(model)]
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
    One row of a page, which has the columns that were read as attributes.

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

    def __reduce__(self) -> Any:
        """A copy is an instance."""
        return self.instance.__reduce__()

    def __getattr__(self, name: str) -> Any:
        return self._page.attribute(name, self._index)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.instance, name, value)


class _Rows(BaseIterable):
    """In the place of Django's ``ModelIterable``, for querysets that are attached."""

    def __iter__(self) -> Iterator[Any]:
        queryset = internals.yielding(self.queryset, ModelIterable)
        # What is to be prefetched is the plan's to read, or is read below.
        internals.prefetch_no_more(self.queryset)
        if self.chunked_fetch:
            return iter(peers.with_peers(queryset).iterator(self.chunk_size))
        return iter(_read(queryset, queryset.query.serializer_of))


def _read(queryset: QuerySet[Any], serializer_of: Callable[[], Any]) -> "Page | list[Any]":
    """What is asked for at once; peers, with what the queryset prefetches, where a plan cannot."""
    reading = _planned(queryset, serializer_of)
    if reading is not None:
        try:
            return reading.page(reading.columns())
        except Exception as error:  # noqa: BLE001  # DRF can do without the plan.
            _tell(error, reading.plan.serializer)
    return list(peers.with_peers(queryset))


def _planned(queryset: QuerySet[Any], serializer_of: Callable[[], Any]) -> "_Reading | None":
    try:
        return _Reading(plan_for(serializer_of(), queryset), queryset)
    except Exception:  # noqa: BLE001  # The view's own code: what it raises, it raises again.
        return None


class _Reading:
    """The root's query of one plan over one queryset."""

    def __init__(self, plan: Plan, queryset: Any) -> None:
        self.plan = plan
        self.queryset = queryset
        columns = plan.statement.columns
        more = [*_ordering(queryset), *_read_along(queryset)]
        self.names = [*columns, *(name for name in more if name not in columns)]
        utc = sql.reads_raw(queryset.db) and sql.may_be_raw(queryset)
        self.raw: Collection[str] = plan.statement.raw if utc else ()

    def columns(self) -> internals.Columns:
        return sql.root_columns(self.queryset, self.names, self.raw, self.plan.kept)

    def page(self, columns: internals.Columns) -> Page:
        found = dict(zip(self.names, columns or ((),) * len(self.names), strict=True))
        return Page(self.queryset, found, self.raw)


def _tell(error: Exception, serializer: Any) -> None:
    """
    Log and count what failed in a plan.

    Raises:
        OperationalError: the database is out or takes too long: DRF would fare no better.
    """
    if isinstance(error, OperationalError):
        raise error
    kind = type(serializer).__qualname__
    logger.error("The read plan of %s failed; DRF read in its place.", kind, exc_info=error)
    count("readplan_failed", serializer=kind)


def _by_drf(instances: Sequence[Any], serializer: Any) -> list[Any]:
    represent = type(serializer).to_representation
    return [represent(serializer, one) for one in instances]


def _ordering(queryset: Any) -> list[str]:
    """The columns that a cursor is made of: the paths by which the rows are ordered."""
    place, annotations = paths.Place(queryset.model), tuple(queryset.query.annotation_select)
    columns = []
    for one in queryset.query.order_by:
        path = str(getattr(getattr(one, "expression", one), "name", one)).removeprefix("-")
        try:
            target = paths.resolve(place, path.split("__"), annotations)
        except paths.NotCompiled:
            continue  # Of many rows, or an expression.
        columns += [target.path] if isinstance(target, paths.Column) else []
    return columns


def _read_along(queryset: Any) -> list[str]:
    """Annotations that somebody else than a serializer needs, as they say themselves."""
    annotations = queryset.query.annotation_select
    return [name for name, one in annotations.items() if getattr(one, "is_read_along", False)]


def _verified(bodies: list[Any], instances: list[Any], serializer: Any) -> list[Any]:
    """DRF's bodies of the same rows; a difference is told."""
    expected = _by_drf(instances, serializer)
    renderer = JSONRenderer()
    outcome = "same" if renderer.render(bodies) == renderer.render(expected) else "different"
    kind = type(serializer).__qualname__
    count("readplan_verified", outcome=outcome, serializer=kind)
    if outcome == "different":
        keys = [one.pk for one in instances]
        logger.error("The read plan of %s shows other bytes than DRF: keys %s.", kind, keys)
    return expected
