"""
No body makes the shop fail.

Random JSON that looks almost right, and random bytes, go to every endpoint that
writes, by every kind of caller. Whatever comes back is below 500, and in the one
shape when it is an error; what a body did write can be read in every version.
Each example is rolled back, so none depends on another.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from tests.shop.factories import CommentFactory, TeamFactory
from tests.shop.problems import assert_in_shape

pytestmark = [pytest.mark.E1, pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

FUZZING = settings(
    deadline=timedelta(seconds=5),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
USUAL = settings(FUZZING, max_examples=5)
LONG = settings(FUZZING, max_examples=150)

#: Every endpoint that takes a body, and one who may write there; ``{name}`` is the id of a row.
ENDPOINTS = [
    ("post", "/api/token/", "customer"),
    ("post", "/api/token/refresh/", "customer"),
    ("post", "/api/token/verify/", "customer"),
    ("post", "/api/token/logout/", "customer"),
    ("post", "/api/token/logout-all/", "customer"),
    ("post", "/api/token/cookie/", "customer"),
    ("post", "/api/token/cookie/refresh/", "customer"),
    ("post", "/api/token/cookie/logout/", "customer"),
    ("post", "/api/v1/users/", "customer"),
    ("patch", "/api/v2/users/me/", "customer"),
    ("post", "/api/v1/users/me/password/", "customer"),
    ("post", "/api/v1/products/", "owner"),
    ("post", "/api/v2/products/", "owner"),
    ("patch", "/api/v1/products/{product}/", "owner"),
    ("patch", "/api/v2/products/{product}/", "owner"),
    ("post", "/api/v2/addresses/", "customer"),
    ("patch", "/api/v1/addresses/{address}/", "customer"),
    ("post", "/api/v1/orders/", "customer"),
    ("post", "/api/v2/orders/", "customer"),
    ("patch", "/api/v2/orders/{order}/", "customer"),
    ("post", "/api/v1/orders/{order}/pay/", "customer"),
    ("post", "/api/v1/orders/{order}/cancel/", "customer"),
    ("post", "/api/v2/orders/{order}/ship/", "staff"),
    ("post", "/api/v2/orders/{order}/refund/", "staff"),
    ("post", "/api/v1/articles/", "customer"),
    ("patch", "/api/v2/articles/{article}/", "customer"),
    ("post", "/api/v1/articles/{article}/comments/", "customer"),
    ("patch", "/api/v2/articles/{article}/comments/{comment}/", "customer"),
    ("patch", "/api/v1/organizations/{organization}/", "owner"),
    ("post", "/api/v2/organizations/{organization}/leave/", "owner"),
    ("post", "/api/v1/organizations/{organization}/invitations/", "owner"),
    ("patch", "/api/v2/organizations/{organization}/members/{member}/", "owner"),
    ("post", "/api/v2/invitations/accept/", "customer"),
    ("post", "/api/v1/teams/", "owner"),
    ("patch", "/api/v2/teams/{team}/", "owner"),
]
LISTS = ["comments", "invitations", "members", "products", "addresses", "orders", "articles"]

PARAMETERS = [
    "page",
    "page_size",
    "cursor",
    "search",
    "ordering",
    "price_min",
    "in_stock",
    "status",
    "created_after",
    "created_before",
    "customer_email",
    "customer_id",
    "format",
]

Ids = dict[str, int]
Place = tuple[Any, ...]
Edit = Callable[[Any], Any]


def right_body(path: str, ids: Ids) -> dict[str, Any]:
    """A body that is right at *path*, so that one wrong member gets far."""
    line = {"product": ids["product"], "quantity": 1}
    bodies: dict[str, dict[str, Any]] = {
        "pay": {"method": "card"},
        "accept": {"token": "x"},
        "invitations": {"email": "new@shop.example", "role": "member"},
        "members": {"role": "member", "team": ids["team"]},
        "organizations": {"name": "Fuzz", "plan": "pro"},
        "teams": {"name": "Fuzz"},
        "comments": {"body": "Fuzz"},
        "token": {"email": "customer@shop.example", "password": "x", "refresh": "a", "token": "a"},
        "users": {
            "email": "new@shop.example",
            "password": "a long enough secret",
            "password_confirm": "a long enough secret",
            "first_name": "New",
        },
        "products": {
            "sku": "F-1",
            "name": "Fuzz",
            "price": "1.00" if "/v1/" in path else {"amount": "1.00", "currency": "EUR"},
            "stock": 5,
        },
        "addresses": {"line1": "1", "city": "Eastford", "postcode": "1", "country": "AT"},
        "orders": {"items": [line], "shipping_address": ids["address"], "note": "Fuzz"},
        "articles": {"title": "Fuzz", "body": "Fuzz", "published": True},
    }
    return next(body for name, body in bodies.items() if f"/{name}/" in path)


NAMES = ["id", "email", "price", "currency", "amount", "items", "product", "customer", "author"]

HOSTILE: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, -0.0, 1e308),
    *(2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30),
    *("", "\x00", "\ud800", "\u202e", "\ufdfa" * 20, "\r\n", "\u20ac\u20ac\u20ac"),
    *("1e400", "NaN", "-0", "9" * 400, [], {}, [[]], [None]),
]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.sampled_from(HOSTILE) | st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
query_texts = st.text(max_size=12) | st.sampled_from(
    ["NaN", "1e999999", "-1", "9" * 30, "0001-01-01T00:00:00+23:59", "\x00", "price,-price"]
)


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """The way to every value inside *value*, itself included."""
    yield at
    if isinstance(value, dict | list):
        for key, held in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(held, (*at, key))


def edited(value: Any, place: Place, edit: Edit) -> Any:
    """A copy of *value*, edited at *place*."""
    if not place:
        return edit(value)
    copy = value.copy()
    copy[place[0]] = edited(value[place[0]], place[1:], edit)
    return copy


def replacing(new: Any) -> Edit:
    return lambda _: new


def adding(name: str, new: Any) -> Edit:
    return lambda held: {**held, name: new} if isinstance(held, dict) else [held, new]


def removing(name: str) -> Edit:
    def edit(held: Any) -> Any:
        if isinstance(held, dict):
            return {key: kept for key, kept in held.items() if key != name}
        return []

    return edit


def almost(body: Any) -> st.SearchStrategy[Any]:
    """*body* with one value, anywhere in it, replaced, added or left out."""
    spots = list(places(body))
    names = st.sampled_from(sorted({str(key) for spot in spots for key in spot} | {*NAMES}))
    edits = (
        values.map(replacing)
        | st.builds(adding, names | st.text(max_size=5), values)
        | names.map(removing)
    )
    return st.builds(edited, st.just(body), st.sampled_from(spots), edits)


def written(body: Any, *, ascii_only: bool) -> bytes:
    return json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


@pytest.fixture
def ids(organization, member, product, order, address, article) -> Ids:
    rows = {
        "organization": organization,
        "member": member.membership,
        "team": TeamFactory.create(organization=organization),
        "product": product,
        "order": order,
        "address": address,
        "article": article,
        "comment": CommentFactory.create(article=article, author=order.customer.user),
    }
    return {name: row.pk for name, row in rows.items()}


def check(response: Any) -> None:
    assert response.status_code < 500, response.content
    if response.status_code >= 400:
        assert_in_shape(response)


def lists_at(path: str) -> list[str]:
    """The lists, one a version, that show what a write to *path* may have left."""
    for name in LISTS:
        before, found, _ = path.partition(f"/{name}/")
        if found:
            resource = f"{before}{found}".removeprefix("/api/").partition("/")[2]
            return [f"/api/{version}/{resource}" for version in ("v1", "v2")]
    return []


@contextmanager
def undone() -> Iterator[None]:
    """Forget what is written inside, also what the database refused."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def fuzz_bodies(
    examples: settings, client: APIClient, method: str, template: str, ids: Ids
) -> None:
    path = template.format(**ids)
    texts = st.builds(written, almost(right_body(path, ids)), ascii_only=st.booleans())
    # A client sees a 500, not the exception behind it.
    client.raise_request_exception = False

    @examples
    @given(body=texts | st.binary(max_size=60))
    def fuzz(body: bytes) -> None:
        with undone():
            response = client.generic(method.upper(), path, body, content_type="application/json")  # type: ignore[arg-type]  # It takes bytes, too.
            check(response)
            if response.status_code < 400:
                for url in lists_at(path):
                    assert client.get(url).status_code == 200

    fuzz()


