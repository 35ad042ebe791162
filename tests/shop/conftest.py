"""
The shop's actors, and what belongs to whom.

Each actor is a user and a client that carries a real access token of theirs:
``customer`` and ``as_customer``. ``client_of`` finds a client by the actor's name,
for tables of actors; ``signed_in`` makes one for any user at the present moment.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from backstay.auth.issuing import issue_tokens
from shop.accounts.models import Organization, User
from shop.articles.models import Article, Comment
from shop.catalog.models import Product
from shop.orders import actions
from shop.orders.models import Address, Order
from tests.shop import factories
from tests.shop.far_limits import far_limits


@pytest.fixture(params=[pytest.param("v1", marks=(pytest.mark.once, pytest.mark.long)), "v2"])
def version(request) -> str:
    """Each; the versions differ in bodies alone, so the older one is for the long run."""
    return request.param


@pytest.fixture
def api(version: str) -> str:
    """What the paths of this version begin with."""
    return f"/api/{version}"


@pytest.fixture(params=[3, pytest.param(20, marks=pytest.mark.long)])
def rounds(request) -> int:
    """How often a race is run."""
    return int(request.param)


# --- who ----------------------------------------------------------------------


@pytest.fixture
def customer(db) -> User:
    return factories.UserFactory.create(
        email="customer@shop.example", first_name="Customer", last_name="One"
    )


@pytest.fixture
def other_customer(db) -> User:
    return factories.UserFactory.create(email="other@shop.example")


@pytest.fixture
def staff(db) -> User:
    return factories.StaffFactory.create(email="staff@shop.example")


@pytest.fixture
def organization(db) -> Organization:
    return factories.OrganizationFactory.create(name="Seller", plan="pro")


@pytest.fixture
def owner(organization: Organization) -> User:
    return factories.MembershipFactory.create(organization=organization, role="owner").user


@pytest.fixture
def manager(organization: Organization) -> User:
    return factories.MembershipFactory.create(organization=organization, role="manager").user


@pytest.fixture
def member(organization: Organization) -> User:
    return factories.MembershipFactory.create(organization=organization, role="member").user


@pytest.fixture
def other_owner(db) -> User:
    return factories.MembershipFactory.create(organization__name="Rival", role="owner").user


@pytest.fixture
def unlimited(settings) -> None:
    """For tests that call more often than any client may: every limit counts, far away."""
    for name, value in far_limits().items():
        setattr(settings, name, value)


# --- how they call ------------------------------------------------------------


@pytest.fixture
def signed_in() -> Callable[[User], APIClient]:
    def sign_in(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access']}")
        return client

    return sign_in


@pytest.fixture
def anonymous(db) -> APIClient:
    return APIClient()


@pytest.fixture
def as_customer(signed_in, customer: User) -> APIClient:
    return signed_in(customer)


@pytest.fixture
def as_other_customer(signed_in, other_customer: User) -> APIClient:
    return signed_in(other_customer)


@pytest.fixture
def as_staff(signed_in, staff: User) -> APIClient:
    return signed_in(staff)


@pytest.fixture
def as_owner(signed_in, owner: User) -> APIClient:
    return signed_in(owner)


@pytest.fixture
def as_manager(signed_in, manager: User) -> APIClient:
    return signed_in(manager)


@pytest.fixture
def as_member(signed_in, member: User) -> APIClient:
    return signed_in(member)


@pytest.fixture
def as_other_owner(signed_in, other_owner: User) -> APIClient:
    return signed_in(other_owner)


@pytest.fixture
def client_of(request) -> Callable[[str], APIClient]:
    def find(actor: str) -> APIClient:
        name = "anonymous" if actor == "anonymous" else f"as_{actor}"
        return request.getfixturevalue(name)

    return find


# --- what there is --------------------------------------------------------------


@pytest.fixture
def product(organization: Organization) -> Product:
    return factories.ProductFactory.create(
        organization=organization, sku="LAMP-1", name="Lamp", price=Decimal("12.50"), stock=50
    )


@pytest.fixture
def hidden_product(organization: Organization) -> Product:
    return factories.ProductFactory.create(organization=organization, is_active=False)


@pytest.fixture
def address(customer: User) -> Address:
    return factories.AddressFactory.create(user=customer)


@pytest.fixture
def foreign_address(other_customer: User) -> Address:
    return factories.AddressFactory.create(user=other_customer)


#: How an order comes into each state.
WAYS: dict[str, tuple[Callable[[Order], Any], ...]] = {
    "pending": (),
    "paid": (lambda order: actions.pay_order(order=order, method="card"),),
    "shipped": (
        lambda order: actions.pay_order(order=order, method="card"),
        lambda order: actions.ship_order(order=order),
    ),
    "cancelled": (lambda order: actions.cancel_order(order=order),),
    "refunded": (
        lambda order: actions.pay_order(order=order, method="card"),
        lambda order: actions.refund_order(order=order),
    ),
}


@pytest.fixture
def make_order(product: Product) -> Callable[..., Order]:
    """Place orders as the shop does, and bring them into a state as the shop does."""

    def make(user: User, status: str = "pending", *, quantity: int = 2, **place: Any) -> Order:
        order = actions.place_order(
            customer=user.customer,
            lines=place.pop("lines", [actions.Line(product.pk, quantity)]),
            ship_to=place.pop("ship_to", None) or factories.AddressFactory.create(user=user),
            **place,
        )
        for step in WAYS[status]:
            step(order)
        return order

    return make


@pytest.fixture
def order(make_order, customer: User, address: Address) -> Order:
    return make_order(customer, ship_to=address)


@pytest.fixture
def foreign_order(make_order, other_customer: User) -> Order:
    return make_order(other_customer)


@pytest.fixture
def article(customer: User) -> Article:
    return factories.ArticleFactory.create(
        author=customer, title="Lamps", body="All about lamps.", internal_notes="Check the facts."
    )


@pytest.fixture
def draft(customer: User) -> Article:
    return factories.ArticleFactory.create(author=customer, title="Draft", published=False)


@pytest.fixture
def comment(article: Article, customer: User) -> Comment:
    return factories.CommentFactory.create(article=article, author=customer, body="First.")
