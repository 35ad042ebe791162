"""What the demo data promises to those who build on it."""

from decimal import Decimal
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Min, Q, Sum

from shop.accounts.models import Membership, Organization, Team, User
from shop.articles.models import Article, Comment
from shop.catalog.models import Product
from shop.demo import bulk
from shop.orders.models import Address, Customer, Order, OrderItem, Payment

MODELS = (
    User,
    Organization,
    Team,
    Membership,
    Product,
    Customer,
    Address,
    Order,
    OrderItem,
    Payment,
    Article,
    Comment,
)


def demo_data(*, orders: int = 200, seed: int = 1) -> str:
    out = StringIO()
    call_command("demo_data", orders=orders, seed=seed, stdout=out)
    return out.getvalue()


def contents() -> dict[str, list[tuple]]:
    """All rows, with passwords left out: their hashes depend on the hasher."""
    return {
        model.__name__: list(
            model._default_manager.order_by("pk").values_list(
                *(field.name for field in model._meta.concrete_fields if field.name != "password")
            )
        )
        for model in MODELS
    }


@pytest.mark.django_db(reset_sequences=True)
class TestRows:
    def test_are_these_to_the_last_id_on_every_database(self):
        demo_data(orders=50)
        digest = sha256(repr(contents()).encode()).hexdigest()
        assert digest[:16] == "4d9a9fceb1ea29d2"

    def test_another_seed_gives_other_orders(self):
        demo_data(orders=50, seed=2)
        first = Order.objects.get(pk=1).total_amount, Product.objects.get(pk=1).price
        assert first != (Decimal("1084.51"), Decimal("121.34"))


@pytest.mark.django_db
class TestRunningAgain:
    def test_adds_nothing(self):
        demo_data(orders=30)
        before = contents()
        assert demo_data(orders=30) == "Demo data is in place, with 30 orders.\n"
        assert demo_data(orders=10) == "Demo data is in place, with 30 orders.\n"
        assert contents() == before

    def test_tops_up_to_what_one_run_would_have_made(self, monkeypatch):
        monkeypatch.setattr(bulk, "BATCH", 7)
        demo_data(orders=20)
        demo_data(orders=1030)
        in_two = list(
            Order.objects.order_by("-created_at").values_list("created_at", "total_amount")
        )
        for model in (Payment, OrderItem, Order):
            model.objects.all().delete()
        demo_data(orders=1030)
        in_one = list(
            Order.objects.order_by("-created_at").values_list("created_at", "total_amount")
        )
        assert in_two == in_one
        assert len(in_one) == 1030

    def test_leaves_other_orders_alone(self, order):
        demo_data(orders=10)
        order.refresh_from_db()
        assert Order.objects.count() == 11

    def test_new_orders_get_new_ids(self, make_order, customer):
        demo_data(orders=10)
        assert make_order(customer).pk > Order.objects.order_by("-pk")[1].pk

    def test_a_negative_number_is_refused(self):
        with pytest.raises(CommandError, match="0 or more"):
            demo_data(orders=-1)


@pytest.mark.django_db
class TestContents:
    @pytest.fixture(autouse=True)
    def _load(self, db):
        demo_data()

    def test_everyone_has_the_password(self):
        users = User.objects.all()
        assert len(users) == 57
        assert len({user.password for user in users}) == 1
        assert users[0].check_password("backstay-demo")
        assert not users.filter(customer=None).exists()

    @pytest.mark.parametrize("plan", ["free", "pro", "enterprise"])
    def test_each_plan_has_an_owner_and_a_member(self, plan):
        for role in ("owner", "member"):
            user = User.objects.get(email=f"{role}@{plan}.example")
            assert (user.role, user.organization.plan) == (role, plan)

    def test_staff_and_customers_have_no_organization(self):
        assert User.objects.get(email="staff@shop.example").role == "staff"
        for number in (1, 50):
            assert User.objects.get(email=f"customer{number}@shop.example").role == "customer"

    def test_products_on_sale_are_well_stocked(self):
        on_sale = Product.objects.filter(is_active=True)
        assert on_sale.aggregate(least=Min("stock"))["least"] >= 50
        assert Product.objects.count() == 200
        assert Product.objects.filter(is_active=False).exists()

    def test_each_organization_sells_ten_of_the_first_hundred(self):
        first = Product.objects.order_by("pk")[:100]
        assert all(product.is_active for product in first)
        sellers = [product.organization.plan for product in first]
        assert sellers.count("free") == 10
        assert min(sellers.count("pro"), sellers.count("enterprise")) >= 10

    def test_all_is_in_euros(self):
        assert not Product.objects.exclude(currency="EUR").exists()
        assert not Order.objects.exclude(currency="EUR").exists()

    def test_totals_are_the_sums_of_their_items(self):
        orders = Order.objects.annotate(
            sum=Sum(F("items__quantity") * F("items__unit_price"))
        ).values_list("total_amount", "sum")
        assert len(orders) == 200
        assert all(total == Decimal(str(sum_)).quantize(total) for total, sum_ in orders)

    def test_what_is_paid_has_exactly_one_payment_of_its_total(self):
        paid = Order.objects.filter(status__in=["paid", "shipped"]).annotate(
            good=Count(
                "payments", Q(payments__status="succeeded", payments__amount=F("total_amount"))
            ),
            all=Count("payments"),
        )
        assert paid.exists()
        assert set(paid.values_list("good", "all")) == {(1, 1)}

    def test_nothing_else_has_a_payment_that_succeeded(self):
        unpaid = Order.objects.exclude(status__in=["paid", "shipped"])
        assert not unpaid.filter(payments__status="succeeded").exists()
        refunded = unpaid.filter(status="refunded")
        assert refunded.count() == refunded.filter(payments__status="refunded").count() > 0

    def test_orders_go_to_addresses_of_their_customers(self):
        strange = Order.objects.exclude(shipping_address__user=F("customer__user"))
        assert not strange.exists()

    def test_every_state_occurs(self):
        assert set(Order.objects.values_list("status", flat=True)) == set(Order.Status.values)

    def test_articles_are_published_with_comments(self):
        assert Article.objects.filter(published=True).count() == 30
        assert Article.objects.filter(published=False).count() == 6
        assert Comment.objects.filter(article__published=True).exists()
