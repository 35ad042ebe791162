"""
The rows of a statement, by column.

Beneath everything is ``values_list``. Two faster ways stand beside it, which know how
Django builds its queries; a setting takes each away, and nothing else depends on them:

- ``READPLAN_KEEP_SQL``: the text of a query is made once for each structure it has.
- ``READPLAN_RAW_VALUES``: times, where they are shown in UTC, and decimals are written from
  what the database itself has.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Aggregate, F, Func, TextField
from django.utils import timezone

from backstay.conf import settings
from backstay.readplan import internals
from backstay.readplan.internals import Columns
from backstay.readplan.paths import JOINED_KEY
from backstay.readplan.plan import Children

#: Texts of one plan that are kept: one whose conditions have a form of their own each time
#: must not be kept for ever.
MAX_TEXTS = 100

#: Rows, what groups them, and what is computed of each group.
Grouped = tuple[Any, str, Sequence[Aggregate]]


class Raw(Func):
    """PostgreSQL's own text of a value; SQLite's own value."""

    template = "%(expressions)s::text"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """An expression has no type whose converters would make more of it."""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


def reads_raw(using: str) -> bool:
    """Whether the database's own text of a time is in the time zone it will be shown in."""
    connection = connections[using]
    return (
        settings.READPLAN_RAW_VALUES
        and connection.vendor in ("postgresql", "sqlite")
        and django_settings.USE_TZ
        and connection.timezone_name == "UTC"
        and timezone.get_current_timezone_name() == "UTC"
    )


def may_be_raw(queryset: Any) -> bool:
    """Whether a column may be had raw: grouped or distinct rows would be others."""
    query = queryset.query
    return query.group_by is None and not query.distinct


def root(queryset: Any, columns: Iterable[str], raw: Collection[str]) -> Any:
    """*queryset*, yielding tuples; those columns in *raw* as the database has them."""
    return _columns(queryset.prefetch_related(None), columns, raw)


def root_columns(
    queryset: Any, columns: Iterable[str], raw: Collection[str], kept: dict[Any, Any]
) -> Columns:
    """What ``root`` yields, by column."""
    query, using = queryset.query, queryset.db
    structure = internals.structure_of(query, using) if settings.READPLAN_KEEP_SQL else None
    if structure is not None:
        form, parameters = structure
        name = (using, bool(raw), form)
        if name not in kept:
            if len(kept) >= MAX_TEXTS:
                kept.clear()
            asked = root(queryset, columns, raw).query
            kept[name] = internals.KeptByStructure(asked, using, parameters)
        text: internals.KeptByStructure = kept[name]
        if text.kept:
            return text.columns(text.text, parameters, query.where)
    return turned(root(queryset, columns, raw))


def child_columns(
    children: Children, queryset: Any, keys: Collection[Any], raw: Collection[str], using: str
) -> Columns:
    """
    The rows of *queryset* whose ``link`` is one of *keys*, by column.

    Without a queryset, those that a related manager has. Without an order, by primary key.
    """
    manager = children.statement.model._default_manager

    def query(keys: Collection[Any]) -> Any:
        every = manager.all() if queryset is None else queryset
        # The columns come through the latest join of a table, which is that of this filter.
        rows = every.using(using).filter(**{f"{children.link}__in": keys})
        rows = rows if rows.ordered else rows.order_by("pk")
        return _columns(rows, children.statement.columns, raw)

    if queryset is not None:
        return turned(query(keys))
    return _kept_columns(children.kept, using, query, keys, manager, bool(raw))


def totals(
    grouped: Grouped, keys: Collection[Any], using: str | None, kept: dict[Any, Any]
) -> dict[Any, tuple[Any, ...]]:
    """The aggregates over the rows whose link is a key, for each key that has any."""
    manager, link, aggregates = grouped
    named = {f"total_{index}": aggregate for index, aggregate in enumerate(aggregates)}

    def query(keys: Collection[Any]) -> Any:
        rows = manager.using(using).filter(**{f"{link}__in": keys}).order_by()
        return rows.values_list(link).annotate(**named)

    columns = _kept_columns(kept, using or DEFAULT_DB_ALIAS, query, keys, manager)
    return {key: tuple(found) for key, *found in turned(columns)}


def turned(rows: Iterable[Sequence[Any]]) -> Columns:
    """Rows by column, and columns by row."""
    return list(zip(*rows))  # noqa: B905  # All alike, and there may be many.


def _columns(queryset: Any, columns: Iterable[str], raw: Collection[str]) -> Any:
    """*queryset* as tuples of *columns*."""
    aliases = {path: f"raw_{index}" for index, path in enumerate(raw)}
    written = {alias: Raw(F(path)) for path, alias in aliases.items()}
    sought = [path for path in columns if path.endswith(JOINED_KEY)]
    if sought:
        joined = {path: f"joined_{index}" for index, path in enumerate(sought)}
        queryset = internals.joining(
            queryset, {alias: path.removesuffix(JOINED_KEY) for path, alias in joined.items()}
        )
        aliases |= joined
    names = [aliases.get(path, path) for path in columns]
    return queryset.annotate(**written).values_list(*names)


def _kept_columns(
    kept: dict[Any, Any],
    using: str,
    query: Callable[[Collection[Any]], Any],
    keys: Collection[Any],
    manager: Any,
    *variant: Any,
) -> Columns:
    """``query(keys)`` by column, whose text is kept where it is always the same."""
    if not (keys and settings.READPLAN_KEEP_SQL and internals.reads_as_usual(manager)):
        return turned(query(keys))
    name = (using, *variant)
    if name not in kept:
        kept[name] = internals.KeptByKeys(query, next(iter(keys)), using)
    return kept[name].of(keys) if kept[name].kept else turned(query(keys))
