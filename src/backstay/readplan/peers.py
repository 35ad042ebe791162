"""
Instances that load their relations together.

    class OrderQuerySet(PeersMixin, QuerySet): ...
    Order.objects.with_peers()            # or with_peers(any_queryset)

A relation that is read on one of the instances of such a queryset is loaded for all of
them, by one query, and what was loaded are peers in turn: a loop over relations costs as
many queries as it names relations. ``select_related`` and ``prefetch_related`` still
work; they are not needed any more.

Not together: what is no plain relation, ``order.items.filter(…)`` or ``.count()``, which
stay queries of their own, columns that ``only()`` left out, and ``iterator()``, whose
chunks are peers each.

It stands on the two dicts in which Django keeps what an instance has loaded,
``_state.fields_cache`` and ``_prefetched_objects_cache``: ours know what to do about a
name that is missing. No descriptor is changed.
"""

# ruff: noqa: SLF001  # The two dicts that it stands on are Django’s own.

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Self, TypeVar

from django.db.models import Model, QuerySet, prefetch_related_objects
from django.db.models.query import ModelIterable

from backstay.readplan.internals import iterable_of, lookups_of, prefetch_no_more, yielding
from backstay.readplan.paths import is_loose

M = TypeVar("M", bound=Model)
Q = TypeVar("Q", bound="QuerySet[Any]")


def with_peers(queryset: Q) -> Q:
    """*queryset*, whose instances load their relations together."""
    if iterable_of(queryset) is ModelIterable:
        return yielding(queryset, PeerIterable)  # type: ignore[no-any-return]  # Of the same class.
    return queryset


class PeersMixin:
    """Put before a ``QuerySet`` class."""

    def with_peers(self) -> Self:
        return with_peers(self)  # type: ignore[type-var]  # A mixin.


class PeerIterable(ModelIterable):
    def __iter__(self) -> Iterator[Model]:
        rows = iter(super().__iter__())
        lookups = lookups_of(self.queryset)
        prefetch_no_more(self.queryset)  # What is prefetched here are peers too.
        at_once = self.chunk_size if self.chunked_fetch else None  # All, but for ``iterator()``.
        while some := list(islice(rows, at_once)):
            prefetch_related_objects(some, *lookups)
            yield from join(some)


def of(instance: Any) -> tuple[Sequence[Any], dict[Any, Any]]:
    """The peers of *instance*, itself among them, and what they know together."""
    cached = instance._state.fields_cache
    if isinstance(cached, _One):
        return cached.group.instances, cached.group.known
    return [instance], {}


def join(instances: Sequence[M]) -> Sequence[M]:
    """Make *instances*, of one model, peers of each other, and what they have loaded too."""
    fresh = [one for one in _distinct(instances) if type(one._state.fields_cache) is dict]
    if not fresh:
        return instances
    group = _Group(fresh)
    for one in fresh:
        one._state.fields_cache = _One(one._state.fields_cache, group, one)
        loaded = getattr(one, "_prefetched_objects_cache", {})
        one._prefetched_objects_cache = _Many(loaded, group, one)  # type: ignore[attr-defined]  # Django's own.
    for below in _loaded(fresh):
        join(below)
    return instances


