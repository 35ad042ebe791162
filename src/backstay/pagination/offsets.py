"""
Rows by their number: what pages by number and by offset have in common.

A list says how it is counted by ``counting``: ``exact``, ``capped``, ``estimated`` or
``none``; see ``backstay.pagination.counts``. Whether there is a next page is read, one row
more than is shown, and not computed from the count; so links are right however it was
counted, and the last page knows the exact count in any case.

A deep page finds its keys first and reads those rows only: what OFFSET skips is then
an index's entries, where one holds the ordering, and not whole rows with their joins.
It still takes longer the deeper it is; ``CursorPagination`` does not.
"""

from collections.abc import Sequence
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

from backstay.pagination.counts import COUNTING, Size
from backstay.pagination.keyset import are_groups, in_order_of, keyset, path_of
from backstay.pagination.sizes import LINK, page_schema

#: From this row on, a page is deep.
DEEP = 1_000

#: Beyond it a database knows no OFFSET, and there is no row.
LAST_ROW = 2**63 - 1


class OffsetMixin:
    """Put before one of DRF's paginators that count."""

    counting: Literal["exact", "capped", "estimated", "none"] = "exact"

    #: Where ``capped`` ends, and ``estimated`` begins to guess.
    count_cap = 10_000

    #: Of a queryset that has none.
    ordering: str | Sequence[str] = ()

    known: Size

    def in_order(self, queryset: Any) -> Any:
        """
        The rows, tied ones told apart by their key, and groups by all they show; a list has
        its order already.

        Rows by number need no place in a keyset, so any ordering will do that SQL can.

        Raises:
            ImproperlyConfigured: it is another one each time.
        """
        if not isinstance(queryset, QuerySet):
            return queryset
        try:
            return in_order_of(keyset(queryset, self.ordering), queryset)
        except ImproperlyConfigured:
            own = queryset.query.order_by or _as_names(self.ordering)
            if "?" in own:
                raise
            if are_groups(queryset):
                query = queryset.query
                return queryset.order_by(*own, *query.values_select, *query.annotation_select)
            return queryset.order_by(*(own or queryset.model._meta.ordering), "pk")

    def read(self, ordered: Any, start: int, size: int) -> list[Any]:
        """*size* rows from *start* on; ``known`` is then how many there are in all."""
        stop = start + size + 1
        rows = list(_between(ordered, start, stop)) if stop <= LAST_ROW else []
        seen, more = start + min(len(rows), size), len(rows) > size
        if start and not rows:  # Past the end, wherever that is.
            self.known = self.measure(ordered)
        elif more or self.counting == "exact":
            # An exact count is asked for always: a list costs the same however short it is.
            self.known = self.measure(ordered).beside(seen, more=more)
        else:
            self.known = Size(seen)
        return rows[:size]

    def measure(self, queryset: Any) -> Size:
        if not isinstance(queryset, QuerySet):
            return Size(len(queryset))
        return COUNTING[self.counting](queryset, self.count_cap)

    def body(self, rows: Any, **links: str | None) -> dict[str, Any]:
        """Nobody's count is left out, and ``count_is`` says of one how far it goes."""
        counted: dict[str, Any] = {}
        if self.counting != "none":
            counted["count"] = self.known.rows
        if self.counting in {"capped", "estimated"}:
            counted["count_is"] = self.known.certainty
        return {**counted, **links, "results": rows}

    def body_schema(self, rows: dict[str, Any]) -> dict[str, Any]:
        counted: dict[str, Any] = {}
        if self.counting != "none":
            counted["count"] = {"type": "integer", "minimum": 0}
        if self.counting in {"capped", "estimated"}:
            counted["count_is"] = COUNT_IS
        return page_schema(**counted, next=LINK, previous=LINK, results=rows)


COUNT_IS = {
    "type": "string",
    "enum": ["exact", "at_least", "estimated"],
    "description": "How `count` is meant: there may be more than `at_least`, and "
    "`estimated` is a guess, or was counted a moment ago.",
}


def _as_names(ordering: str | Sequence[str]) -> Sequence[str]:
    return (ordering,) if isinstance(ordering, str) else ordering


def _between(ordered: Any, start: int, stop: int) -> Any:
    if not isinstance(ordered, QuerySet):
        return ordered[start:stop]
    query = ordered.query
    # A row that a join repeats is on one page more than once; a union cannot be narrowed.
    repeats = any(
        getattr(getattr(table, "join_field", None), "one_to_many", False)
        for table in query.alias_map.values()
    )
    # Windows would be of those rows only; and no index is skipped in an order that is computed.
    by = {path_of(one) for one in query.order_by}
    computed = any(
        name in by or one.contains_over_clause for name, one in query.annotations.items()
    )
    if start < DEEP or query.combinator or repeats or computed or are_groups(ordered):
        return ordered[start:stop]
    return ordered.filter(pk__in=ordered.values("pk")[start:stop])
