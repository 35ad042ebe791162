"""How orders and addresses are read."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Func, IntegerField, OuterRef, Prefetch, QuerySet, Subquery

from shop.accounts.models import User
from shop.orders import models
from shop.orders.permissions import ADDRESSES


class AddressQuerySet(QuerySet["models.Address"]):
    def owned_by(self, user: User | AnonymousUser) -> Self:
        """Addresses that *user* has and did not remove."""
        return self.current().filter(ADDRESSES.scope(user, self.model))

    def current(self) -> Self:
        """All but those that were removed and are kept for an order."""
        return self.filter(archived_at=None)


class OrderQuerySet(QuerySet["models.Order"]):
    def with_item_count(self) -> Self:
        """
        ``item_count``, counted for the rows of the page only.

        A join with GROUP BY counts the whole table before it takes a page.
        """
        items = models.OrderItem.objects.filter(order=OuterRef("pk")).order_by()
        count = Func("pk", function="COUNT", output_field=IntegerField())
        return self.annotate(item_count=Subquery(items.annotate(count=count).values("count")))

    def for_list(self) -> Self:
        return self.select_related("customer__user").with_item_count()

    def for_detail(self) -> Self:
        items = models.OrderItem.objects.select_related("product").order_by("pk")
        return (
            self.for_list()
            .select_related("shipping_address")
            .prefetch_related(
                Prefetch("items", items),
                Prefetch("payments", models.Payment.objects.order_by("pk")),
            )
        )
