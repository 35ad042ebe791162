"""What the service keeps, for whom, and until when."""

from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from backstay.auth.issuing import issue_tokens
from shop.accounts.models import Organization, User
from shop.articles.models import Article
from shop.catalog.models import Product
from shop.orders import actions
from tests.shop import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unlimited")]

HIT, STORED = "backstay; hit", "backstay; fwd=miss; stored"


def as_user(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access']}")
    return client


def statuses(client, path, times=2) -> list[str]:
    return [client.get(path).headers["Cache-Status"] for _ in range(times)]


@pytest.fixture
def visitor() -> APIClient:
    return APIClient()


@pytest.mark.C1
@pytest.mark.V1
def test_the_public_by_version_mount_and_query(visitor):
    product = factories.ProductFactory.create(price=Decimal("12.50"), name="Lamp")
    paths = [
        f"/api/{version}/products/{rest}"
        for version in ("v1", "v2")
        for rest in ("", f"{product.pk}/", "?search=lamp", "?page_size=1")
    ]
    for path in paths:
        assert statuses(visitor, path) == [STORED, HIT], path
    bodies = {path: visitor.get(path) for path in paths}
    tags = [
        {one.headers["ETag"] for path, one in bodies.items() if version in path}
        for version in ("v1", "v2")
    ]
    assert not tags[0] & tags[1]
    assert bodies[f"/api/v1/products/{product.pk}/"].json()["price"] == "12.50"
    assert bodies[f"/api/v2/products/{product.pk}/"].json()["price"]["amount"] == "12.50"


@pytest.mark.C2
def test_the_public_until_stock_price_or_seller_change(visitor):
    product = factories.ProductFactory.create(stock=5)
    path = f"/api/v2/products/{product.pk}/"

    def shown():
        visitor.get(path)
        assert visitor.get(path).headers["Cache-Status"] == HIT
        return visitor.get(path).json()

    assert shown()["stock"] == 5
    customer = factories.UserFactory.create()
    address = factories.AddressFactory.create(user=customer)
    answer = as_user(customer).post(
        "/api/v2/orders/",
        {"items": [{"product": product.pk, "quantity": 2}], "shipping_address": address.pk},
    )
    assert answer.status_code == 201
    assert shown()["stock"] == 3
    Organization.objects.update(name="Renamed")
    assert shown()["organization"]["name"] == "Renamed"
    Product.objects.filter(pk=product.pk).update(is_active=False)
    assert visitor.get(path).status_code == 404


@pytest.mark.C1
def test_sellers_see_more_than_the_public_and_are_not_served_its_answer(visitor):
    hidden = factories.ProductFactory.create(is_active=False)
    owner = factories.MembershipFactory.create(organization=hidden.organization, role="owner").user
    assert statuses(visitor, "/api/v2/products/") == [STORED, HIT]
    seen = as_user(owner).get("/api/v2/products/")
    assert seen.headers["Cache-Status"] == "backstay; fwd=bypass"
    assert [one["id"] for one in seen.json()["results"]] == [hidden.pk]
    assert "private" in seen.headers["Cache-Control"]


@pytest.mark.C1
def test_notes_for_staff_reach_nobody_else(visitor):
    Article.objects.create(
        author=factories.UserFactory.create(),
        title="A",
        body="B",
        internal_notes="secret",
        published=True,
    )
    staff = as_user(factories.StaffFactory.create())
    for _ in range(2):
        assert "secret" in staff.get("/api/v2/articles/").content.decode()
        assert "secret" not in visitor.get("/api/v2/articles/").content.decode()


@pytest.mark.C1
def test_an_organization_shares_its_lists_and_nobody_elses(visitor):
    one, two = (factories.OrganizationFactory.create() for _ in range(2))
    ada, bob = (factories.MembershipFactory.create(organization=one).user for _ in range(2))
    eve = factories.MembershipFactory.create(organization=two).user
    for path in ("/api/v1/users/", "/api/v1/teams/"):
        assert as_user(ada).get(path).headers["Cache-Status"] == STORED
        assert as_user(bob).get(path).headers["Cache-Status"] == HIT
        assert as_user(eve).get(path).headers["Cache-Status"] == STORED
        assert visitor.get(path).status_code == 401
    shown = {one["email"] for one in as_user(bob).get("/api/v1/users/").json()["results"]}
    assert shown == {ada.email, bob.email}
    factories.MembershipFactory.create(organization=one)
    assert len(as_user(bob).get("/api/v1/users/").json()["results"]) == 3
    own = as_user(ada).get(f"/api/v1/users/{bob.pk}/").json()
    assert own["is_self"] is False


@pytest.mark.C1
@pytest.mark.C2
def test_orders_are_kept_for_their_customer_alone():
    order = factories.OrderFactory.create()
    customer, other = order.customer.user, factories.UserFactory.create()
    client = as_user(customer)
    assert statuses(client, "/api/v1/orders/") == [STORED, HIT]
    assert as_user(other).get("/api/v1/orders/").json()["results"] == []
    assert as_user(other).get(f"/api/v1/orders/{order.pk}/").status_code == 404
    actions.cancel_order(order=order)
    assert client.get("/api/v1/orders/").json()["results"][0]["status"] == "cancelled"


@pytest.mark.C4
@pytest.mark.parametrize("kind", ["orders", "products", "articles"])
@pytest.mark.parametrize("version", ["v1", pytest.param("v2", marks=pytest.mark.once)])
def test_a_change_of_what_has_changed_is_refused(kind, version):
    row: Any
    if kind == "orders":
        row = factories.OrderFactory.create()
        user, change, field = row.customer.user, {"note": "Mine"}, "note"
    elif kind == "products":
        row = factories.ProductFactory.create()
        user = factories.MembershipFactory.create(organization=row.organization, role="owner").user
        change, field = {"name": "Mine"}, "name"
    else:
        user = factories.UserFactory.create()
        row = Article.objects.create(author=user, title="A", body="B", published=True)
        change, field = {"title": "Mine"}, "title"
    client, path = as_user(user), f"/api/{version}/{kind}/{row.pk}/"
    etag = client.get(path).headers["ETag"]
    type(row).objects.update(**{field: "Theirs"})

    refused = client.patch(path, change, headers={"If-Match": etag})

    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert client.get(path).json()[field] == "Theirs"
    etag = client.get(path).headers["ETag"]
    assert client.patch(path, change, headers={"If-Match": etag}).status_code == 200
    assert client.get(path).json()[field] == "Mine"


@pytest.mark.C4
def test_ones_own_account_too():
    client = as_user(factories.UserFactory.create(first_name="Ada"))
    path = "/api/v1/users/me/"
    etag = client.get(path).headers["ETag"]
    User.objects.update(first_name="Eve")
    change = {"first_name": "Bob"}
    assert client.patch(path, change, headers={"If-Match": etag}).status_code == 412
    etag = client.get(path).headers["ETag"]
    assert client.patch(path, change, headers={"If-Match": etag}).status_code == 200
