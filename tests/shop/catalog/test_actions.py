"""Taking units off the shelf and putting them back."""

from decimal import Decimal

import pytest

from shop.catalog.actions import Line, return_stock, take_stock
from shop.catalog.models import MAX_STOCK, Product
from tests.shop import factories

pytestmark = pytest.mark.django_db


class TestLine:
    @pytest.mark.parametrize("quantity", [0, -1])
    def test_has_a_unit_at_least(self, quantity):
        with pytest.raises(ValueError, match="one unit"):
            Line(1, quantity)


def prices() -> dict[int, Decimal]:
    return dict(Product.objects.values_list("pk", "price"))


class TestTakeStock:
    def test_takes_down_to_the_last_unit(self, product):
        assert take_stock(lines=[Line(product.pk, 50)], prices=prices()) == []
        product.refresh_from_db()
        assert product.stock == 0

    def test_returns_what_cannot_be_taken(self, product, hidden_product):
        lines = [Line(product.pk, 51), Line(hidden_product.pk, 1), Line(10**6, 1)]
        assert take_stock(lines=lines, prices={10**6: Decimal(1), **prices()}) == lines
        assert set(Product.objects.values_list("stock", flat=True)) == {50, 100}

    def test_takes_nothing_at_another_price(self, product):
        lines = [Line(product.pk, 1)]
        assert take_stock(lines=lines, prices={product.pk: Decimal(1)}) == lines
        assert Product.objects.get(pk=product.pk).stock == 50

    def test_visits_products_in_key_order(self, django_assert_num_queries):
        first, second = factories.ProductFactory.create_batch(2)
        now = prices()
        with django_assert_num_queries(2) as queries:
            take_stock(lines=[Line(second.pk, 1), Line(first.pk, 1)], prices=now)
        keys = [
            f'"id" = {key}' in sql
            for key, sql in zip(
                (first.pk, second.pk), (query["sql"] for query in queries), strict=True
            )
        ]
        assert keys == [True, True]


class TestReturnStock:
    def test_finds_room_whatever_the_seller_entered(self):
        product = factories.ProductFactory.create(stock=MAX_STOCK, is_active=False)
        return_stock(lines=[Line(product.pk, 5)])
        product.refresh_from_db()
        assert product.stock == MAX_STOCK + 5
