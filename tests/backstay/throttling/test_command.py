"""``manage.py throttle``: what an operator sees and does about one caller."""

import io
import socket

import pytest
from django.core.management import CommandError, call_command

from backstay.throttling import account_bucket
from tests.backstay.throttling.routes import anonymous, configure, customer, member

pytestmark = pytest.mark.T5


def throttle(*arguments):
    out = io.StringIO()
    call_command("throttle", *arguments, stdout=out, skip_checks=True)
    return out.getvalue()


@pytest.fixture(params=["redis", "database"])
def shared(request):
    """A project whose counts a command can reach."""
    request.getfixturevalue(request.param)


@pytest.mark.usefixtures("shared")
class TestShow:
    def test_tells_what_is_left_of_each_window(self, settings):
        configure(settings, user="5/minute;9/hour")
        customer(7).statuses("/usual/", 2)
        minute, hour = throttle("show", "user:user:7").splitlines()
        assert minute.startswith("user:user:7  5 in 60 s  3 left, as new in ")
        assert hour.startswith("user:user:7  9 in 3600 s  7 left, as new in ")

    def test_charges_nothing(self, settings):
        configure(settings)
        assert {throttle("show", "user:user:7") for _ in range(5)} == {
            "user:user:7  100 in 3600 s  100 left, as new in 0 s\n"
        }

    def test_finds_an_account_by_its_name_and_tells_its_hash_only(self, settings):
        configure(settings)
        anonymous().post("/login/", {"email": "Ada@shop.example"})
        for name in ("ada@shop.example", account_bucket("ada@shop.example").partition(":")[2]):
            said = throttle("show", f"login:account:{name}")
            assert "99 left" in said
            assert "ada" not in said

    def test_finds_an_address_by_its_network(self, settings):
        configure(settings)
        anonymous().client.get("/usual/", REMOTE_ADDR="2001:db8::17")
        assert "99 left" in throttle("show", "anon:address:2001:db8::18")

    def test_tells_an_organization_under_every_plan(self, settings):
        configure(settings)
        rates = {"free": "5/hour", "pro": "9/hour", "enterprise": None}
        settings.BACKSTAY = {**settings.BACKSTAY, "PLAN_RATES": rates}
        member(of=3).get("/usual/")
        free, pro = throttle("show", "organization:organization:3").splitlines()
        assert "5 in 3600 s  4 left" in free
        assert "9 in 3600 s  8 left" in pro

    def test_knows_a_rate_that_a_class_has(self, settings):
        configure(settings)
        customer(7).get("/own/")
        assert "2 in 1 s" in throttle("show", "burst:user:7")


@pytest.mark.usefixtures("shared")
class TestClear:
    def test_lets_one_in_again_and_nobody_else(self, settings):
        configure(settings, login="1/hour")
        body = {"email": "ada@shop.example"}
        statuses = [anonymous(n).post("/login/", body).status_code for n in (1, 2)]
        assert statuses == [201, 429]
        throttle("clear", "login:account:ada@shop.example")
        statuses = [anonymous(n).post("/login/", body).status_code for n in (1, 2)]
        assert statuses == [429, 201]

    def test_tells_how_much_there_was(self, settings):
        configure(settings, user="5/minute;9/hour")
        customer(7).get("/usual/")
        assert throttle("clear", "user:user:7") == "Cleared 2 of 2 windows.\n"
        assert throttle("clear", "user:user:7") == "Cleared 0 of 2 windows.\n"


@pytest.mark.usefixtures("shared")
class TestRefuses:
    @pytest.mark.parametrize("key", ["", "user", "user:", "user:7", ":user:7", "user:user:"])
    def test_what_is_no_key(self, settings, key):
        configure(settings)
        with pytest.raises(CommandError, match=r"RULE:BUCKET|no rate"):
            throttle("show", key)

    def test_a_rule_that_is_not_there(self, settings):
        configure(settings)
        with pytest.raises(CommandError, match="'nobody'"):
            throttle("show", "nobody:user:7")

    def test_a_rule_without_a_limit(self, settings):
        configure(settings, user=None)
        with pytest.raises(CommandError, match="no limit"):
            throttle("show", "user:user:7")


@pytest.mark.once
class TestOutOfReach:
    @pytest.mark.parametrize("command", ["show", "clear"])
    def test_are_counts_within_each_process(self, settings, command):
        settings.BACKSTAY = {}
        configure(settings)
        with pytest.raises(CommandError, match="Each server process"):
            throttle(command, "user:user:7")

    @pytest.mark.F1
    @pytest.mark.parametrize("command", ["show", "clear"])
    def test_is_a_redis_that_does_not_answer(self, settings, command):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        settings.BACKSTAY = {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        configure(settings)
        with pytest.raises(CommandError, match="Redis does not answer"):
            throttle(command, "user:user:7")
