"""How orders and addresses are read."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Func, IntegerField, OuterRef, Prefetch, QuerySet, Subquery

from shop.accounts.models import User
from shop.orders import models


class AddressQuerySet(QuerySet["models.Address"]):
    def owned_by(self, user: User | AnonymousUser) -> Self:
        """Addresses *user* can use: the only place that scopes them."""
        return self.filter(user=user.pk, archived_at=None)


class OrderQuerySet(QuerySet["models.Order"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """
        Orders *user* may see: the only place that scopes them.

        The customer is compared with a scalar subquery, not joined: only so do
        the planners know it is one value, and read the page off the index over
        (customer, created_at, id).
        """
        if user.is_staff:
            return self.all()
        if not user.is_authenticated:
            return self.none()
        return self.filter(customer=models.Customer.objects.filter(user=user.pk).values("pk")[:1])

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
