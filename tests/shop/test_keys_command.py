"""``manage.py auth_keys``, and what a rotation is to those who are logged in."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from backstay.auth.keys import ALGORITHMS, load_keys
from shop.accounts.models import User
from shop.environment import ROOT
from tests.shop.factories import PASSWORD
from tests.shop.problems import assert_problem

NOW = 1_800_000_000
DAY = 86_400
#: Seconds from a retirement to the end of the last token: 30 days, and the leeway.
KEPT = 30 * DAY + 10

each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def in_force(settings, path) -> Callable[[], None]:
    """Make the service use the file, as a restart with AUTH_KEYS does."""

    def use() -> None:
        settings.BACKSTAY = {**settings.BACKSTAY, "AUTH_KEYS": str(path)}

    return use


def auth_keys(command: str, *arguments: object) -> list[str]:
    """The lines that the command prints."""
    out = StringIO()
    call_command("auth_keys", command, *map(str, arguments), stdout=out)
    return out.getvalue().splitlines()


def keys_of(path: Path) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(path.read_text())["keys"]
    return keys


def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """``manage.py auth_keys`` as a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", "auth_keys", *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "k" * 50, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's leave to write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.A8
@pytest.mark.once
class TestCommand:
    @each_algorithm
    def test_generate_writes_a_private_file_with_a_key_that_signs(self, path, in_force, algorithm):
        auth_keys("generate", path, "--algorithm", algorithm)
        in_force()

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load_keys().signer.algorithm == algorithm

    @each_algorithm
    def test_rotate_signs_with_the_new_key_and_verifies_with_both(self, path, in_force, algorithm):
        auth_keys("generate", path, "--algorithm", "EdDSA")
        in_force()
        old = load_keys().signer
        auth_keys("rotate", path, "--algorithm", algorithm)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load_keys().signer.algorithm == algorithm
        assert load_keys().signer.kid != old.kid
        assert load_keys().by_kid[old.kid].signing is None

    @each_algorithm
    def test_no_secret_is_printed(self, path, algorithm, settings):
        printed = auth_keys("generate", path, "--algorithm", algorithm)
        made = keys_of(path)
        printed += auth_keys("rotate", path, "--algorithm", algorithm)
        printed += auth_keys("list", path)
        secrets = [
            jwk[name]
            for jwk in made + keys_of(path)
            for name in ("k", "d", "p", "q", "dp", "dq", "qi")
            if name in jwk
        ]

        assert len(secrets) >= 2
        assert not [secret for secret in secrets if secret in "\n".join(printed)]
        assert settings.SECRET_KEY not in "\n".join(printed)

    def test_list_says_which_key_signs_and_until_when_the_others_verify(
        self, path, in_force, clock
    ):
        in_force()
        auth_keys("generate", "--algorithm", "RS256")
        (first,) = keys_of(path)
        auth_keys("rotate", "--algorithm", "HS256")
        second, _ = keys_of(path)

        assert auth_keys("list") == [
            f"{second['kid']}  HS256  signs",
            f"{first['kid']}  RS256  verifies until 2027-02-14 08:00 UTC",
        ]

    def test_list_shows_a_key_that_was_prepared_by_hand(self, path, in_force):
        in_force()
        auth_keys("generate")
        (own,) = keys_of(path)
        bare = {"kty": "oct", "k": "k" * 43}
        path.write_text(json.dumps({"keys": [own, bare]}))

        assert auth_keys("list")[1].endswith("  HS256  verifies, and signs after the next rotation")

    def test_list_changes_nothing(self, path):
        auth_keys("generate", path)
        before = (path.read_bytes(), path.stat().st_mtime_ns)
        auth_keys("list", path)

        assert (path.read_bytes(), path.stat().st_mtime_ns) == before

    def test_the_file_of_the_settings_is_the_default(self, path, in_force):
        in_force()
        auth_keys("generate")
        auth_keys("rotate")

        assert len(keys_of(path)) == 2
        assert len(auth_keys("list")) == 2

    def test_without_one_in_force_it_says_how_to_use_the_file(self, path):
        assert auth_keys("generate", path)[-1] == f"To use them: AUTH_KEYS={path}"

    @pytest.mark.parametrize(("after", "kept"), [(KEPT - 1, True), (KEPT, False)])
    def test_rotate_drops_a_key_when_its_last_token_has_expired(
        self, path, in_force, clock, after, kept
    ):
        in_force()
        auth_keys("generate", "--algorithm", "ES256")
        (first,) = keys_of(path)
        auth_keys("rotate", "--algorithm", "EdDSA")
        clock.move_to(NOW + after)
        auth_keys("rotate", "--algorithm", "EdDSA")

        assert (first["kid"] in {jwk["kid"] for jwk in keys_of(path)}) is kept
        assert len(keys_of(path)) == 2 + kept


