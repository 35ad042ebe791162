"""
System checks of lists: W014, W015, W016, W017.

They look at the classes of every list that the URLconf leads to, and at the indexes that
its models declare; rows, partial indexes' conditions and what a view chooses in code they
do not see.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004  # Django's own name.
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db.models import BooleanField, Index, Model
from django.db.models.constants import LOOKUP_SEP
from django_filters import rest_framework as drf_filters
from rest_framework import filters, mixins, pagination

from backstay.pagination.cursors import CursorPagination
from backstay.pagination.keys import Key
from backstay.pagination.keyset import keyset
from backstay.pagination.offsets import OffsetMixin
from backstay.routes import views

#: What a B-tree answers; what searches inside a text it does not, nor is it asked to.
_INDEXED_LOOKUPS = {"exact", "in", "gt", "gte", "lt", "lte", "range", "startswith"}

#: An index by these columns, each with whether it descends.
Columns = list[tuple[str, bool]]


def check_cursor_indexes(**_: Any) -> list[CheckMessage]:
    """W014: a cursor in an order that no index holds."""
    return [
        Warning(
            f"{_path(view)} pages by {', '.join(map(_named, keys))}, which no index of "
            f"{model.__name__} holds: each page sorts all rows.",
            hint="Add an index of these columns, after those that the rows are scoped by.",
            obj=type(view),
            id="backstay.W014",
        )
        for view, model in _lists()
        if isinstance(view.paginator, CursorPagination)
        for keys in _keysets(view)
        if not _held(keys, model)
    ]


def check_filter_indexes(**_: Any) -> list[CheckMessage]:
    """W015: a filter by a column that no index begins with."""
    return [
        Warning(
            f"{_path(view)} filters by {name}, which no index begins with: the whole table is "
            "read where few rows match.",
            hint="Add an index that begins with it, followed by the ordering.",
            obj=type(view),
            id="backstay.W015",
        )
        for view, model in _lists()
        for name in sorted(_filtered_columns(view, model))
    ]


def check_bounds(**_: Any) -> list[CheckMessage]:
    """W016: a list as long as its table, or as a client likes."""
    return [
        Warning(
            f"{_path(view)} lists {said}.",
            hint="Give it a pagination_class of backstay.pagination.",
            obj=type(view),
            id="backstay.W016",
        )
        for view, _model in _lists()
        if (said := _unbounded(view.paginator))
    ]


def check_orders(**_: Any) -> list[CheckMessage]:
    """W017: pages in an order that leaves it open which row comes first."""
    return [
        Warning(
            f"{_path(view)} {said}.",
            hint="Order by columns, and end with one that is unique, or use backstay.pagination.",
            obj=type(view),
            id="backstay.W017",
        )
        for view, model in _lists()
        if (said := _unstable(view, model))
    ]


_OURS = (CursorPagination, OffsetMixin)
_NEWEST_FIRST = ("-created_at",)
_OF_DRF = (
    pagination.PageNumberPagination,
    pagination.LimitOffsetPagination,
    pagination.CursorPagination,
)


def _lists() -> Iterator[tuple[Any, type[Model]]]:
    """The view of each list, once, and the model of its rows."""
    seen = set()
    for view in views():
        listing = view.action_map is None or "list" in view.action_map.values()
        queryset = getattr(view, "queryset", None)
        if not listing or queryset is None or not isinstance(view, mixins.ListModelMixin):
            continue
        if type(view) not in seen:
            seen.add(type(view))
            yield view, queryset.model


def _keysets(view: Any) -> Iterator[Sequence[Key]]:
    """Those of ``_orderings``; one that fails is W017's."""
    seen = set()
    for ordering in _orderings(view):
        try:
            keys = keyset(view.queryset.order_by(), ordering)
        except ImproperlyConfigured:
            continue
        if (paths := tuple(key.path for key in keys)) not in seen:
            seen.add(paths)
            yield keys


def _orderings(view: Any) -> list[Sequence[Any]]:
    """A view's own, and those it offers."""
    offered = getattr(view, "ordering_fields", None) if _is_ordered(view) else None
    names = [one if isinstance(one, str) else one[0] for one in offered or ()]
    return [_default_ordering(view), *([name] for name in names if offered != "__all__")]


def _default_ordering(view: Any) -> Sequence[Any]:
    own = view.ordering if _is_ordered(view) and getattr(view, "ordering", None) else ()
    of_pages, of_rows = getattr(view.paginator, "ordering", ()), view.queryset.query.order_by
    if isinstance(view.paginator, pagination.CursorPagination):
        ordering = own or of_pages or of_rows or (_NEWEST_FIRST if of_pages is None else ())
    else:
        ordering = own or of_rows or of_pages
    ordering = (ordering,) if isinstance(ordering, str) else ordering
    return ordering or view.queryset.model._meta.ordering


