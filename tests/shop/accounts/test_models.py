"""What the database keeps about accounts, whoever writes."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from shop.accounts.fields import canonical_email
from shop.accounts.models import Membership, Organization, Team, User
from tests.shop import factories

SPELLINGS = [
    "OWNER@SHOP.EXAMPLE",
    "  owner@shop.example\n",
    "\uff2f\uff37\uff2e\uff25\uff32@shop.example",
    "owner@\uff53hop.example",
]


class TestCanonicalEmail:
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_case_width_and_whitespace_do_not_matter(self, spelling):
        assert canonical_email(spelling) == "owner@shop.example"

    @pytest.mark.parametrize("text", ["\u0130@x.example", "\u212a@x.example", "\ufb01@x.example"])
    def test_it_is_stable(self, text):
        assert canonical_email(canonical_email(text)) == canonical_email(text)


@pytest.mark.A5
@pytest.mark.django_db
class TestOneAccountForEachAddress:
    @pytest.fixture(autouse=True)
    def owner(self, db) -> User:
        return factories.UserFactory.create(email="owner@shop.example")

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_another_spelling_is_refused_on_save(self, spelling):
        with pytest.raises(IntegrityError):
            User.objects.create_user(spelling, "secret")

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_another_spelling_is_refused_in_bulk(self, spelling):
        with pytest.raises(IntegrityError):
            User.objects.bulk_create([User(email=spelling)])

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_another_spelling_is_refused_on_update(self, spelling):
        other = factories.UserFactory.create()
        with pytest.raises(IntegrityError):
            User.objects.filter(pk=other.pk).update(email=spelling)

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_every_spelling_finds_the_account(self, spelling, owner):
        assert User.objects.get(email=spelling) == owner
        assert User.objects.get_by_natural_key(spelling) == owner
        assert User.objects.filter(email__in=[spelling]).exists()

    def test_raw_sql_cannot_store_capitals(self, owner):
        with connection.cursor() as cursor, pytest.raises(IntegrityError):
            cursor.execute("UPDATE accounts_user SET email = 'Owner@shop.example'")

    def test_the_instance_shows_what_is_stored(self):
        assert User.objects.create_user(" New@Shop.Example", "secret").email == "new@shop.example"


@pytest.mark.django_db
class TestUser:
    @pytest.mark.parametrize(
        ("first_name", "last_name", "full_name"),
        [("Some", "User", "Some User"), ("Some", "", "Some"), ("", "User", "User"), ("", "", "")],
    )
    def test_the_database_makes_the_full_name(self, first_name, last_name, full_name):
        user = factories.UserFactory.create(first_name=first_name, last_name=last_name)
        assert User.objects.get(pk=user.pk).full_name == full_name

    def test_without_organization_is_a_customer(self, customer):
        assert (customer.organization, customer.team, customer.role) == (None, None, "customer")

    def test_with_organization_has_its_role(self, owner, organization):
        assert (owner.organization, owner.role) == (organization, "owner")

    def test_staff_are_staff_whatever_their_membership(self, staff, organization):
        factories.MembershipFactory.create(user=staff, organization=organization)
        assert staff.role == "staff"

    def test_membership_comes_in_the_same_query(self, owner, django_assert_num_queries):
        with django_assert_num_queries(1):
            user = User.objects.with_membership().get(pk=owner.pk)
            assert (user.organization.name, user.team, user.role) == ("Seller", None, "owner")

    def test_everyone_is_a_customer(self, staff, owner, customer):
        assert {staff.customer.email, owner.customer.email, customer.customer.email} == {
            staff.email,
            owner.email,
            customer.email,
        }


@pytest.mark.django_db
class TestMembership:
    def test_one_organization_for_each_user(self, owner):
        other = factories.OrganizationFactory.create()
        with pytest.raises(IntegrityError):
            Membership.objects.bulk_create([Membership(user=owner, organization=other)])

    def test_unknown_role_is_refused(self, owner):
        with pytest.raises(IntegrityError):
            Membership.objects.filter(user=owner).update(role="king")

    def test_unknown_plan_is_refused(self, organization):
        with pytest.raises(IntegrityError):
            Organization.objects.filter(pk=organization.pk).update(plan="gold")

    def test_team_names_are_unique_in_an_organization(self, organization):
        team = factories.TeamFactory.create(organization=organization)
        factories.TeamFactory.create(name=team.name)
        with pytest.raises(IntegrityError):
            Team.objects.bulk_create([Team(organization=organization, name=team.name)])

    def test_a_team_of_another_organization_is_not_clean(self, owner):
        owner.membership.team = factories.TeamFactory.create()
        with pytest.raises(ValidationError, match="another organization"):
            owner.membership.full_clean()
