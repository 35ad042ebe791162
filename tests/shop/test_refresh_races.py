"""
Refreshing beside others who do the same, or who end the session or change the plan.

Over processes, each with its own memory and connections: the database alone decides.
"""

import os
from collections import Counter
from hashlib import sha256
from typing import Any

import jwt
import pytest
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from backstay.auth.sessions.endings import end_sessions
from backstay.auth.sessions.models import Family
from backstay.counters import counted
from shop.accounts.actions import anonymise
from shop.accounts.models import Membership, Organization, User
from shop.accounts.organizations import change_organization
from tests.shop.contest import PROCESSES, contest
from tests.shop.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = [pytest.mark.A4, pytest.mark.django_db(transaction=True)]


def outcome(*parts: object) -> object:
    """A contest counts types by their names, so this one's name is what there is to tell."""
    return type(" ".join(str(part) for part in parts), (), {})()


def refresh(token: str, caller: int) -> Any:
    """*caller* has an address of its own, so that no limit comes into it."""
    address = f"10.0.{caller // 250}.{caller % 250}"
    return APIClient(REMOTE_ADDR=address).post("/api/token/refresh/", {"refresh": token})


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def successor(token: str, caller: int) -> object:
    """Which refresh token came of *token*."""
    answer = refresh(token, caller)
    return outcome(answer.status_code, sha256(answer.json()["refresh"].encode()).hexdigest())


def rotations() -> object:
    """How many this process has won so far."""
    return outcome(os.getpid(), counted("refresh", outcome="rotated"))


def rotations_of_all() -> int:
    """A contest with one call each gives every process one."""
    told = dict(name.split() for name in contest(rotations, [()] * PROCESSES))
    assert len(told) == PROCESSES
    return sum(int(number) for number in told.values())


def refresh_or_end(action: str, token: str, user_id: int, caller: int) -> object:
    if action == "end":
        return outcome("ended", end_sessions(user_id))
    return outcome(refresh(token, caller).status_code)


def refresh_or_change_plan(action: str, token: str, organization_id: int, caller: int) -> object:
    if action != "refresh":
        organization = Organization.objects.get(pk=organization_id)
        owner = User.objects.get(membership__organization=organization)
        change_organization(organization=organization, by=owner, plan=action)
        return outcome("changed")
    answer = refresh(token, caller)
    assert answer.status_code == 200, answer.content
    claims = claims_of(answer.json()["access"])
    return outcome(claims["plan"], claims["iat"])


def rename_or_refresh(action: str, token: str, user_id: int, caller: int) -> object:
    if action == "rename":
        user = User.objects.get(pk=user_id)
        user.first_name = f"Name {caller}"
        user.save(update_fields=["first_name"])
        return outcome("renamed")
    return outcome(refresh(token, caller).status_code)


class TestParallelRefreshes:
    CALLERS = 32

    def test_all_get_the_one_successor_that_one_of_them_made(self, rounds):
        user = UserFactory.create()
        before = rotations_of_all()
        for _ in range(rounds):
            token = issue_tokens(user)["refresh"]

            outcomes = contest(successor, [(token, caller) for caller in range(self.CALLERS)])

            assert len(outcomes) == self.CALLERS
            (only,) = set(outcomes)
            assert only.startswith("200 ")
        assert rotations_of_all() - before == rounds
        assert not Family.objects.exclude(ended_at=None).exists()

    def test_the_successor_is_good_and_the_family_goes_on(self):
        token = issue_tokens(UserFactory.create())["refresh"]
        contest(successor, [(token, caller) for caller in range(self.CALLERS)])
        for caller in range(3):
            answer = refresh(token, caller)
            assert answer.status_code == 200
            token = answer.json()["refresh"]

    def test_of_many_sessions_do_not_disturb_each_other(self):
        user = UserFactory.create()
        tokens = [issue_tokens(user)["refresh"] for _ in range(8)]
        calls = [(token, number) for number, token in enumerate(tokens * 4)]
        outcomes = Counter(contest(successor, calls))
        assert set(outcomes.values()) == {4}
        assert len(outcomes) == 8