def _is_ordered(view: Any) -> bool:
    return any(issubclass(one, filters.OrderingFilter) for one in view.filter_backends)


def _held(keys: Sequence[Key], model: type[Model]) -> bool:
    """Whether an index has the keys in a row, as they are or all reversed, whatever is before."""
    columns = [_column(model, key.path) for key in keys]
    if None in columns or any(LOOKUP_SEP in key.path for key in keys):
        return False
    indexes = _indexes(model)
    wanted = [(one.name, key.descending) for one, key in zip(columns, keys, strict=True)]
    for end, column in enumerate(columns, 1):
        if column.unique:  # What comes after it decides nothing.
            wanted = wanted[:end]
            break
    turned = [(name, not descending) for name, descending in wanted]
    return any(
        index[start : start + len(wanted)] in (wanted, turned)
        for index in indexes
        for start in range(len(index))
    )


def _filtered_columns(view: Any, model: type[Model]) -> set[str]:
    found = set()
    for backend in view.filter_backends:
        if not issubclass(backend, drf_filters.DjangoFilterBackend):
            continue
        filterset = backend().get_filterset_class(view, view.queryset)
        for one in (filterset.get_filters() if filterset else {}).values():
            column = _column(model, one.field_name or "")
            judged = one.method is None and one.lookup_expr in _INDEXED_LOOKUPS
            if not judged or column is None or isinstance(column, BooleanField):
                continue
            if column.name not in {index[0][0] for index in _indexes(column.model)}:
                found.add(one.field_name)
    return found


def _column(model: Any, path: str) -> Any:
    """The field at the end of *path*; ``None`` where it is none."""
    field = None
    for name in path.split(LOOKUP_SEP):
        names = {one.name: one for one in model._meta.get_fields()}
        names |= {one.attname: one for one in model._meta.concrete_fields}
        names["pk"] = model._meta.pk
        field = names.get(name) if model else None
        if field is None:
            return None
        model = field.related_model or model
    return field if getattr(field, "concrete", False) else None


def _is_unique(model: type[Model], name: str) -> bool:
    column = _column(model, name.removeprefix("-"))
    return column is not None and column.unique and LOOKUP_SEP not in name


def _indexes(model: type[Model]) -> list[Columns]:
    """Those of a model that are B-trees of columns, constraints' included."""
    meta: Any = model._meta
    found = [
        [(name, bool(order)) for name, order in index.fields_orders]
        for index in meta.indexes
        if index.fields and index.suffix in {Index.suffix, "btree"}
    ]
    unique = [one.fields for one in meta.total_unique_constraints]
    found += [[(name, False) for name in names] for names in (*unique, *meta.unique_together)]
    found += [[(one.name, False)] for one in meta.local_fields if one.unique or one.db_index]
    return found


def _unbounded(paginator: Any) -> str:
    """What a list of it holds; empty where that is bounded."""
    if isinstance(paginator, _OURS):
        return ""
    size = getattr(paginator, "page_size", None) or getattr(paginator, "default_limit", None)
    if paginator is None or (isinstance(paginator, _OF_DRF) and not size):
        return "all rows of its table at once"
    asked = getattr(paginator, "page_size_query_param", None)
    by_page = asked and not getattr(paginator, "max_page_size", None)
    if by_page or getattr(paginator, "max_limit", 1) is None:
        return "as many rows at once as a client asks for"
    return ""


def _unstable(view: Any, model: type[Model]) -> str:
    """What is wrong with the order of its pages; empty where nothing is."""
    ordering = _default_ordering(view)
    if isinstance(view.paginator, _OURS):
        return _unpaged(view)
    total = any(_is_unique(model, str(name)) for name in ordering)
    if total or not isinstance(view.paginator, _OF_DRF):
        return ""
    return (
        "pages in an order that does not tell all rows apart: some are on two pages, and others "
        "on none"
    )


def _unpaged(view: Any) -> str:
    """An order of its own, or one that it offers, which its pages cannot have."""
    by_cursor = isinstance(view.paginator, CursorPagination)
    for ordering in _orderings(view):
        try:
            if by_cursor:
                keyset(view.queryset.order_by(), ordering)
            else:
                view.paginator.in_order(view.queryset.order_by(*ordering))
        except (ImproperlyConfigured, FieldError) as error:
            return f"fails: {error}".rstrip(".")
    return ""


def _named(key: Key) -> str:
    return f"-{key.path}" if key.descending else key.path


def _path(view: Any) -> str:
    return f"{type(view).__module__}.{type(view).__name__}"
