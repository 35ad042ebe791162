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
