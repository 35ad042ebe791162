"""The shop's jobs by the clock: what each does, and that it does it once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from backstay.auth import issue_tokens
from backstay.auth.sessions.models import Family
from backstay.idempotency.models import StoredAnswer
from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Relay
from shop.catalog.models import Product
from shop.catalog.tasks import notice_low_stock, send_low_stock_mail
from shop.orders.models import Order
from shop.orders.tasks import expire_unpaid_orders, send_sales_mail, summarize_sales
from shop.tasks import clean_up
from tests.shop.factories import MembershipFactory, OrderFactory, ProductFactory

pytestmark = [pytest.mark.django_db, pytest.mark.O3]

MOMENT = "2026-06-02T00:30:00+00:00"


class TestExpiry:
    def test_cancels_what_is_overdue_and_restocks(self, order, product):
        Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        for _ in range(2):
            expire_unpaid_orders(moment=MOMENT)
        order.refresh_from_db()
        product.refresh_from_db()
        assert (order.status, product.stock) == ("cancelled", 50)

    def test_an_order_has_a_day(self, order):
        assert order.expires_at - order.created_at == timedelta(hours=24)
        expire_unpaid_orders(moment=MOMENT)
        order.refresh_from_db()
        assert order.status == "pending"


class TestLowStock:
    def test_owners_are_told_of_their_own_and_nobody_else(
        self, owner, manager, other_owner, product, mailoutbox
    ):
        Product.objects.update(stock=5)
        ProductFactory.create(organization=product.organization, name="Plenty", stock=6)
        ProductFactory.create(
            organization=product.organization, name="Hidden", stock=0, is_active=False
        )
        notice_low_stock(moment=MOMENT)
        Relay().drain()
        (sent,) = mailoutbox
        assert sent.to == [owner.email]
        assert "5 x Lamp (LAMP-1)" in sent.body
        assert "Plenty" not in sent.body
        assert "Hidden" not in sent.body

    def test_what_is_restocked_meanwhile_is_not_told(self, owner, product, mailoutbox):
        Product.objects.update(stock=1)
        notice_low_stock(moment=MOMENT)
        Product.objects.update(stock=50)
        Relay().drain()
        assert not mailoutbox

    def test_nor_is_one_who_has_left(self, organization, mailoutbox):
        member = MembershipFactory.create(organization=organization, role="owner")
        gone = member.pk
        member.delete()
        send_low_stock_mail(membership_id=gone)
        assert not mailoutbox


class TestSales:
    @pytest.fixture
    def sold(self, customer) -> None:
        for hour, status in ((0, "paid"), (23, "shipped"), (12, "refunded"), (25, "paid")):
            OrderFactory.create(
                customer=customer.customer,
                status=status,
                total_amount=Decimal("12.50"),
                created_at=datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hour),
            )

    def test_staff_are_told_of_the_day_before(self, sold, staff, mailoutbox):
        summarize_sales(moment=MOMENT)
        Relay().drain()
        (sent,) = mailoutbox
        assert (sent.to, sent.subject) == ([staff.email], "Sales of 2026-06-01")
        assert "25.00 EUR by 2 orders" in sent.body

    def test_a_day_without_a_sale_is_not_worth_a_mail(self, sold, staff):
        summarize_sales(moment="2026-07-01T00:30:00+00:00")
        assert not QueuedJob.objects.exists()

    def test_one_who_is_no_longer_staff_is_told_nothing(self, sold, customer, mailoutbox):
        send_sales_mail(user_id=customer.pk, day=date(2026, 6, 1).isoformat())
        assert not mailoutbox


class TestCleanup:
    def test_deletes_what_nobody_can_use_and_nothing_else(self, customer):
        for age in (0, 40):
            issue_tokens(customer)
            StoredAnswer.objects.create(pk=f"{age}", status=204, headers={}, body=b"")
            Family.objects.filter(expires_at__gt=timezone.now() + timedelta(days=29)).update(
                expires_at=timezone.now() + timedelta(days=20 - age)
            )
        StoredAnswer.objects.filter(pk="40").update(created_at=timezone.now() - timedelta(days=40))

        clean_up(moment=MOMENT)

        assert Family.objects.get().expires_at > timezone.now()
        assert StoredAnswer.objects.get().pk == "0"
