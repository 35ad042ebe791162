"""The shop's dashboard: for staff, beside the API and its limits."""

import pytest
from django.test import Client

from backstay.auth.issuing import issue_tokens

pytestmark = [pytest.mark.M1, pytest.mark.django_db]


@pytest.fixture
def browser_of():
    def sign_in(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


class TestWhoSeesIt:
    def test_anonymous_is_sent_to_the_admins_login(self):
        assert Client().get("/ops/")["Location"] == "/admin/login/?next=/ops/"

    def test_a_customer_is_too_and_learns_nothing_by_json(self, browser_of, customer):
        browser = browser_of(customer)
        assert browser.get("/ops/").status_code == 302
        assert browser.get("/ops/data/").json()["code"] == "permission_denied"

    def test_an_owner_of_an_organization_is_a_customer_here(self, browser_of, owner):
        assert browser_of(owner).get("/ops/data/").status_code == 403

    def test_staff_see_it(self, browser_of, staff):
        assert browser_of(staff).get("/ops/").status_code == 200
        assert browser_of(staff).get("/ops/data/").json()["complete"] is True


@pytest.mark.T5
def test_it_charges_no_limit(browser_of, staff):
    browser = browser_of(staff)
    for _ in range(3):
        assert "RateLimit" not in browser.get("/ops/data/")
    token = issue_tokens(staff)["access"]
    told = browser.get("/api/rate-limits/", HTTP_AUTHORIZATION=f"Bearer {token}").json()["limits"]
    assert all(one["remaining"] == one["limit"] for one in told)


@pytest.mark.M3
@pytest.mark.once
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_no_document_has_it(version):
    assert "/ops/" not in Client().get(f"/api/schema/?version={version}").content.decode()


@pytest.mark.L1
@pytest.mark.once
@pytest.mark.urls("tests.shop.ops_urls")
def test_a_query_for_each_row_is_told_with_the_way_to_what_it_reads(
    anonymous, unlimited, make_order, customer, query_watch
):
    make_order(customer)

    assert anonymous.get("/api/v2/careless/").status_code == 200

    told = " ".join(query_watch)
    query_watch.clear()
    for way in ("customer", "customer__user"):
        assert f"Add select_related('{way}') to the queryset" in told
