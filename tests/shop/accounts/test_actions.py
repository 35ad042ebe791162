"""Opening and closing accounts."""

from collections import Counter

import pytest

from shop.accounts.actions import anonymise, register
from shop.accounts.errors import LastOwner
from shop.accounts.invitations import invite
from shop.accounts.models import Membership, User
from tests.shop import factories
from tests.shop.contest import contest

NAMES = {"first_name": "New", "last_name": "User"}


def register_twin(email: str) -> bool:
    if not register(email=email, password="secret", **NAMES):
        raise FileExistsError
    return True


@pytest.mark.A5
@pytest.mark.django_db
class TestRegister:
    def test_new_address_opens_an_account_that_is_a_customer(self):
        assert register(email=" New@Shop.Example", password="secret", **NAMES)
        user = User.objects.get(email="new@shop.example")
        assert user.check_password("secret")
        assert user.customer.name == "New User"

    def test_known_address_changes_nothing(self, customer):
        before = User.objects.filter(pk=customer.pk).values().get()
        assert not register(email="CUSTOMER@shop.example", password="mine now", **NAMES)
        assert User.objects.values().get() == before

    def test_one_hash_for_a_new_address(self, hashes):
        assert hashes(lambda: register(email="new@x.example", password="secret", **NAMES)) == 1

    def test_one_hash_for_a_known_address(self, hashes, customer):
        assert hashes(lambda: register(email=customer.email, password="secret", **NAMES)) == 1


@pytest.mark.A5
@pytest.mark.django_db(transaction=True)
class TestTwinRegistrations:
    def test_one_account_and_no_error(self):
        spellings = ["Twin@shop.example", "twin@shop.example", "TWIN@shop.example "]
        outcomes = contest(register_twin, [(spelling,) for spelling in spellings * 10])

        assert Counter(outcomes) == {"bool": 1, "FileExistsError": 29}
        assert User.objects.get().customer.email == "twin@shop.example"


@pytest.mark.django_db
class TestAnonymise:
    def test_nothing_of_the_person_stays(self, customer, address):
        anonymise(user=customer)

        user = User.objects.get(pk=customer.pk)
        assert "customer" not in user.email
        assert (user.full_name, user.is_active, user.has_usable_password()) == ("", False, False)
        assert not user.addresses.exists()

    def test_orders_stay_and_say_nobody(self, customer, order):
        anonymise(user=customer)

        order.refresh_from_db()
        assert order.customer.name == ""
        assert order.customer.email.endswith("@invalid.example")
        assert order.shipping_address.archived_at is not None

    def test_the_address_is_free_again(self, customer):
        anonymise(user=customer)
        assert register(email="customer@shop.example", password="secret", **NAMES)

    def test_staff_lose_their_rights(self, staff):
        anonymise(user=staff)
        assert not User.objects.get(pk=staff.pk).is_staff

    def test_a_member_leaves_the_organization(self, owner, member):
        anonymise(user=member)
        assert member.organization is None
        assert Membership.objects.get().user == owner

    def test_the_last_owner_with_members_may_not(self, owner, member):
        with pytest.raises(LastOwner):
            anonymise(user=owner)
        assert User.objects.get(pk=owner.pk).is_active

    def test_an_owner_alone_may(self, owner):
        anonymise(user=owner)
        assert not Membership.objects.exists()

    def test_nobody_joins_by_an_old_invitation_what_the_last_one_left(self, owner, organization):
        invite(organization=organization, email="x@x.example", role="member", invited_by=owner)
        anonymise(user=owner)
        assert not organization.invitations.exists()

    def test_one_of_two_owners_may(self, owner, member, organization):
        factories.MembershipFactory.create(organization=organization, role="owner")
        anonymise(user=owner)
        assert Membership.objects.filter(role="owner").count() == 1
