"""What staff can see and change in the admin."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from factory.django import DjangoModelFactory

from shop.orders import actions
from tests.shop import factories

pytestmark = pytest.mark.django_db

PAGES: dict[str, type[DjangoModelFactory]] = {
    "accounts_user": factories.UserFactory,
    "accounts_organization": factories.OrganizationFactory,
    "accounts_team": factories.TeamFactory,
    "catalog_product": factories.ProductFactory,
    "orders_order": factories.OrderFactory,
    "orders_customer": factories.UserFactory,
    "orders_address": factories.AddressFactory,
    "articles_article": factories.ArticleFactory,
    "articles_comment": factories.CommentFactory,
}


@pytest.fixture
def admin_page() -> Client:
    client = Client()
    client.force_login(factories.StaffFactory.create(is_superuser=True))
    return client


class TestEveryModel:
    def test_has_a_case_here(self):
        own = {
            f"{model._meta.app_label}_{model._meta.model_name}"
            for model in admin.site._registry
            if model.__module__.startswith("shop.")
        }
        assert own == set(PAGES)

    @pytest.mark.parametrize("page", PAGES)
    def test_a_list_does_not_ask_more_for_more_rows(self, admin_page, page):
        address = reverse(f"admin:{page}_changelist")

        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert admin_page.get(address, {"q": "e"}).status_code == 200
                assert admin_page.get(address).status_code == 200
            return len(queries)

        PAGES[page].create_batch(2)
        few = count()
        PAGES[page].create_batch(10)
        assert count() <= few

    @pytest.mark.parametrize("page", PAGES)
    def test_one_row_can_be_opened(self, admin_page, page):
        row = PAGES[page].create()
        key = row.customer.pk if page == "orders_customer" else row.pk
        assert admin_page.get(reverse(f"admin:{page}_change", args=[key])).status_code == 200


class TestOrder:
    INLINES = {
        f"{name}-{count}": 0
        for name in ("items", "payments")
        for count in ("TOTAL_FORMS", "INITIAL_FORMS")
    }

    def test_only_the_note_can_be_changed(self, admin_page, make_order, customer):
        order = make_order(customer, "paid")
        page = reverse("admin:orders_order_change", args=[order.pk])

        change = {
            "note": "Call first.",
            "status": "shipped",
            "total_amount": "1.00",
            **self.INLINES,
        }
        assert admin_page.post(page, change).status_code == 302

        order.refresh_from_db()
        assert order.note == "Call first."
        assert (order.status, str(order.total_amount)) == ("paid", "25.00")

    def test_what_is_paid_while_its_note_is_corrected_stays_paid(self, admin_page, order):
        paid: list[int] = []

        def pay_first(execute, sql, *rest):
            # The customer, between what the page has read and what it writes.
            if sql.startswith('UPDATE "orders_order"') and not paid:
                paid.append(order.pk)
                actions.pay_order(order=order, method="card")
            return execute(sql, *rest)

        page = reverse("admin:orders_order_change", args=[order.pk])
        with connection.execute_wrapper(pay_first):
            answer = admin_page.post(page, {"note": "Call first.", **self.INLINES})

        assert (answer.status_code, paid) == (302, [order.pk])
        order.refresh_from_db()
        assert (order.note, order.status) == ("Call first.", "paid")

    def test_cannot_be_added_or_deleted(self, admin_page, order):
        assert admin_page.get(reverse("admin:orders_order_add")).status_code == 403
        page = reverse("admin:orders_order_delete", args=[order.pk])
        assert admin_page.post(page, {"post": "yes"}).status_code == 403


class TestUser:
    def test_is_added_with_any_spelling_and_is_a_customer(self, admin_page):
        password = "correct horse battery staple"
        account = {
            "email": "New@Shop.Example",
            "usable_password": "true",
            "password1": password,
            "password2": password,
            "membership-TOTAL_FORMS": 0,
            "membership-INITIAL_FORMS": 0,
        }
        response = admin_page.post(reverse("admin:accounts_user_add"), account)
        assert response.status_code == 302, response.context["errors"]
        user = factories.User.objects.get(email="new@shop.example")
        assert user.customer.email == "new@shop.example"
        assert user.check_password(password)

    def test_cannot_be_deleted(self, admin_page, customer):
        page = reverse("admin:accounts_user_delete", args=[customer.pk])
        assert admin_page.post(page, {"post": "yes"}).status_code == 403