def unnumbered(path: str) -> str:
    """*path* without its version and without the names of what varies."""
    return re.sub(r"/v[12]/|\{[^}]+\}", "/", path)


def test_no_write_is_left_out(anonymous):
    documented = {
        (method, unnumbered(path))
        for path, operations in anonymous.get("/api/schema/").json()["paths"].items()
        for method in operations.keys() & {"post", "put", "patch"}
    }
    assert documented == {(method, unnumbered(path)) for method, path, _ in ENDPOINTS}


@pytest.mark.parametrize(("method", "path", "writer"), ENDPOINTS)
class TestBodies:
    def test_none_is_a_5xx(self, client_of, ids, method, path, writer):
        """Those who may not write there get less far; they come in the long run."""
        fuzz_bodies(USUAL, client_of(writer), method, path, ids)

    @pytest.mark.long
    @pytest.mark.parametrize("actor", ["customer", "staff", "owner"])
    def test_none_of_many_is_a_5xx(self, client_of, ids, actor, method, path, writer):
        fuzz_bodies(LONG, client_of(actor), method, path, ids)


def fuzz_queries(examples: settings, client: APIClient, resource: str) -> None:
    client.raise_request_exception = False

    @examples
    @given(query=st.dictionaries(st.sampled_from(PARAMETERS), query_texts, max_size=3))
    def fuzz(query: dict[str, str]) -> None:
        check(client.get(f"/api/v2/{resource}/", query))

    fuzz()


@pytest.mark.parametrize("actor", ["anonymous", "customer", "staff"])
@pytest.mark.parametrize("resource", ["products", "orders", "addresses", "articles"])
class TestQueries:
    """The same for what a query string can say."""

    def test_none_is_a_5xx(self, client_of, actor, resource):
        fuzz_queries(USUAL, client_of(actor), resource)

    @pytest.mark.long
    def test_none_of_many_is_a_5xx(self, client_of, actor, resource):
        fuzz_queries(LONG, client_of(actor), resource)
