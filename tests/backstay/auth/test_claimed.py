"""An instance that costs nothing until more is asked of it than what was claimed."""

import copy
import pickle

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.signals import post_delete, post_init, post_save, pre_save

from backstay.auth import TokenInvalid, claimed, issue_tokens
from backstay.auth.sessions.models import Family
from shop.accounts.models import Membership, Organization
from shop.orders.models import Address
from tests.shop.factories import AddressFactory, MembershipFactory, UserFactory

pytestmark = [pytest.mark.A3, pytest.mark.once, pytest.mark.django_db]

User = get_user_model()

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda user: pickle.loads(pickle.dumps(user)),  # noqa: S301  # Our own bytes.
}


@pytest.fixture
def ada():
    return UserFactory.create(
        email="ada@example.com", first_name="Ada", last_name="Lovelace", is_staff=True
    )


@pytest.fixture
def known(ada):
    return {"id": ada.pk, "email": "ada@example.com", "first_name": "Ada", "is_active": True}


@pytest.fixture
def user(known):
    return claimed(User, known=known)


@pytest.fixture
def queries(django_assert_num_queries):
    return django_assert_num_queries


class TestWhatIsKnown:
    def test_costs_nothing(self, user, ada, queries):
        with queries(0):
            assert (user.pk, user.id, user.email) == (ada.pk, ada.pk, "ada@example.com")
            assert (user.first_name, user.is_active, user.is_authenticated) == ("Ada", True, True)
            assert user.get_username() == str(user) == "ada@example.com"

    def test_is_what_was_claimed_and_not_the_row(self, ada, known):
        user = claimed(User, known={**known, "first_name": "Somebody"})
        assert user.first_name == "Somebody"

    def test_is_the_models_own(self, user, ada, queries):
        with queries(0):
            assert isinstance(user, User)
            assert user == ada
            assert ada == user
            assert hash(user) == hash(ada)
            assert len({user, ada}) == 1
            assert user != User(pk=ada.pk + 1)
            assert (user._meta.label, type(user).__name__) == ("accounts.User", "User")
            assert "Ada" not in repr(user)

    def test_is_assigned_to_a_foreign_key_and_filters(self, user, ada, queries):
        address = AddressFactory.create(user=ada)
        with queries(0):
            assert Address(user=user).user_id == ada.pk
        with queries(1):
            assert list(Address.objects.filter(user=user)) == [address]
        with queries(1):
            assert Address.objects.filter(user__in=[user]).count() == 1

    def test_has_related_managers(self, user, ada, queries):
        AddressFactory.create(user=ada)
        with queries(1):
            assert user.addresses.count() == 1

    def test_can_be_the_owner_of_what_is_made(self, user, queries):
        with queries(1):
            Address.objects.create(
                user=user, line1="1 Bridge", city="Eastford", postcode="1", country="AT"
            )

    def test_takes_a_relation_that_its_maker_puts_in(self, ada, known, queries):
        organization = MembershipFactory.create(user=ada, role="owner").organization
        membership = claimed(
            Membership,
            known={"user_id": ada.pk, "organization_id": organization.pk, "role": "owner"},
            user_id=ada.pk,
        )
        membership.organization = claimed(
            Organization, known={"id": organization.pk, "plan": "pro"}
        )
        with queries(0):
            assert (membership.role, membership.organization.plan) == ("owner", "pro")
            assert membership.organization == organization
        with queries(1):
            assert membership.pk == Membership.objects.model(pk=ada.membership.pk).pk
        with queries(1):
            assert membership.organization.name == organization.name


class TestWhatIsNot:
    @pytest.mark.parametrize("name", ["last_name", "full_name", "is_staff", "password"])
    def test_costs_one_query_for_all_of_it(self, user, ada, queries, name):
        ada.refresh_from_db()
        with queries(1):
            assert getattr(user, name) == getattr(ada, name)
        with queries(0):
            for field in User._meta.concrete_fields:
                assert getattr(user, field.attname) == getattr(ada, field.attname)
            assert user.get_deferred_fields() == set()

    def test_makes_it_an_ordinary_instance(self, user):
        _ = user.last_name
        assert type(user) is User
        assert "_claimed" not in vars(user)

    def test_replaces_what_was_only_claimed(self, known, queries):
        user = claimed(User, known={**known, "first_name": "Stale"})
        _ = user.last_name
        with queries(0):
            assert user.first_name == "Ada"

    def test_leaves_what_its_holder_has_set(self, user, queries):
        user.first_name = "Augusta"
        user.last_name = "King"
        with queries(1):
            assert user.is_staff
        assert (user.first_name, user.last_name) == ("Augusta", "King")

    @pytest.mark.parametrize(
        "read",
        [
            lambda user: user.last_name,
            lambda user: user.refresh_from_db(),
            lambda user: user.save(),
            lambda user: user.delete(),
        ],
        ids=["attribute", "refresh", "save", "delete"],
    )
    @pytest.mark.parametrize("fate", ["deleted", "deactivated"])
    def test_is_refused_where_the_user_is_no_more(self, user, ada, read, fate):
        if fate == "deleted":
            ada.customer.delete()
            ada.delete()
        else:
            User.objects.filter(pk=ada.pk).update(is_active=False)
        with pytest.raises(TokenInvalid):
            read(user)
        assert User.objects.filter(is_active=True).count() == 0

    def test_is_found_by_its_own_key_where_another_is_not_given(self, ada, queries):
        user = claimed(User, known={"email": "ada@example.com"}, email="ada@example.com")
        with queries(1):
            assert user.pk == ada.pk

    def test_an_unknown_attribute_is_none_of_it(self, user, queries):
        with queries(0), pytest.raises(AttributeError):
            _ = user.shoe_size


