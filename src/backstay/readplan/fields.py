"""
Counts and sums of what belongs to an object.

    class OrderList(ModelSerializer):
        item_count = CountField("items")
        units = SumField("items", "quantity")
        paid = DecimalSumField("payments", "amount", max_digits=12, decimal_places=2)

A plan computes those of all rows of a page with one grouped query, which an annotation
does not: it joins and groups the whole table before it takes a page. Without a plan the
objects that were read together are counted together too, and an object alone by itself.

Everything that belongs to the object counts, also what a ``Prefetch`` would leave out;
nothing is 0. A relation that cannot be read backwards, a generic one or one without a
name, is counted from the object's side, with what the related manager would hide.
"""

from typing import Any

from django.db.models import Aggregate, Count, Model, Sum
from rest_framework import serializers

from backstay.readplan import peers, sql
from backstay.readplan.paths import Many, NotCompiled, Place, attribute


class TotalMixin:
    """An aggregate over a to-many relation of the object itself."""

    function: type[Aggregate]

    def __init__(self, relation: str, column: str = "pk", **kwargs: Any) -> None:
        self.relation = relation
        self.column = column
        super().__init__(read_only=True, **kwargs)  # type: ignore[call-arg]  # A mixin.

    @property
    def counts_rows(self) -> bool:
        """Whether it is the number of rows, whatever is in them."""
        return self.function is Count and self.column == "pk"

    def aggregate(self) -> Aggregate:
        return self.function(self.column)

    def many(self, place: Place) -> Many:
        """
        Raises:
            NotCompiled: the relation is not one to many rows.
        """
        target = attribute(place, self.relation)
        if not isinstance(target, Many):
            raise NotCompiled(f"{self.relation!r} is no to-many relation")
        return target

    def get_attribute(self, instance: Any) -> Any:
        together, known = peers.of(instance)
        name = (type(self), self.relation, self.column)
        rows, link, key, aggregate = self._grouped(type(instance))
        if name not in known:
            keys = {getattr(one, key) for one in together}
            known[name] = sql.totals((rows, link, [aggregate]), keys, instance._state.db, {})
        (total,) = known[name].get(getattr(instance, key), (0,))
        return total or 0

    def _grouped(self, model: type[Model]) -> tuple[Any, str, str, Aggregate]:
        """The rows to aggregate, what groups them, the object's value of it, the aggregate."""
        try:
            many = self.many(Place(model))
        except NotCompiled:
            path = self.relation if self.column == "pk" else f"{self.relation}__{self.column}"
            return model._base_manager, "pk", "pk", self.function(path)
        return many.model._default_manager, many.link, many.key, self.aggregate()


class CountField(TotalMixin, serializers.IntegerField):
    """How many rows ``relation`` has: ``CountField("items")``."""

    function = Count


class SumField(TotalMixin, serializers.IntegerField):
    """The sum of a whole number: ``SumField("items", "quantity")``."""

    function = Sum


class DecimalSumField(TotalMixin, serializers.DecimalField):
    """The sum of an amount; takes DRF's ``max_digits`` and ``decimal_places``."""

    function = Sum
