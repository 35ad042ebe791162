"""How many products a plan has room for."""

from collections import Counter

import pytest

from shop.accounts.models import Organization
from shop.catalog.actions import add_product
from shop.catalog.models import Product
from tests.shop.contest import contest
from tests.shop.factories import OrganizationFactory, ProductFactory
from tests.shop.problems import assert_problem

ROOM = 10

pytestmark = pytest.mark.P3


def add(organization_id: int, sku: str) -> Product:
    seller = Organization.objects.get(pk=organization_id)
    return add_product(organization=seller, sku=sku, name="Lamp", price=10)


class TestCreateProduct:
    @pytest.fixture
    def create(self, api, version, as_owner):
        def post(client=as_owner, sku="NEW"):
            price = "9.50" if version == "v1" else {"amount": "9.50", "currency": "EUR"}
            return client.post(f"{api}/products/", {"sku": sku, "name": "Lamp", "price": price})

        return post

    @pytest.fixture
    def full(self, organization):
        """A free organization without room; one product is not on sale."""
        Organization.objects.filter(pk=organization.pk).update(plan="free")
        on_sale = ProductFactory.create_batch(ROOM - 1, organization=organization)
        return [*on_sale, ProductFactory.create(organization=organization, is_active=False)]

    def test_the_tenth_on_the_free_plan_is_201_and_the_eleventh_403(self, create, full):
        full[0].delete()

        assert create(sku="TENTH").status_code == 201
        body = assert_problem(create(sku="ELEVENTH"), 403, "plan_required")

        assert "10 products" in body["detail"]
        assert Product.objects.count() == ROOM

    def test_a_manager_is_refused_like_an_owner(self, create, full, as_manager):
        assert_problem(create(as_manager), 403, "plan_required")

    def test_what_is_not_on_sale_takes_room(self, create, full):
        Product.objects.update(is_active=False)
        assert_problem(create(), 403, "plan_required")

    def test_deleting_one_makes_room(self, create, full, as_owner, api):
        assert as_owner.delete(f"{api}/products/{full[0].pk}/").status_code == 204
        assert create().status_code == 201

    def test_another_organizations_products_take_none(self, create, full):
        Product.objects.update(organization=OrganizationFactory.create())
        assert create().status_code == 201

    @pytest.mark.parametrize("plan", ["pro", "enterprise"])
    def test_other_plans_have_no_bound(self, create, full, organization, plan):
        Organization.objects.filter(pk=organization.pk).update(plan=plan)
        assert create().status_code == 201

    def test_an_upgrade_counts_at_once_for_the_same_token(
        self, create, full, as_owner, organization, api
    ):
        assert_problem(create(), 403, "plan_required")

        changed = as_owner.patch(f"{api}/organizations/{organization.pk}/", {"plan": "pro"})

        assert changed.status_code == 200
        assert create().status_code == 201

    def test_a_downgrade_keeps_what_there_is_and_refuses_more(
        self, create, as_owner, organization, api
    ):
        products = ProductFactory.create_batch(ROOM + 2, organization=organization)

        as_owner.patch(f"{api}/organizations/{organization.pk}/", {"plan": "free"})

        assert Product.objects.count() == ROOM + 2
        renamed = as_owner.patch(f"{api}/products/{products[0].pk}/", {"name": "Red lamp"})
        assert renamed.status_code == 200
        assert_problem(create(), 403, "plan_required")

    def test_who_may_not_sell_at_all_is_told_that(self, create, full, as_member, as_customer):
        for client in (as_member, as_customer):
            assert_problem(create(client), 403, "permission_denied")


@pytest.mark.django_db(transaction=True)
class TestSellersAtOnce:
    """Fails when products are counted without holding the organization's row."""

    def test_sixteen_fill_a_free_plan_exactly(self):
        sellers = OrganizationFactory.create_batch(5, plan="free")

        outcomes = contest(
            add, [(seller.pk, f"SKU-{number}") for seller in sellers for number in range(16)]
        )

        assert Counter(outcomes) == {"Product": 5 * ROOM, "PlanRequired": 5 * 6}
        assert {seller.products.count() for seller in sellers} == {ROOM}
