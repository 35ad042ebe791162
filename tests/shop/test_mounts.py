"""One resource, three ways to say its version: path, namespace and Accept agree."""

import pytest

from tests.shop import factories

pytestmark = [pytest.mark.V1, pytest.mark.once, pytest.mark.django_db]

LISTS = ["products", "addresses", "orders", "articles", "users", "teams"]


def accept(version: str) -> dict[str, str]:
    return {"Accept": f"application/json; version={version.removeprefix('v')}"}


@pytest.fixture
def world(make_order, customer, product):
    make_order(customer, "paid")
    comment = factories.CommentFactory.create(article__published=True)
    return {
        "orders": customer.customer.orders.get().pk,
        "products": product.pk,
        "articles": comment.article.pk,
        "addresses": customer.addresses.first().pk,
        "users": customer.pk,
    }


class TestAgreement:
    @pytest.mark.parametrize("resource", LISTS)
    def test_lists_are_the_same(self, resource, version, world, as_customer):
        by_path = as_customer.get(f"/api/{version}/{resource}/")
        by_accept = as_customer.get(f"/mobile/{resource}/", headers=accept(version))
        by_namespace = as_customer.get(f"/partners/{version}/{resource}/")
        assert by_path.status_code == 200
        assert by_path.json() == by_accept.json() == by_namespace.json()

    @pytest.mark.parametrize("resource", ["products", "addresses", "orders", "articles", "users"])
    def test_objects_are_the_same(self, resource, version, world, as_customer):
        path = f"{resource}/{world[resource]}/"
        by_path = as_customer.get(f"/api/{version}/{path}")
        by_accept = as_customer.get(f"/mobile/{path}", headers=accept(version))
        by_namespace = as_customer.get(f"/partners/{version}/{path}")
        assert by_path.status_code == 200
        assert by_path.content == by_accept.content == by_namespace.content

    def test_comments_are_the_same(self, version, world, as_customer):
        path = f"articles/{world['articles']}/comments/"
        by_path = as_customer.get(f"/api/{version}/{path}").json()
        assert len(by_path["results"]) == 1
        assert by_path == as_customer.get(f"/mobile/{path}", headers=accept(version)).json()
        assert by_path == as_customer.get(f"/partners/{version}/{path}").json()

    @pytest.mark.parametrize("part", ["", "members/", "invitations/"])
    def test_an_organization_is_the_same(self, part, version, organization, as_owner, member):
        path = f"organizations/{organization.pk}/{part}"
        by_path = as_owner.get(f"/api/{version}/{path}")
        assert by_path.status_code == 200
        by_accept = as_owner.get(f"/mobile/{path}", headers=accept(version))
        assert by_path.content == by_accept.content
        assert by_path.content == as_owner.get(f"/partners/{version}/{path}").content

    @pytest.mark.parametrize("path", ["reports/sales/", "orders/export/", "users/me/"])
    def test_what_staff_read_is_the_same(self, path, version, world, as_staff):
        answers = [
            as_staff.get(f"/api/{version}/{path}"),
            as_staff.get(f"/mobile/{path}", headers={"Accept": f"*/*; version={version}"}),
            as_staff.get(f"/partners/{version}/{path}"),
        ]
        assert [answer.status_code for answer in answers] == [200] * 3
        bodies = {answer.getvalue() for answer in answers}
        assert len(bodies) == 1
        assert bodies != {b""}

    def test_writes_take_the_version_s_body(self, as_owner, product):
        older, newer = {"price": "3.00"}, {"price": {"amount": "4.00"}}
        path = f"products/{product.pk}/"
        assert as_owner.patch(f"/mobile/{path}", older, headers=accept("v1")).status_code == 200
        assert as_owner.patch(f"/partners/v2/{path}", newer).json()["price"]["amount"] == "4.00"
        assert as_owner.patch(f"/partners/v2/{path}", older).status_code == 400


class TestAccept:
    @pytest.mark.parametrize("spelling", ["2", "v2", '"2"', "2; q=0.5"])
    def test_2_and_v2_are_the_same(self, spelling, world, as_customer):
        headers = {"Accept": f"application/json; version={spelling}"}
        answer = as_customer.get("/mobile/orders/", headers=headers)
        assert "total" in answer.json()["results"][0]

    @pytest.mark.parametrize("header", [{}, {"Accept": "*/*"}, {"Accept": "application/json"}])
    def test_without_a_version_the_newest_answers(self, header, world, as_customer):
        answer = as_customer.get("/mobile/orders/", headers=header)
        assert "total" in answer.json()["results"][0]

    @pytest.mark.parametrize("version", ["0", "3", "v3", "latest", "1.0", "²", "9" * 5000])
    def test_an_unknown_version_is_406(self, version, as_customer):
        headers = {"Accept": f"application/json; version={version}"}
        answer = as_customer.get("/mobile/orders/", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")

    def test_two_versions_are_a_conflict(self, as_customer):
        headers = {"Accept": "application/json; version=1, */*; version=2"}
        assert as_customer.get("/mobile/orders/", headers=headers).status_code == 400

    def test_another_version_than_the_path_s_is_a_conflict(self, as_customer):
        assert as_customer.get("/api/v1/orders/", headers=accept("v2")).status_code == 400
        assert as_customer.get("/api/v2/orders/", headers=accept("v2")).status_code == 200

    def test_caches_are_told(self, as_customer):
        vary = as_customer.get("/mobile/orders/")["Vary"]
        assert "accept" in [name.strip().lower() for name in vary.split(",")]


class TestUrls:
    @pytest.mark.parametrize(
        "path", ["/partners/v3/orders/", "/api/v3/orders/", "/partners/orders/"]
    )
    def test_an_unknown_version_is_404(self, path, as_customer):
        assert as_customer.get(path).status_code == 404

    @pytest.mark.parametrize("mount", ["/mobile", "/partners/v1", "/partners/v2"])
    def test_anonymous_callers_have_the_public_mount_only(self, mount, anonymous, product):
        answer = anonymous.get(f"{mount}/products/")
        assert (answer.status_code, answer.has_header("WWW-Authenticate")) == (401, True)

    @pytest.mark.L2
    def test_a_cursor_is_of_one_version_where_the_path_does_not_say_it(
        self, make_order, customer, as_customer
    ):
        make_order(customer)
        make_order(customer)
        first = as_customer.get("/mobile/orders/", {"page_size": 1}, headers=accept("v1")).json()
        assert as_customer.get(first["next"], headers=accept("v1")).status_code == 200
        assert as_customer.get(first["next"], headers=accept("v2")).status_code == 400

    def test_links_stay_in_their_mount(self, as_customer, product):
        factories.ProductFactory.create_batch(2)
        for mount in ("/mobile", "/partners/v1"):
            link = as_customer.get(f"{mount}/products/", {"page_size": 1}).json()["next"]
            assert link.startswith(f"http://testserver{mount}/products/")
