"""One valid row of each model, different from every other; name what matters."""

from decimal import Decimal

import factory
from factory.django import DjangoModelFactory, Password

from shop.accounts.models import Membership, Organization, Team, User
from shop.articles.models import Article, Comment
from shop.catalog.models import Product
from shop.orders.models import Address, Order, OrderItem, Payment

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory[User]):
    """A customer: a user without an organization."""

    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"user{number}@shop.example")
    password = Password(PASSWORD)
    first_name = "Some"
    last_name = factory.Sequence(lambda number: f"User {number}")


class StaffFactory(UserFactory):
    is_staff = True


class OrganizationFactory(DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda number: f"Organization {number}")


class TeamFactory(DjangoModelFactory[Team]):
    class Meta:
        model = Team

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda number: f"Team {number}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organization = factory.SubFactory(OrganizationFactory)
    role = Membership.Role.MEMBER


class ProductFactory(DjangoModelFactory[Product]):
    class Meta:
        model = Product

    organization = factory.SubFactory(OrganizationFactory)
    sku = factory.Sequence(lambda number: f"SKU-{number}")
    name = factory.Sequence(lambda number: f"Product {number}")
    price = Decimal("10.00")
    stock = 100


class AddressFactory(DjangoModelFactory[Address]):
    class Meta:
        model = Address

    user = factory.SubFactory(UserFactory)
    line1 = "1 Bridge Street"
    city = "Eastford"
    postcode = "10000"
    country = "AT"


class OrderFactory(DjangoModelFactory[Order]):
    """An order without items, sent to an address of its customer."""

    class Meta:
        model = Order

    customer = factory.LazyFunction(lambda: UserFactory.create().customer)
    shipping_address = factory.LazyAttribute(lambda order: AddressFactory(user=order.customer.user))
    total_amount = Decimal("10.00")


class OrderItemFactory(DjangoModelFactory[OrderItem]):
    class Meta:
        model = OrderItem

    order = factory.SubFactory(OrderFactory)
    product = factory.SubFactory(ProductFactory)
    quantity = 1
    unit_price = factory.SelfAttribute("product.price")


class PaymentFactory(DjangoModelFactory[Payment]):
    """An attempt that is under way."""

    class Meta:
        model = Payment

    order = factory.SubFactory(OrderFactory)
    amount = factory.SelfAttribute("order.total_amount")


class ArticleFactory(DjangoModelFactory[Article]):
    class Meta:
        model = Article

    author = factory.SubFactory(UserFactory)
    title = factory.Sequence(lambda number: f"Article {number}")
    body = "Text."
    published = True


class CommentFactory(DjangoModelFactory[Comment]):
    class Meta:
        model = Comment

    article = factory.SubFactory(ArticleFactory)
    author = factory.SubFactory(UserFactory)
    body = "A remark."
