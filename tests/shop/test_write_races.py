"""
A PATCH beside other writes, over processes: it changes what it names and nothing else.

Each fails where an update saves the whole row as it was read.
"""

from collections import Counter

import pytest
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from shop.accounts.models import User
from shop.articles.models import Article
from shop.catalog.models import Product
from tests.shop import factories
from tests.shop.contest import contest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.E3]


def call(
    token: str, method: str, path: str, body: dict | None = None, match: str | None = None
) -> object:
    """The answer's status, as the name of a type, which is what a contest counts."""
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    headers = {"If-Match": match} if match else {}
    status = getattr(client, method)(path, body, headers=headers).status_code
    return type(f"status_{status}", (), {})()


def token_of(user: User) -> str:
    return issue_tokens(user)["access"]


@pytest.mark.O1
def test_stock_that_is_sold_meanwhile_does_not_come_back(product, owner, customer, address):
    Product.objects.filter(pk=product.pk).update(stock=100)
    seller, buyer = token_of(owner), token_of(customer)
    order = {
        "items": [{"product": product.pk, "quantity": 1}],
        "shipping_address": address.pk,
    }
    buy = (buyer, "post", "/api/v1/orders/", order)
    rename = (seller, "patch", f"/api/v1/products/{product.pk}/", {"name": "New"})
    outcomes = Counter(contest(call, [buy, rename] * 40))
    assert outcomes == {"status_201": 40, "status_200": 40}
    assert Product.objects.get().stock == 60


def test_two_who_change_different_fields_both_succeed(customer, rounds):
    token = token_of(customer)
    for number in range(rounds):
        article = factories.ArticleFactory.create(author=customer)
        path = f"/api/v1/articles/{article.pk}/"
        changes = [{"title": f"Title {number}"}, {"body": f"Body {number}"}] * 12
        outcomes = Counter(contest(call, [(token, "patch", path, body) for body in changes]))
        assert outcomes == {"status_200": 24}
        article = Article.objects.get(pk=article.pk)
        assert (article.title, article.body) == (f"Title {number}", f"Body {number}")


@pytest.mark.C4
def test_of_those_who_have_read_the_same_one_may_change_it(customer, rounds):
    token = token_of(customer)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    for _ in range(rounds):
        path = f"/api/v1/articles/{factories.ArticleFactory.create(author=customer).pk}/"
        etag = client.get(path).headers["ETag"]
        changes = [(token, "patch", path, {"title": f"Title {n}"}, etag) for n in range(24)]
        assert Counter(contest(call, changes)) == {"status_200": 1, "status_412": 23}


def test_what_is_deleted_stays_deleted(customer, rounds):
    token = token_of(customer)
    for _ in range(rounds):
        path = f"/api/v1/articles/{factories.ArticleFactory.create(author=customer).pk}/"
        calls = [(token, "patch", path, {"title": "Back again"})] * 23
        outcomes = Counter(contest(call, [*calls, (token, "delete", path)]))
        # A change whose object is gone before it can be shown is answered with 204 as well.
        assert outcomes["status_204"] >= 1
        assert set(outcomes) <= {"status_200", "status_204", "status_404"}
        assert not Article.objects.exists()


def test_an_account_that_is_closed_stays_closed(rounds):
    for _ in range(rounds):
        user = factories.UserFactory.create()
        token = token_of(user)
        calls = [(token, "patch", "/api/v1/users/me/", {"first_name": "Back"})] * 23
        outcomes = Counter(contest(call, [*calls, (token, "delete", "/api/v1/users/me/")]))
        assert outcomes["status_204"] == 1
        assert set(outcomes) <= {"status_200", "status_204", "status_401"}
        user.refresh_from_db()
        assert (user.is_active, user.email == "", user.first_name) == (False, False, "")