@pytest.mark.A8
@pytest.mark.once
class TestRefusals:
    """One line that says what is wrong; whatever was there stays as it was."""

    @pytest.mark.parametrize("content", ["", "something", '{"keys": []}'])
    def test_generate_overwrites_nothing(self, path, content):
        path.write_text(content)
        with pytest.raises(CommandError, match=r"keys\.json exists\. To replace its key, rotate"):
            auth_keys("generate", path)

        assert path.read_text() == content

    @pytest.mark.parametrize("target", ["nowhere", "keys.d"])
    def test_generate_replaces_no_link_and_no_directory(self, path, tmp_path, target):
        (tmp_path / "keys.d").mkdir()
        path.symlink_to(tmp_path / target)
        with pytest.raises(CommandError, match="exists"):
            auth_keys("generate", path)

        assert path.is_symlink()

    @pytest.mark.parametrize("command", ["rotate", "list"])
    def test_a_missing_file(self, path, command):
        with pytest.raises(CommandError) as refusal:
            auth_keys(command, path)

        assert str(refusal.value) == f"{path}: No such file or directory."
        assert list(path.parent.iterdir()) == []

    @pytest.mark.parametrize("command", ["rotate", "list"])
    @pytest.mark.parametrize(
        "content",
        [
            *(b"", b"\x00", b"\xff\xfe\x00", b"words", b"{}", b"[]", b"null", b'{"keys": [5]}'),
            *(b'{"keys": [{}]}', b'{"keys": [{"kty": "oct", "k": "c2hvcnQ"}]}', b"[" * 100_000),
            b'{"keys": [{"kty": "oct", "k": "' + b"k" * 43 + b'", "retired_at": "now"}]}',
            b'{"keys": [{"kty": "oct", "k": "' + b"k" * 43 + b'", "kid": 5}]}',
        ],
        ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else value,
    )
    def test_a_file_of_something_else(self, path, command, content):
        path.write_bytes(content)
        with pytest.raises(CommandError) as refusal:
            auth_keys(command, path)

        assert "\n" not in str(refusal.value)
        assert "c2hvcnQ" not in str(refusal.value)
        assert path.read_bytes() == content

    @pytest.mark.parametrize("command", ["generate", "rotate", "list"])
    def test_no_file_named(self, command):
        with pytest.raises(CommandError, match=r"^AUTH_KEYS is not set\. Name a file\.$"):
            auth_keys(command)

    @pytest.mark.parametrize("command", ["generate", "rotate"])
    def test_a_directory_that_cannot_be_written_to(self, tmp_path, command, monkeypatch):
        # Reached from where it is, because nobody may pass through pytest's directories.
        monkeypatch.chdir(tmp_path)
        path = Path("keys.json")
        if command == "rotate":
            auth_keys("generate", path)
            path.chmod(0o644)
        tmp_path.chmod(0o555)
        before = list(tmp_path.iterdir())
        with as_nobody(), pytest.raises(CommandError) as refusal:
            auth_keys(command, path)

        assert str(refusal.value) == "keys.json: Permission denied."
        assert list(tmp_path.iterdir()) == before

    def test_a_directory_that_cannot_be_entered(self, tmp_path):
        (tmp_path / "closed").mkdir(mode=0o700)
        with as_nobody(), pytest.raises(CommandError, match="Permission denied"):
            auth_keys("generate", tmp_path / "closed" / "keys.json")


