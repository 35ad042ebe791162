"""Every answer of a throttled view tells the caller's budgets, in well-formed fields."""

import time

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from backstay.throttling import Charge, Decision, Rate
from backstay.throttling.headers import fields, legacy_fields
from tests.backstay.throttling.conftest import project
from tests.backstay.throttling.routes import anonymous, configure, customer, member
from tests.ratelimit_fields import parse, told

pytestmark = pytest.mark.T3


def decision(
    rule="user", limit=60, seconds=3_600, *, bucket="user:7", remaining=59, allowed=True, reset=1.0
):
    charge = Charge(rule, bucket, Rate(limit, seconds))
    return Decision(charge, allowed, remaining, 0 if allowed else reset, reset)


@pytest.mark.once
class TestFields:
    def test_of_one_rule_are_those_of_the_draft(self):
        assert fields([decision("anon", remaining=59, reset=1799.2)]) == {
            "RateLimit-Policy": '"anon";q=60;w=3600',
            "RateLimit": '"anon";r=59;t=1800',
        }

    def test_of_nothing_are_none(self):
        assert fields([]) == legacy_fields([]) == {}

    def test_of_several_rules_are_one_list(self):
        found = fields([decision("anon"), decision("search", 30, 60, remaining=3)])
        assert found["RateLimit-Policy"] == '"anon";q=60;w=3600, "search";q=30;w=60'
        assert found["RateLimit"] == '"anon";r=59;t=1, "search";r=3;t=1'

    def test_windows_of_one_rule_have_names_of_their_own(self):
        windows = [decision("user", 9, seconds) for seconds in (1, 60, 3_600, 86_400)]
        names = ["user-second", "user-minute", "user-hour", "user-day"]
        assert list(parse(fields(windows)["RateLimit"])) == names

    @pytest.mark.parametrize(
        ("address", "account"),
        [((3, 5.0), (1, 5.0)), ((1, 5.0), (3, 5.0)), ((1, 5.0), (1, 2.0)), ((1, 2.0), (1, 5.0))],
    )
    def test_of_two_buckets_the_tighter_is_told(self, address, account):
        both = [
            decision("login", 5, 60, bucket=bucket, remaining=remaining, reset=reset)
            for bucket, (remaining, reset) in (("address:a", address), ("account:b", account))
        ]
        assert fields(both)["RateLimit"] == '"login";r=1;t=5'

    def test_two_limits_for_one_window_are_two(self):
        found = fields([decision("user", 60), decision("user", 10, remaining=9)])
        assert len(parse(found["RateLimit-Policy"])) == 2

    @given(
        st.text(max_size=20),
        st.integers(1, 10**9),
        st.integers(0, 10**9),
        st.floats(0, 90_000),
    )
    def test_are_well_formed_whatever_the_rule_is_called(self, rule, limit, remaining, reset):
        found = fields([decision(rule, limit, remaining=remaining, reset=reset)])
        assert len(parse(found["RateLimit-Policy"])) == len(parse(found["RateLimit"])) == 1

    @pytest.mark.parametrize("rule", ['a"b', "a\\b", 'a\\"b'])
    def test_keep_what_has_to_be_escaped(self, rule):
        assert list(parse(fields([decision(rule)])["RateLimit"])) == [rule]

    def test_of_before_the_draft_tell_the_tightest_budget_and_the_time_of_day(self):
        two = [decision(remaining=9), decision("search", 30, 60, remaining=3, reset=8.5)]
        with time_machine.travel(1_800_000_000, tick=False):
            assert legacy_fields(two) == {
                "X-RateLimit-Limit": "30",
                "X-RateLimit-Remaining": "3",
                "X-RateLimit-Reset": "1800000009",
            }