class TestWriting:
    def test_never_writes_a_claim_back(self, ada, known):
        user = claimed(User, known={**known, "first_name": "Stale", "email": "old@example.com"})
        user.save()
        ada.refresh_from_db()
        assert (ada.first_name, ada.email, ada.last_name) == ("Ada", "ada@example.com", "Lovelace")

    def test_writes_what_its_holder_has_changed(self, ada, known):
        user = claimed(User, known={**known, "email": "old@example.com"})
        user.first_name = "Augusta"
        user.save()
        ada.refresh_from_db()
        assert (ada.first_name, ada.email) == ("Augusta", "ada@example.com")

    def test_writes_the_fields_that_are_named(self, user, ada):
        user.first_name, user.last_name = "Augusta", "King"
        user.save(update_fields=["last_name"])
        ada.refresh_from_db()
        assert (ada.first_name, ada.last_name) == ("Ada", "King")

    def test_makes_no_second_row(self, user):
        user.save()
        assert User.objects.count() == 1

    def test_sends_the_signals_of_the_model(self, user):
        senders = []

        def receive(sender, **_):
            senders.append(sender)

        signals = (pre_save, post_save, post_delete)
        for signal in signals:
            signal.connect(receive, sender=User)
        user.save()
        user.customer.delete()
        user.delete()
        for signal in signals:
            signal.disconnect(receive, sender=User)
        assert senders == [User, User, User]
        assert not User.objects.exists()

    def test_ends_the_sessions_as_anyone_would(self, user, ada):
        """The receivers of the model see it."""
        issue_tokens(ada)
        user.is_active = False
        user.save()
        assert not Family.objects.live().exists()


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
class TestCopies:
    """By ``copy`` and ``pickle``: each is claimed as its original is."""

    def test_are_the_same_user(self, user, ada, make, queries):
        with queries(0):
            other = make(user)
            assert (other, other.first_name, other.is_active) == (ada, "Ada", True)
            assert isinstance(other, User)
        with queries(1):
            assert (other.last_name, other.is_staff) == ("Lovelace", True)

    def test_do_not_share_what_they_read(self, user, make, queries):
        other = make(user)
        _ = user.last_name
        other.first_name = "Augusta"
        assert user.first_name == "Ada"
        with queries(1):
            assert (other.is_staff, other.first_name) == (True, "Augusta")

    def test_are_ordinary_after_the_row_was_read(self, user, make, queries):
        _ = user.last_name
        with queries(0):
            other = make(user)
            assert (type(other), other.last_name) == (User, "Lovelace")

    def test_never_write_a_claim_back(self, ada, known, make):
        make(claimed(User, known={**known, "first_name": "Stale"})).save()
        ada.refresh_from_db()
        assert ada.first_name == "Ada"

    def test_are_refused_where_the_user_is_no_more(self, user, ada, make):
        other = make(user)
        User.objects.filter(pk=ada.pk).update(is_active=False)
        with pytest.raises(TokenInvalid):
            _ = other.last_name


@pytest.mark.once
class TestItsClass:
    @pytest.mark.django_db(databases=[])
    def test_is_no_model_of_its_own(self):
        before = {model._meta.label for model in apps.get_models(include_auto_created=True)}
        user = claimed(User, known={"id": 1})
        assert type(user) is not User
        assert issubclass(type(user), User)
        assert apps.get_model("accounts", "User") is User
        after = {model._meta.label for model in apps.get_models(include_auto_created=True)}
        assert (after, type(user)._meta) == (before, User._meta)
        assert type(user)._default_manager.model is User

    def test_is_made_once(self):
        assert type(claimed(User, known={"id": 1})) is type(claimed(User, known={"id": 2}))

    def test_raises_the_exceptions_of_the_model(self):
        assert type(claimed(User, known={"id": 1})).DoesNotExist is User.DoesNotExist

    def test_sends_the_model_as_the_one_that_was_made(self):
        senders = []

        def receive(sender, **_):
            senders.append(sender)

        post_init.connect(receive)
        claimed(User, known={"id": 1})
        post_init.disconnect(receive)
        assert senders
        assert all(issubclass(sender, models.Model) for sender in senders)