@pytest.mark.A8
@pytest.mark.once
@pytest.mark.long
class TestProcess:
    """As it is called: status 1, one line to standard error, none to standard output."""

    def test_generates_rotates_and_lists(self, path):
        for command in ("generate", "rotate", "list"):
            ended = run(command, path)
            assert (ended.returncode, ended.stderr) == (0, "")
        assert len(ended.stdout.splitlines()) == 4  # Two keys, the derived one, and how to use it.

    def test_a_refusal_is_one_line(self, path):
        path.write_text("words")
        ended = run("rotate", path)

        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("CommandError: ")
        assert ended.stderr.count("\n") == 1

    def test_a_running_process_takes_up_the_changed_file(self, path):
        auth_keys("generate", path)
        code = (
            "import sys\nfrom backstay.auth.keys import load_keys\n"
            "for _ in sys.stdin: print(load_keys().signer.kid, flush=True)"
        )
        with subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "SECRET_KEY": "k" * 50, "AUTH_KEYS": str(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin
            assert process.stdout
            for algorithm in ("EdDSA", "HS256", "ES256"):
                process.stdin.write("\n")
                process.stdin.flush()
                assert process.stdout.readline().strip() == keys_of(path)[0]["kid"]
                auth_keys("rotate", path, "--algorithm", algorithm)
            process.stdin.close()


class Session:
    """Somebody who is logged in, as the service sees them."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = APIClient()
        self.keep(
            self.client.post("/api/token/", {"email": user.email, "password": PASSWORD}).json()
        )

    def keep(self, pair: dict[str, str]) -> None:
        self.access, self.refresh = pair["access"], pair["refresh"]

    def get(self) -> Any:
        return self.client.get(
            "/api/v1/users/me/", headers={"Authorization": f"Bearer {self.access}"}
        )

    def renew(self) -> Any:
        return self.client.post("/api/token/refresh/", {"refresh": self.refresh})

    def verify(self, token: str) -> int:
        return self.client.post("/api/token/verify/", {"token": token}).status_code

    def is_good(self) -> bool:
        """Whether both tokens are taken."""
        answer = self.get()
        return (
            answer.status_code == 200
            and answer.json()["email"] == self.user.email
            and self.verify(self.access) == self.verify(self.refresh) == 200
        )


def kid_of(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


@pytest.mark.A8
@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
@pytest.mark.long
class TestSessions:
    @pytest.mark.parametrize("after", ALGORITHMS)
    @pytest.mark.parametrize("before", ALGORITHMS)
    def test_a_rotation_logs_nobody_out(self, path, in_force, customer, before, after):
        in_force()
        auth_keys("generate", "--algorithm", before)
        session = Session(customer)
        old = kid_of(session.access)
        auth_keys("rotate", "--algorithm", after)

        assert session.is_good()
        session.keep(session.renew().json())
        new = keys_of(path)[0]
        assert new["kid"] != old
        assert {kid_of(session.access), kid_of(session.refresh)} == {new["kid"]}
        assert jwt.get_unverified_header(session.access)["alg"] == after
        assert session.is_good()
        assert kid_of(Session(customer).access) == new["kid"]

    @each_algorithm
    def test_a_removed_key_ends_what_it_signed(self, path, in_force, customer, algorithm):
        in_force()
        auth_keys("generate", "--algorithm", algorithm)
        session = Session(customer)
        auth_keys("rotate")
        new, _ = keys_of(path)
        path.write_text(json.dumps({"keys": [new]}))

        assert_problem(session.get(), 401, "token_invalid")
        assert_problem(session.renew(), 401, "token_invalid")
        assert session.verify(session.access) == session.verify(session.refresh) == 401
        assert Session(customer).is_good()

    @each_algorithm
    def test_the_last_refresh_token_of_a_key_is_good_to_its_last_second(
        self, path, in_force, customer, clock, algorithm
    ):
        in_force()
        auth_keys("generate", "--algorithm", algorithm)
        session = Session(customer)
        auth_keys("rotate")
        clock.move_to(NOW + 30 * DAY - 1)
        auth_keys("rotate")

        assert session.renew().status_code == 200

    def test_a_key_file_logs_nobody_out_who_came_before_it(
        self, path, in_force, settings, customer
    ):
        """``generate`` keeps what is derived from the secret key and its fallbacks."""
        earlier, settings.SECRET_KEY = settings.SECRET_KEY, "the first secret key " * 3
        first = Session(customer)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = earlier, [settings.SECRET_KEY, earlier]
        second = Session(customer)
        auth_keys("generate", path)
        in_force()

        assert len(keys_of(path)) == 3
        for session in (first, second):
            assert session.is_good()
            session.keep(session.renew().json())
            assert kid_of(session.access) == keys_of(path)[0]["kid"]
            assert session.is_good()

    def test_a_new_secret_key_logs_nobody_out_while_the_old_one_is_a_fallback(
        self, settings, customer, clock
    ):
        session = Session(customer)
        old = kid_of(session.access)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "the new secret key " * 3

        assert session.is_good()
        session.keep(session.renew().json())
        assert kid_of(session.access) != old
        clock.shift(timedelta(minutes=1))
        assert session.is_good()
        settings.SECRET_KEY_FALLBACKS = []
        assert session.is_good()

    def test_a_new_secret_key_without_the_old_one_ends_every_session(self, settings, customer):
        session = Session(customer)
        settings.SECRET_KEY = "the new secret key " * 3

        assert_problem(session.get(), 401, "token_invalid")
        assert_problem(session.renew(), 401, "token_invalid")


@pytest.mark.A8
@pytest.mark.django_db
class TestPublishedKeys:
    def test_are_those_of_the_file_and_change_with_it(self, path, in_force, client):
        assert client.get("/.well-known/jwks.json").json() == {"keys": []}
        auth_keys("generate", path, "--algorithm", "ES256")
        in_force()
        auth_keys("rotate", "--algorithm", "RS256")
        answer = client.get("/.well-known/jwks.json")

        shown = [jwk["kid"] for jwk in answer.json()["keys"]]
        assert shown == [jwk["kid"] for jwk in keys_of(path) if jwk["kty"] != "oct"]
        assert len(shown) == 2
        assert "max-age=300" in answer["Cache-Control"]

    def test_another_method_is_405(self, client):
        assert_problem(client.post("/.well-known/jwks.json"), 405, "method_not_allowed")


@pytest.mark.A8
class TestPrepare:
    """Machines with copies of the file: the next key is known before it signs."""

    def test_the_old_key_signs_and_the_next_one_verifies(self, path):
        auth_keys("generate", path)
        before = json.loads(path.read_text())["keys"][0]["kid"]
        lines = auth_keys("prepare", path)
        assert lines[0].split() == [before, "EdDSA", "signs"]
        assert lines[-2].endswith("verifies, and signs after the next rotation")

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_a_rotation_signs_with_it(self, path, algorithm):
        auth_keys("generate", path)
        auth_keys("prepare", path, "--algorithm", algorithm)
        prepared = json.loads(path.read_text())["keys"][-1]
        auth_keys("rotate", path)
        keys = json.loads(path.read_text())["keys"]
        assert keys[0] == prepared
        assert len({key["kid"] for key in keys}) == len(keys)

    def test_is_done_once_for_each_rotation(self, path):
        auth_keys("generate", path)
        auth_keys("prepare", path)
        with pytest.raises(CommandError, match="prepared already"):
            auth_keys("prepare", path)
        auth_keys("rotate", path)
        auth_keys("prepare", path)

    @pytest.mark.django_db
    def test_a_machine_with_the_copy_of_before_takes_what_the_others_sign(
        self, path, in_force, customer, signed_in
    ):
        auth_keys("generate", path)
        auth_keys("prepare", path)
        copy = path.read_bytes()
        auth_keys("rotate", path)
        in_force()
        client = signed_in(customer)
        assert client.get("/api/v1/users/me/").status_code == 200
        path.write_bytes(copy)
        assert client.get("/api/v1/users/me/").status_code == 200
