"""
Money moves once, after the order's new state has committed, and never without it.

``TestKilled`` fails when the amount is taken by the request itself.
"""

import os
import signal
from decimal import Decimal

import pytest
from django.conf import settings as django_settings
from django.db import connection

from backstay.errors import Conflict, ServiceUnavailable
from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Relay
from shop.orders import actions
from shop.orders.errors import PaymentDeclined
from shop.orders.models import Order, Payment
from shop.orders.payments import InProcess
from shop.orders.tasks import settle_payment
from tests.forks import FORKS, use_database
from tests.shop.orders.ledger import written
from tests.shop.problems import assert_problem

pytestmark = [pytest.mark.django_db, pytest.mark.O1]


class Declining(InProcess):
    def authorize(self, **_: object) -> None:
        raise PaymentDeclined


class Silent(InProcess):
    def authorize(self, **_: object) -> None:
        raise ServiceUnavailable


@pytest.fixture
def books(tmp_path, settings, monkeypatch):
    settings.PAYMENT_PROVIDER = "tests.shop.orders.ledger.Ledger"
    monkeypatch.setenv("LEDGER", str(tmp_path))
    return tmp_path


class TestSettlement:
    def test_paying_holds_at_once_and_takes_by_a_job(self, books, order):
        actions.pay_order(order=order, method="card")
        assert written(books) == {"held": 1}
        assert (books / f"held.order-{order.pk}").read_text() == "25.00 EUR"

        Relay().drain()
        assert written(books) == {"held": 1, "taken": 1}

    def test_refunding_gives_back(self, books, make_order, customer):
        order = make_order(customer, "paid")
        Relay().drain()
        actions.refund_order(order=order)
        Relay().drain()
        assert written(books) == {"held": 1, "taken": 1, "refunded": 1}

    def test_what_is_refunded_before_it_was_taken_never_is(self, books, make_order, customer):
        make_order(customer, "refunded")
        Relay().drain()
        assert written(books) == {"held": 1, "refunded": 1}

    def test_the_job_may_run_again(self, books, make_order, customer):
        make_order(customer, "paid")
        for _ in range(2):
            settle_payment(payment_id=Payment.objects.get().pk)
        assert written(books) == {"held": 1, "taken": 1}

    def test_an_order_that_is_not_pending_asks_nobody(self, books, make_order, customer):
        order = make_order(customer, "cancelled")
        with pytest.raises(Conflict):
            actions.pay_order(order=order, method="card")
        assert written(books) == {}


class TestRefused:
    @pytest.mark.parametrize(
        ("provider", "status", "code"),
        [("Declining", 402, "payment_declined"), ("Silent", 503, "service_unavailable")],
    )
    def test_the_order_stays_pending_and_nothing_is_written(
        self, settings, as_customer, order, provider, status, code
    ):
        settings.PAYMENT_PROVIDER = f"{__name__}.{provider}"
        jobs = QueuedJob.objects.count()
        response = as_customer.post(f"/api/v1/orders/{order.pk}/pay/", {"method": "card"})

        assert_problem(response, status, code)
        assert Order.objects.get().status == "pending"
        assert not Payment.objects.exists()
        assert QueuedJob.objects.count() == jobs


def pay_and_die(database: str, order_id: int, books: str) -> None:
    use_database(database)
    os.environ["LEDGER"] = books
    django_settings.PAYMENT_PROVIDER = "tests.shop.orders.ledger.FatalLedger"
    actions.pay_order(order=Order.objects.get(pk=order_id), method="card")


class TestKilled:
    @pytest.mark.django_db(transaction=True)
    def test_between_provider_and_commit_nothing_was_taken_and_a_retry_pays_once(
        self, books, order
    ):
        database = str(connection.settings_dict["NAME"])
        process = FORKS.Process(target=pay_and_die, args=(database, order.pk, str(books)))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        Relay().drain()
        assert written(books) == {"held": 1}
        assert Order.objects.get().status == "pending"

        actions.pay_order(order=Order.objects.get(), method="card")
        Relay().drain()

        assert written(books) == {"held": 1, "taken": 1}
        assert Payment.objects.get().amount == Decimal("25.00")