@pytest.mark.usefixtures("either")
class TestAnswer:
    """Who asks what, and which budgets the answer tells."""

    @pytest.mark.parametrize(
        ("caller", "path", "status", "names"),
        [
            (anonymous(), "/usual/", 200, ["anon"]),
            (anonymous(), "/usual/?search=a", 200, ["anon", "search"]),
            (customer(), "/usual/", 200, ["user"]),
            (member(), "/usual/", 200, ["user", "organization"]),
            (member(), "/one-trip/?search=a", 200, ["user", "organization", "search"]),
            (customer(), "/export/", 200, ["user", "export"]),
            (anonymous(), "/members-counted/", 401, ["anon"]),
            (customer(), "/members-counted/", 200, ["user"]),
        ],
    )
    def test_tells_what_was_charged(self, settings, caller, path, status, names):
        configure(settings)
        response = caller.get(path)
        assert response.status_code == status
        budgets = told(response)
        assert list(budgets) == names
        assert {budget["r"] for budget in budgets.values()} == {99}
        assert all(budget["q"] == 100 for budget in budgets.values())
        assert all(3_500 < budget["t"] <= 3_660 for budget in budgets.values())

    def test_that_nobody_is_known_stays_one_where_the_view_asks_who_it_is(self, settings):
        """Its throttles are chosen by the user, whom a refused credential does not have."""
        configure(settings)
        response = anonymous().get("/curious-and-refused/")
        assert response.status_code == 401
        assert list(told(response)) == ["anon"]

    def test_counts_down(self, settings):
        configure(settings, user="3/hour")
        left = [told(customer().get("/usual/"))["user"]["r"] for _ in range(5)]
        assert left == [2, 1, 0, 0, 0]

    def test_that_refuses_tells_all_budgets_and_when_to_come_back(self, settings):
        configure(settings, search="1/minute")
        response = [customer().get("/usual/?search=a") for _ in range(2)][1]
        assert response.status_code == 429
        budgets = told(response)
        assert {name: budget["r"] for name, budget in budgets.items()} == {"user": 99, "search": 0}
        assert 1 <= int(response.headers["Retry-After"]) <= budgets["search"]["t"]

    def test_of_a_view_that_fails_tells_them_too(self, settings):
        configure(settings)
        caller = customer()
        caller.client.raise_request_exception = False
        response = caller.post("/usual/?fail", {})
        assert (response.status_code, told(response)["user"]["r"]) == (500, 99)

    def test_to_a_refused_credential_tells_how_many_more_are_looked_at(self, settings):
        configure(settings, auth_failure="2/hour")
        responses = [anonymous().get("/usual/", HTTP_X_ACTOR="bad") for _ in range(3)]
        assert [response.status_code for response in responses] == [401, 401, 429]
        assert [told(response)["auth_failure"]["r"] for response in responses] == [1, 0, 0]

    @pytest.mark.parametrize("path", ["/unlimited/", "/plain/", "/nowhere/"])
    def test_of_a_view_without_limits_tells_nothing(self, settings, path):
        configure(settings)
        response = customer().get(path)
        assert not [name for name in response.headers if "ratelimit" in name.lower()]

    def test_of_a_rule_without_a_rate_tells_nothing(self, settings):
        configure(settings, user=None)
        assert "RateLimit" not in customer().get("/usual/").headers

    @pytest.mark.parametrize("method", ["head", "options", "put", "trace"])
    def test_to_any_method_tells_them(self, settings, method):
        configure(settings)
        assert told(customer().client.generic(method.upper(), "/usual/"))["user"]["r"] == 99

    def test_has_those_of_before_the_draft_only_where_the_project_wants_them(self, settings):
        configure(settings)
        assert "X-RateLimit-Limit" not in customer().get("/usual/").headers
        settings.BACKSTAY = {**settings.BACKSTAY, "LEGACY_RATE_LIMIT_HEADERS": True}
        headers = customer().get("/usual/").headers
        assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("100", "98")
        assert 3_500 < int(headers["X-RateLimit-Reset"]) - time.time() < 3_670


@pytest.mark.usefixtures("either")
class TestAnswerFromBeforeAnyDecision:
    """It charged nothing; how the caller stands is looked up."""

    @pytest.mark.parametrize(
        ("caller", "names"),
        [(anonymous(), ["anon", "search"]), (customer(), ["user", "organization", "search"])],
    )
    def test_to_one_who_may_not(self, settings, caller, names):
        configure(settings)
        settings.BACKSTAY = {**settings.BACKSTAY, "ORGANIZATION_OF": lambda _: (3, "free")}
        caller.client.get("/usual/")
        responses = [caller.client.post("/forbidden/") for _ in range(3)]
        assert {response.status_code for response in responses} <= {401, 403}
        assert [list(told(response)) for response in responses] == [names] * 3
        assert {told(response)[names[0]]["r"] for response in responses} == {99}

    def test_to_a_body_that_is_too_long(self, settings):
        configure(settings)
        settings.BACKSTAY = {**settings.BACKSTAY, "MAX_BODY_BYTES": 10}
        response = anonymous().post("/usual/", {"text": "a" * 99})
        assert (response.status_code, told(response)["anon"]["r"]) == (413, 100)

    def test_to_a_login_reads_no_body(self, settings):
        configure(settings)
        settings.BACKSTAY = {**settings.BACKSTAY, "MAX_BODY_BYTES": 10}
        response = anonymous().post("/login/", {"email": "ada@shop.example"})
        assert (response.status_code, told(response)["login"]["r"]) == (413, 100)

    def test_of_a_view_that_chooses_by_its_action(self, settings):
        configure(settings)
        settings.BACKSTAY = {**settings.BACKSTAY, "MAX_BODY_BYTES": 10}
        response = anonymous().post("/items/", {"text": "a" * 99})
        assert (response.status_code, list(told(response))) == (413, ["anon"])


@pytest.fixture
def one_process():
    with project():
        yield


@pytest.mark.once
def test_a_smooth_rate_tells_what_fits_now(one_process, settings):
    configure(settings, user="600/hour smooth")
    first, second = (told(customer().get("/usual/"))["user"] for _ in range(2))
    assert (first["q"], first["w"]) == (600, 3_600)
    assert first["r"] > second["r"]