def verified(token: str, caller: int) -> int:
    client = APIClient(REMOTE_ADDR=f"10.2.0.{caller}")
    return int(client.post("/api/token/verify/", {"token": token}).status_code)


def log_in_or_close(action: str, email: str, caller: int) -> object:
    if action == "close":
        anonymise(user=User.objects.get(email=email))
        return outcome("closed")
    client = APIClient(REMOTE_ADDR=f"10.1.0.{caller}")
    answer = client.post("/api/token/", {"email": email, "password": PASSWORD})
    return outcome(answer.status_code, answer.json().get("access", ""))


class TestLoginWhileTheAccountCloses:
    def test_leaves_no_session(self, rounds):
        """A login reads the user, checks the password for long, and only then begins a session."""
        for number in range(rounds):
            email = f"leaving{number}@shop.example"
            UserFactory.create(email=email)
            calls = [("login", email, caller) for caller in range(11)]
            calls.insert(6, ("close", email, 0))

            outcomes = contest(log_in_or_close, calls)

            assert outcomes.count("closed") == 1
            tokens = [name.split()[1] for name in outcomes if name.startswith("200 ")]
            assert {verified(token, number) for token in tokens} <= {401}
        assert not Family.objects.filter(ended_at=None).exists()


class TestRefreshWhileTheSessionEnds:
    def test_nothing_that_came_of_it_lives(self, rounds):
        """Whichever comes first: what was given before the end has ended with it."""
        for _ in range(rounds):
            user = UserFactory.create()
            token = issue_tokens(user)["refresh"]
            calls = [("refresh", token, user.pk, caller) for caller in range(11)]
            calls.insert(5, ("end", token, user.pk, 0))

            outcomes = Counter(contest(refresh_or_end, calls))

            assert outcomes["ended 1"] == 1
            assert set(outcomes) <= {"ended 1", "200", "401"}
            family = Family.objects.get(user=user)
            assert (family.ended_at is None, family.ended_for) == (False, "logout")
            assert refresh(token, 0).status_code == 401


class TestRefreshWhileClaimsChange:
    def test_no_token_that_is_believed_has_the_old_plan(self, rounds):
        member = MembershipFactory.create(role="owner", organization__plan="pro")
        plans = ["free", "pro"]
        for number in range(rounds):
            new, old = plans[number % 2], plans[(number + 1) % 2]
            token = issue_tokens(User.objects.get(pk=member.user_id))["refresh"]
            family = claims_of(token)["family"]
            calls = [("refresh", token, member.organization_id, caller) for caller in range(11)]
            calls.insert(5, (new, token, member.organization_id, 0))

            outcomes = contest(refresh_or_change_plan, calls)

            assert outcomes.count("changed") == 1
            believed_from = Family.objects.get(pk=family).claims_from
            issued = [name.split() for name in outcomes if name != "changed"]
            assert len(issued) == 11
            assert not [plan for plan, iat in issued if plan == old and int(iat) >= believed_from]
            later = 100 + number
            again = refresh(token, later).json()["refresh"]
            last = claims_of(refresh(again, later).json()["access"])
            assert (last["plan"], last["iat"] >= believed_from) == (new, True)
        last_plan = plans[(rounds - 1) % 2]
        assert Membership.objects.get().organization.plan == last_plan

    def test_many_changes_at_once_lose_no_session(self, rounds):
        for _ in range(rounds):
            user = UserFactory.create()
            token = issue_tokens(user)["refresh"]
            calls = [("refresh", token, user.pk, caller) for caller in range(16)]
            calls += [("rename", token, user.pk, caller) for caller in range(8)]

            outcomes = Counter(contest(rename_or_refresh, calls))

            assert outcomes == {"200": 16, "renamed": 8}
            assert Family.objects.get(user=user).ended_at is None