class _Group:
    """Instances of one model that were read together."""

    def __init__(self, instances: Sequence[Any]) -> None:
        self.instances = instances
        #: Keys that may be null and that lead to no row, with the name of their relation.
        self.nowhere: set[tuple[str, Any]] = set()
        #: What was computed for all of them, by whoever did.
        self.known: dict[Any, Any] = {}
        #: Relations that are being loaded, which Django asks for while it loads them.
        self.loading: set[str] = set()

    def load(self, accessor: str) -> None:
        self.loading.add(accessor)
        try:
            # One that was deleted has no key, which Django would not look for.
            prefetch_related_objects(
                [one for one in self.instances if one.pk is not None], accessor
            )
        finally:
            self.loading.discard(accessor)

    def leads_nowhere(self, instance: Any, name: str) -> bool:
        model: Any = type(instance)
        column = _loose_keys(model).get(name)
        return column is not None and (name, getattr(instance, column)) in self.nowhere

    def forget_nowhere(self, name: str) -> None:
        """Leave it to Django to raise where a key leads nowhere: a prefetch says ``None``."""
        model: Any = type(self.instances[0])
        column = _loose_keys(model).get(name)
        if column is None:
            return
        for one in self.instances:
            key, loaded = getattr(one, column), one._state.fields_cache
            if key is not None and dict.get(loaded, name, key) is None:
                del loaded[name]
                self.nowhere.add((name, key))


class _Loaded(dict[str, Any]):
    """What an instance has loaded, by the name under which Django keeps it."""

    __slots__ = ("group", "owner")

    def __init__(self, loaded: dict[str, Any], group: _Group, owner: Any) -> None:
        super().__init__(loaded)
        self.group = group
        self.owner = owner

    def __reduce__(self) -> Any:
        """A copy is alone."""
        return dict, (dict(self),)


class _One(_Loaded):
    """The to-one relations."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        if name in self.group.loading or self.group.leads_nowhere(self.owner, name):
            raise KeyError(name)
        self.group.load(name)
        found = (dict.get(one._state.fields_cache, name) for one in self.group.instances)
        join([one for one in found if one is not None])
        self.group.forget_nowhere(name)
        if name not in self:
            raise KeyError(name)  # There is none; Django says so in its own way.
        return self[name]


class _Many(_Loaded):
    """The to-many relations."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        model: Any = type(self.owner)
        accessor = _accessors(model).get(name, name)
        if accessor in self.group.loading:
            raise KeyError(name)
        self.group.loading.add(accessor)
        try:
            queryset = getattr(self.owner, accessor).get_queryset()
        finally:
            self.group.loading.discard(accessor)

        def fetch_all() -> None:
            # Only the queryset itself, ``.all()``, is loaded for all: a clone of it, such
            # as ``.filter()`` makes, has Django's own method and stays a query of its own.
            if queryset._result_cache is None:
                self._load(name, accessor)
                queryset._result_cache = self[name]._result_cache
                queryset._prefetch_done = True

        queryset._fetch_all = fetch_all
        return queryset

    def _load(self, name: str, accessor: str) -> None:
        if name in self:
            return
        self.group.load(accessor)
        loaded = (dict.get(one._prefetched_objects_cache, name, ()) for one in self.group.instances)
        join([child for children in loaded for child in children])


@cache
def _loose_keys(model: type[Model]) -> dict[str, str]:
    """Keys that may be null, and that no constraint holds, with their columns."""
    return {key.name: key.attname for key in model._meta.concrete_fields if is_loose(key)}


@cache
def _accessors(model: type[Model]) -> dict[str, str]:
    """Attributes of *model* by the name under which Django keeps a many-to-many relation."""
    return {
        relation.field.related_query_name(): accessor
        for relation in model._meta.related_objects
        if relation.many_to_many and (accessor := relation.get_accessor_name())
    }


def _distinct(instances: Iterable[M]) -> Iterable[M]:
    return {id(one): one for one in instances}.values()


def _loaded(instances: Iterable[Any]) -> Iterable[list[Any]]:
    """What was loaded with the instances, by relation or attribute."""
    loaded: dict[str, list[Any]] = {}
    for one in instances:
        for name, value in one._state.fields_cache.items():
            if isinstance(value, Model):
                loaded.setdefault(name, []).append(value)
        for name, value in (*one._prefetched_objects_cache.items(), *vars(one).items()):
            children = value._result_cache if isinstance(value, QuerySet) else value
            if type(children) is list and children and isinstance(children[0], Model):
                loaded.setdefault(name, []).extend(children)
    return loaded.values()
