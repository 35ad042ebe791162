"""What a queryset adds to its model, and whether a plan can ask it for columns at all."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Prefetch, QuerySet
from django.db.models.query import ModelIterable

from backstay.readplan import internals
from backstay.readplan.paths import Many, NotCompiled, NotPlanned, One, destination, is_loose
from backstay.readplan.peers import PeerIterable


@dataclass(frozen=True, slots=True)
class Chosen:
    """A ``Prefetch`` with a queryset or an attribute of its own."""

    #: As it is called at the root, ``"items__newest"``, and the last relation that it follows.
    path: str
    relation: str
    #: What its queryset adds to each row.
    annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a queryset adds to its model: names that a serializer may use."""

    annotations: tuple[str, ...] = ()
    prefetches: tuple[Chosen, ...] = ()

    def prefetch(self, path: str) -> Chosen | None:
        return next((one for one in self.prefetches if one.path == path), None)


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
    chosen = (_chosen(queryset.model, one) for one in lookups if isinstance(one, Prefetch))
    return Shape(tuple(query.annotation_select), tuple(filter(None, chosen)))


def _chosen(model: type[Model], prefetch: Prefetch) -> Chosen | None:
    """What *prefetch* chooses; ``None`` where it is what would be read without it."""
    path, through, queryset = prefetch.prefetch_to, prefetch.prefetch_through, prefetch.queryset
    relation = through.rsplit("__", 1)[-1]
    if queryset is None:
        return None if path == through else Chosen(path, relation)
    _refuse_other_rows(model, through, queryset)
    shape = shape_of(queryset)
    if queryset.query.is_sliced or shape.prefetches:
        raise NotPlanned("a Prefetch is sliced, or has a Prefetch of its own")
    return Chosen(path, relation, shape.annotations)


def _plain(queryset: Any) -> bool:
    query = queryset.query
    return (
        internals.iterable_of(queryset) in (ModelIterable, PeerIterable)
        and internals.fetches_as_usual(queryset)
        and not query.combinator
        and not query.extra
        and not query.select_for_update
    )


def _refuse_other_rows(model: type[Model], through: str, queryset: QuerySet[Any]) -> None:
    """
    Raises:
        NotPlanned: a ``Prefetch`` of this queryset gives other rows than a plan would find.
    """
    target, query = destination(model, through), queryset.query
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
