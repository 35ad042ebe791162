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
nothing is 0.
"""

from typing import Any

from django.db.models import Aggregate, Count, Sum
from rest_framework import serializers

from backstay.readplan import peers, sql
from backstay.readplan.paths import Many, NotCompiled, Place, attribute
from backstay.readplan.plan import Totals


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
        many = self.many(Place(type(instance)))
        if name not in known:
            keys = {getattr(one, many.key) for one in together}
            wanted = Totals(many.model, many.key, many.link, [self.aggregate()])
            known[name] = sql.totals(wanted, keys, instance._state.db)
        (total,) = known[name].get(getattr(instance, many.key), (0,))
        return total or 0


class CountField(TotalMixin, serializers.IntegerField):
    """How many rows ``relation`` has: ``CountField("items")``."""

    function = Count


class SumField(TotalMixin, serializers.IntegerField):
    """The sum of a whole number: ``SumField("items", "quantity")``."""

    function = Sum


class DecimalSumField(TotalMixin, serializers.DecimalField):
    """The sum of an amount; takes DRF's ``max_digits`` and ``decimal_places``."""

    function = Sum
