"""What a queryset adds to its model, and whether a plan can ask it for columns at all."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.db.models.query import ModelIterable

from backstay.readplan import internals
from backstay.readplan.paths import (
    Many,
    NotCompiled,
    NotPlanned,
    One,
    Target,
    destination,
    is_loose,
)
from backstay.readplan.peers import PeerIterable


@dataclass(frozen=True, slots=True)
class Shape:
    """What a queryset adds to its model: names that a serializer may use."""

    annotations: tuple[str, ...] = ()
    #: ``Prefetch`` objects with a queryset or an attribute of their own, by that path.
    prefetches: "tuple[tuple[str, Shape], ...]" = ()
    #: Where such an attribute stands for a relation: the path, and the relation's.
    attributes: tuple[tuple[str, str], ...] = ()


EMPTY = Shape()


def shape_of(queryset: QuerySet[Any]) -> Shape:
    """
    What a serializer may use beyond the model.

    Raises:
        NotPlanned: columns cannot be asked for, for the same rows.
    """
    query = queryset.query
    if not _plain(queryset):
        raise NotPlanned("the queryset is a union, has extra(), or makes its rows in its own way")
    lookups = internals.lookups_of(queryset)
    if not lookups and not query.annotation_select:
        return EMPTY
    chosen = [
        one
        for one in lookups
        if isinstance(one, Prefetch)
        and (one.queryset is not None or one.prefetch_to != one.prefetch_through)
    ]
    for one in chosen:
        if one.queryset is not None:
            _refuse_other_rows(destination(queryset.model, one.prefetch_through), one.queryset)
    return Shape(
        tuple(query.annotation_select),
        tuple((one.prefetch_to, _chosen_shape(one.queryset)) for one in chosen),
        tuple(
            (one.prefetch_to, one.prefetch_through)
            for one in chosen
            if one.prefetch_to != one.prefetch_through
        ),
    )


def _plain(queryset: Any) -> bool:
    query = queryset.query
    return (
        internals.iterable_of(queryset) in (ModelIterable, PeerIterable)
        and internals.fetches_as_usual(queryset)
        and not query.combinator
        and not query.extra
        and not query.select_for_update
    )


def _refuse_other_rows(target: Target | None, queryset: QuerySet[Any]) -> None:
    """
    Raises:
        NotPlanned: a ``Prefetch`` of this queryset gives other rows than a plan would find.
    """
    query = queryset.query
    if isinstance(target, Many) and target.back is not None:
        return
    if isinstance(target, Many):
        # Django takes the parent's key from the first join of the table between.
        if len(query.alias_map) > 1:
            raise NotPlanned("a Prefetch of a many-to-many relation follows relations itself")
    elif query.where:
        raise NotPlanned("a Prefetch leaves out single rows, which a join would find")
    elif isinstance(target, One) and is_loose(target.relation):
        raise NotPlanned("a Prefetch makes a key that leads nowhere one that is null")


def _chosen_shape(queryset: QuerySet[Any] | None) -> Shape:
    if queryset is None:
        return EMPTY
    shape = shape_of(queryset)
    if queryset.query.is_sliced or shape.prefetches:
        raise NotPlanned("a Prefetch is sliced, or has a Prefetch of its own")
    return shape


def annotations_of(manager: Any) -> tuple[str, ...]:
    """
    What the queryset of a related manager adds to each row.

    Raises:
        NotCompiled: it does more than that, which only Django itself can follow.
    """
    queryset = manager.all()
    try:
        shape = shape_of(queryset)
    except NotPlanned as reason:
        raise NotCompiled(f"of its manager {reason}") from None
    if internals.lookups_of(queryset):
        raise NotCompiled("its manager prefetches")
    return shape.annotations
