"""
Orders under an ``Idempotency-Key``, over processes that race and that are killed.

``TestTwins`` fails when the key is looked up and stored in two steps; ``TestKilled``
when the answer is stored after the order has committed.
"""

import signal
from collections import Counter

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from shop.orders.models import Order, OrderItem, Payment
from tests.backstay.outbox.processes import kill_self
from tests.forks import FORKS, use_database
from tests.shop.contest import contest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.O2]

TWINS = 50


@pytest.fixture
def token(customer):
    return issue_tokens(customer)["access"]


@pytest.fixture
def body(product, address):
    return {"items": [{"product": product.pk, "quantity": 2}], "shipping_address": address.pk}


def call(token: str, path: str, body: dict, key: str = "the-key") -> object:
    """What became of it, as the name of a type, which is what a contest counts."""
    response = send(token, path, body, key)
    told = "again" if "Idempotency-Replayed" in response else response.json().get("code", "first")
    return type(told, (), {})()


def send(token: str, path: str, body: dict, key: str = "the-key"):
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.post(path, body, headers={"Idempotency-Key": key})


def send_and_die(database: str, token: str, path: str, body: dict) -> None:
    """Be killed after the commit and before the answer."""
    use_database(database)
    post_save.connect(lambda **_: transaction.on_commit(kill_self), sender=Order, weak=False)
    send(token, path, body)


class TestTwins:
    def test_fifty_make_one_order(self, token, body, product):
        outcomes = Counter(contest(call, [(token, "/api/v1/orders/", body)] * TWINS))

        assert outcomes["first"] == 1
        assert set(outcomes) <= {"first", "again", "idempotency_in_progress"}
        assert outcomes.total() == TWINS
        assert Order.objects.count() == OrderItem.objects.count() == 1
        product.refresh_from_db()
        assert product.stock == 48
        assert send(token, "/api/v1/orders/", body).json()["id"] == Order.objects.get().pk

    def test_fifty_make_one_payment(self, token, order):
        path = f"/api/v1/orders/{order.pk}/pay/"
        outcomes = Counter(contest(call, [(token, path, {"method": "card"})] * TWINS))

        assert outcomes["first"] == 1
        assert set(outcomes) <= {"first", "again", "idempotency_in_progress"}
        assert Payment.objects.count() == 1

    def test_each_key_makes_one(self, token, body):
        keys = [f"key-{number}" for number in range(10)]
        outcomes = Counter(
            contest(call, [(token, "/api/v1/orders/", body, key) for key in keys * 5])
        )
        assert outcomes["first"] == Order.objects.count() == 10


class TestKilled:
    def test_after_the_commit_the_retry_returns_that_order(self, token, body):
        arguments = (str(connection.settings_dict["NAME"]), token, "/api/v1/orders/", body)
        process = FORKS.Process(target=send_and_die, args=arguments)
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        order = Order.objects.get()

        retry = send(token, "/api/v1/orders/", body)

        assert (retry.status_code, retry.json()["id"]) == (201, order.pk)
        assert retry["Location"] == f"/api/v1/orders/{order.pk}/"
        assert retry["Idempotency-Replayed"] == "true"
        assert Order.objects.count() == 1


class TestVersions:
    def test_a_key_belongs_to_one_version(self, token, body):
        assert send(token, "/api/v1/orders/", body).status_code == 201
        # Another path: another request, whose answer has another form.
        assert "Idempotency-Replayed" not in send(token, "/api/v2/orders/", body)

    def test_asked_for_by_header_in_another_version_it_is_refused(self, token, body):
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
        statuses = [
            client.post(
                "/mobile/orders/",
                body,
                headers={"Idempotency-Key": "k", "Accept": f"application/json; version={number}"},
            ).status_code
            for number in (1, 2)
        ]
        assert statuses == [201, 422]


@pytest.mark.parametrize("key", ["a" * 300, "a\x01b", ""])
def test_what_is_no_key_is_400_and_orders_nothing(token, body, key, product):
    response = send(token, "/api/v1/orders/", body, key)
    assert response.status_code == 400
    assert not Order.objects.exists()
    product.refresh_from_db()
    assert product.stock == 50


def test_a_shortage_is_not_stored(token, body, product):
    product.stock = 1
    product.save()
    assert send(token, "/api/v1/orders/", body).status_code == 409
    product.stock = 2
    product.save()
    assert send(token, "/api/v1/orders/", body).status_code == 201
