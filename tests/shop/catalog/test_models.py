"""What the database keeps about products, and who sees which."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from shop.catalog.models import MAX_STOCK, Product
from shop.catalog.permissions import PRODUCTS
from tests.shop import factories

pytestmark = pytest.mark.django_db


class TestConstraints:
    @pytest.mark.parametrize(
        "change",
        [
            {"price": Decimal("-0.01")},
            {"stock": -1},
            {"currency": "eur"},
            {"currency": "EU"},
            {"currency": ""},
        ],
        ids=str,
    )
    def test_refused_on_update_and_in_bulk(self, product, change):
        with pytest.raises(IntegrityError), transaction.atomic():
            Product.objects.filter(pk=product.pk).update(**change)
        with pytest.raises(IntegrityError):
            Product.objects.bulk_create(
                [factories.ProductFactory.build(organization=product.organization, **change)]
            )

    def test_a_sku_names_one_product_of_its_seller(self, product):
        twin = factories.ProductFactory.build(organization=product.organization, sku=product.sku)
        with pytest.raises(IntegrityError):
            Product.objects.bulk_create([twin])

    def test_two_sellers_may_use_the_same_sku(self, product):
        factories.ProductFactory.create(sku=product.sku)

    def test_more_stock_than_a_seller_may_enter_is_not_clean(self, product):
        product.stock = MAX_STOCK + 1
        with pytest.raises(ValidationError):
            product.full_clean()


@pytest.mark.P1
class TestScope:
    @pytest.fixture(autouse=True)
    def _products(self, product, hidden_product):
        """One of the seller's two products is not on sale."""

    def test_anonymous_sees_what_is_on_sale(self, product):
        assert list(Product.objects.filter(PRODUCTS.scope(AnonymousUser(), Product))) == [product]

    def test_customer_sees_what_is_on_sale(self, customer, product):
        assert list(Product.objects.filter(PRODUCTS.scope(customer, Product))) == [product]

    def test_member_of_another_organization_sees_what_is_on_sale(self, other_owner, product):
        assert list(Product.objects.filter(PRODUCTS.scope(other_owner, Product))) == [product]

    def test_member_of_the_seller_sees_all_of_it_once(self, owner, member):
        assert Product.objects.filter(PRODUCTS.scope(member, Product)).count() == 2

    def test_staff_see_all(self, staff):
        assert Product.objects.filter(PRODUCTS.scope(staff, Product)).count() == 2


class TestInStock:
    def test_leaves_out_what_is_sold_out(self, product):
        factories.ProductFactory.create(stock=0)
        assert list(Product.objects.in_stock()) == [product]
