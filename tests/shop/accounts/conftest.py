"""What tests of accounts share."""

import json
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from shop.accounts.invitations import invite
from shop.accounts.models import Invitation, Organization, Team, User
from tests.shop.accounts.hashing import CountingHasher
from tests.shop.factories import TeamFactory
from tests.shop.problems import assert_problem


@pytest.fixture
def hashes(settings) -> Callable[[Callable[[], object]], int]:
    """How many password hashes a call makes. Ask for it before the users it is about."""
    settings.PASSWORD_HASHERS = ["tests.shop.accounts.hashing.CountingHasher"]

    def count(call: Callable[[], object]) -> int:
        before = CountingHasher.calls
        call()
        return CountingHasher.calls - before

    return count


@pytest.fixture
def invited(organization: Organization, owner: User, other_customer: User) -> Invitation:
    """An open invitation of ``other_customer``, to be a manager."""
    return invite(
        organization=organization, email=other_customer.email, role="manager", invited_by=owner
    )


@pytest.fixture
def team(organization: Organization) -> Team:
    return TeamFactory.create(organization=organization, name="Sales")


@pytest.fixture
def foreign_team(other_owner: User) -> Team:
    return TeamFactory.create(organization=other_owner.membership.organization, name="Theirs")


@pytest.fixture
def assert_foreign_is_missing() -> Callable[..., None]:
    """Both paths answer a method with the same 404, but for the path itself."""

    def compare(client: APIClient, method: str, foreign: str, missing: str, body=None) -> None:
        answers = []
        for path in (foreign, missing):
            response = client.generic(
                method,
                path,
                json.dumps(body or {}),
                content_type="application/json",
                HTTP_X_REQUEST_ID="one",
            )
            assert_problem(response, 404, "not_found")
            answers.append(response.content.replace(path.encode(), b""))
        assert answers[0] == answers[1]

    return compare
