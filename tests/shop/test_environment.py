"""Each variable: its default, what it takes, and the one line that refuses the rest."""

import json
import os
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from shop.development_key import development_key
from shop.environment import ROOT, VAR, BadVariable, Environment
from shop.variables import Database, Mail, VersionPolicy

pytestmark = pytest.mark.once

KEY = "k" * 50


def read(**variables: str) -> Environment:
    return Environment.read({"SECRET_KEY": KEY, **variables})


class TestDefaults:
    def test_are_production_on_embedded_parts(self):
        environment = read()

        assert environment.debug is False
        assert environment.database == Database("sqlite", str(VAR / "db.sqlite3"))
        assert environment.redis_url is None
        assert environment.celery_broker_url is None
        assert environment.mail == Mail("file", directory=VAR / "mail")
        assert environment.log_format == "json"
        assert (environment.host, environment.port) == ("127.0.0.1", 8000)
        assert environment.web_concurrency == 1

    def test_trust_nobody_from_outside(self):
        environment = read()

        assert environment.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
        assert environment.cors_allowed_origins == ()
        assert environment.csrf_trusted_origins == ()
        assert environment.trusted_proxies == ()

    def test_an_empty_variable_is_an_unset_one(self):
        assert read(PORT="", DEBUG=" ", DATABASE_URL="") == read()

    def test_debug_logs_for_people(self):
        assert read(DEBUG="1").log_format == "console"
        assert read(DEBUG="1", LOG_FORMAT="json").log_format == "json"


class TestAccepted:
    @pytest.mark.parametrize("text", ["1", "true", "True", "YES", "on"])
    def test_debug_on(self, text):
        assert read(DEBUG=text).debug is True

    @pytest.mark.parametrize("text", ["0", "false", "No", "off"])
    def test_debug_off(self, text):
        assert read(DEBUG=text).debug is False

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("sqlite:///shop.db", Database("sqlite", "shop.db")),
            ("sqlite:////data/shop.db", Database("sqlite", "/data/shop.db")),
            (
                "postgres://shop:p%40ss@db:5433/shop?sslmode=require",
                Database(
                    "postgresql",
                    "shop",
                    user="shop",
                    password="p@ss",
                    host="db",
                    port=5433,
                    options=(("sslmode", "require"),),
                ),
            ),
            (
                "postgresql:///shop?host=/run/postgresql",
                Database("postgresql", "shop", host="/run/postgresql"),
            ),
        ],
    )
    def test_database_url(self, url, expected):
        assert read(DATABASE_URL=url).database == expected

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("console:", Mail("console")),
            ("file:///data/mail", Mail("file", directory=Path("/data/mail"))),
            ("smtp://relay", Mail("smtp", host="relay", port=25)),
            (
                "smtps://shop:p%40ss@relay:4650",
                Mail("smtps", host="relay", port=4650, user="shop", password="p@ss"),
            ),
        ],
    )
    def test_email_url(self, url, expected):
        assert read(EMAIL_URL=url).mail == expected

    @pytest.mark.parametrize(
        "url",
        [
            "redis://h",
            "rediss://:p@h:6380/3",
            "rediss://h?ssl_cert_reqs=none&ssl_ca_certs=/etc/ca.pem",
            "redis://h?db=2&socket_timeout=0.5&socket_keepalive=yes&protocol=3",
            "unix:///run/r.sock",
            "unix:///run/r.sock?db=2",
        ],
    )
    def test_redis_url(self, url):
        assert read(REDIS_URL=url).redis_url == url

    def test_lists_are_separated_by_commas(self):
        environment = read(
            ALLOWED_HOSTS="shop.example, .shop.example,[::1]",
            CORS_ALLOWED_ORIGINS="https://app.example,http://localhost:3000",
            CSRF_TRUSTED_ORIGINS="https://*.app.example",
            TRUSTED_PROXIES="10.0.0.0/8,::1",
        )

        assert environment.allowed_hosts == ("shop.example", ".shop.example", "[::1]")
        assert environment.cors_allowed_origins == ("https://app.example", "http://localhost:3000")
        assert environment.csrf_trusted_origins == ("https://*.app.example",)
        assert [str(network) for network in environment.trusted_proxies] == [
            "10.0.0.0/8",
            "::1/128",
        ]

    def test_rates_override_single_names(self):
        environment = read(
            THROTTLE_RATES='{"login": "10/minute"}', PLAN_RATES='{"pro": "9000/hour"}'
        )

        assert environment.throttle_rates == {"login": "10/minute"}
        assert environment.plan_rates == {"pro": "9000/hour"}

    def test_api_versions(self):
        policies = {"v1": {"deprecated": "2027-01-01", "sunset": "2027-07-01"}, "v2": {}}

        assert read(API_VERSIONS=json.dumps(policies)).api_versions == {
            "v1": VersionPolicy(deprecated=date(2027, 1, 1), sunset=date(2027, 7, 1)),
            "v2": VersionPolicy(),
        }

    def test_auth_keys_name_a_key_set(self, tmp_path):
        path = tmp_path / "keys.json"
        path.write_text('{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}')

        assert read(AUTH_KEYS=str(path)).auth_keys == path

    def test_several_workers_with_redis(self):
        assert read(WEB_CONCURRENCY="4", REDIS_URL="redis://h").web_concurrency == 4


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("DEBUG", "perhaps"),
            ("SECRET_KEY", "short"),
            ("DATABASE_URL", "mysql://h/shop"),
            ("DATABASE_URL", "sqlite://shop.db"),
            ("DATABASE_URL", "postgres://h:none/shop"),
            ("DATABASE_URL", "postgres://h"),
            ("DATABASE_URL", "shop.db"),
            ("DATABASE_URL", "sqlite:///%00"),
            ("DATABASE_URL", "sqlite:///shop.db?mode=ro"),
            ("DATABASE_URL", "postgres://h/shop%00"),
            ("DATABASE_URL", "postgres://h:0/shop"),
            ("DATABASE_URL", "postgres://h/shop?bogus=1"),
            ("DATABASE_URL", "postgres://h/shop?sslmode"),
            ("DATABASE_URL", "postgres://h/shop?sslmode=always"),
            ("DATABASE_URL", "postgres://h/shop?connect_timeout=abc"),
            ("DATABASE_URL", "postgres://h/shop?connect_timeout=1&connect_timeout=2"),
            ("REDIS_URL", "localhost:6379"),
            ("REDIS_URL", "redis://h/first"),
            ("REDIS_URL", "redis://h/99999999999999999999"),
            ("REDIS_URL", "redis://h?bogus=1"),
            ("REDIS_URL", "redis://h?retry=3"),
            ("REDIS_URL", "redis://h?ssl_cert_reqs=none"),
            ("REDIS_URL", "rediss://h?ssl_cert_reqs=sometimes"),
            ("REDIS_URL", "redis://h?socket_timeout=soon"),
            ("REDIS_URL", "redis://h?socket_timeout=nan"),
            ("REDIS_URL", "redis://h?max_connections=many"),
            ("CELERY_BROKER_URL", "http://h"),
            ("ALLOWED_HOSTS", "https://shop.example"),
            ("ALLOWED_HOSTS", "shop.example:8000"),
            ("ALLOWED_HOSTS", ","),
            ("ALLOWED_HOSTS", "[:::::]"),
            ("CORS_ALLOWED_ORIGINS", "*"),
            ("CORS_ALLOWED_ORIGINS", "app.example"),
            ("CORS_ALLOWED_ORIGINS", "https://app.example/"),
            ("CORS_ALLOWED_ORIGINS", "https://*.app.example"),
            ("CORS_ALLOWED_ORIGINS", "null"),
            ("CORS_ALLOWED_ORIGINS", "https://a:99999"),
            ("CSRF_TRUSTED_ORIGINS", "https://*.a.example:99999"),
            ("CSRF_TRUSTED_ORIGINS", "*"),
            ("TRUSTED_PROXIES", "10.0.0.1/8"),
            ("TRUSTED_PROXIES", "proxy"),
            ("THROTTLE_RATES", "5/minute"),
            ("THROTTLE_RATES", '{"login": "5/month"}'),
            ("THROTTLE_RATES", '{"login": 5}'),
            ("THROTTLE_RATES", '{"login": "0/minute"}'),
            pytest.param(
                "THROTTLE_RATES", f'{{"login": "{"9" * 5000}/minute"}}', id="5,000 digits"
            ),
            ("THROTTLE_RATES", '{"signin": "5/minute"}'),
            ("THROTTLE_RATES", '["login"]'),
            ("PLAN_RATES", '{"gold": "5/minute"}'),
            ("PLAN_RATES", '{"pro": "5/month"}'),
            ("AUTH_KEYS", "/nowhere/keys.json"),
            ("API_VERSIONS", "v1"),
            ("API_VERSIONS", '{"v3": {}}'),
            ("API_VERSIONS", '{"v1": "2027-01-01"}'),
            ("API_VERSIONS", '{"v1": {"ends": "2027-01-01"}}'),
            ("API_VERSIONS", '{"v1": {"sunset": "soon"}}'),
            ("API_VERSIONS", '{"v1": {"sunset": 2027}}'),
            ("API_VERSIONS", '{"v1": {"deprecated": "2027-07-01", "sunset": "2027-01-01"}}'),
            ("API_VERSIONS", '{"v1": {"link": "javascript:alert(1)"}}'),
            ("EMAIL_URL", "mailto:shop"),
            ("EMAIL_URL", "file://mail"),
            ("EMAIL_URL", "smtp://"),
            ("EMAIL_URL", "smtp://relay?tls=1"),
            ("EMAIL_URL", "file:///etc/passwd"),
            ("EMAIL_URL", "file:///etc/passwd/mail"),
            ("EMAIL_URL", "file:///mail%00"),
            ("LOG_FORMAT", "xml"),
            ("WEB_CONCURRENCY", "0"),
            ("WEB_CONCURRENCY", "auto"),
            ("HOST", "http://0.0.0.0"),
            ("HOST", "999.1.1.1"),
            ("HOST", "::1::"),
            ("HOST", "a..b"),
            ("HOST", "a" * 64),
            ("PORT", "0"),
            ("PORT", "65536"),
            ("PORT", "8000.5"),
            ("PORT", "\N{SUPERSCRIPT TWO}"),
        ],
    )
    def test_a_malformed_variable_is_named_in_one_line(self, name, text):
        with pytest.raises(BadVariable) as refusal:
            read(**{name: text})

        assert str(refusal.value).startswith(f"{name}: ")
        assert "\n" not in str(refusal.value)

    def test_a_line_break_in_a_value_does_not_break_the_line(self):
        with pytest.raises(BadVariable) as refusal:
            read(PORT="80\n00")

        assert "\n" not in str(refusal.value)

    @pytest.mark.parametrize(
        "name", ["DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "EMAIL_URL"]
    )
    def test_a_password_is_not_repeated(self, name):
        with pytest.raises(BadVariable) as refusal:
            read(**{name: "ftp://shop:pa55word@h:none/"})

        assert "pa55word" not in str(refusal.value)

    @pytest.mark.parametrize(
        "text",
        ["", "no json", "[]", '{"keys": 5}', '{"keys": [5]}', '{"keys": [{"kty": "RSA"}]}'],
    )
    def test_auth_keys_need_a_key_that_signs(self, tmp_path, text):
        path = tmp_path / "keys.json"
        path.write_text(text)

        with pytest.raises(BadVariable, match="AUTH_KEYS: "):
            read(AUTH_KEYS=str(path))

    def test_production_needs_a_secret_key(self):
        with pytest.raises(BadVariable, match="SECRET_KEY: required when DEBUG is off"):
            Environment.read({})

    def test_debug_does_not(self):
        assert Environment.read({"DEBUG": "1"}).secret_key is None

    def test_several_workers_need_a_common_redis(self):
        with pytest.raises(BadVariable, match=r"WEB_CONCURRENCY: .* REDIS_URL"):
            read(WEB_CONCURRENCY="2")


class TestReference:
    def test_lists_every_variable_that_is_read(self):
        asked = []

        class Recorder(dict[str, str]):
            def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
                asked.append(name)
                return "1" if name == "DEBUG" else default

        Environment.read(Recorder())
        page = (ROOT / "docs" / "reference" / "environment.md").read_text()

        assert [name for name in asked if f"`{name}`" not in page] == []


class TestDevelopmentKey:
    def test_is_long_enough_private_and_stable(self, tmp_path):
        path = tmp_path / "var" / "key"

        key = development_key(path)

        assert len(key) >= 50
        assert development_key(path) == key
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_differs_between_checkouts(self, tmp_path):
        assert development_key(tmp_path / "one") != development_key(tmp_path / "other")


@pytest.mark.long
class TestProcess:
    """A bad variable ends any entry point: one line that names it, status 2, no traceback."""

    @pytest.mark.parametrize(
        "command",
        [
            ["manage.py", "check"],
            ["manage.py", "serve"],
            ["-c", "import shop.wsgi"],
            ["-m", "gunicorn", "--config", "python:shop.server.config"],
        ],
    )
    def test_ends_with_one_line(self, command):
        ended = run(*command, PORT="eighty")

        assert ended.returncode == 2
        assert ended.stderr == "PORT: expected a number from 1 to 65535, not 'eighty'.\n"
        assert ended.stdout == ""

    @pytest.mark.parametrize("command", ["check", "serve", "start"])
    def test_a_database_in_a_directory_that_cannot_be_made(self, tmp_path, command):
        (tmp_path / "file").touch()

        ended = run(
            "manage.py", command, DATABASE_URL=f"sqlite:///{tmp_path}/file/below/db.sqlite3"
        )

        assert ended.returncode == 2
        assert ended.stderr == (
            f"DATABASE_URL: the directory '{tmp_path}/file/below' cannot be made "
            "(Not a directory).\n"
        )

    @pytest.mark.parametrize("command", ["serve", "start"])
    @pytest.mark.parametrize(
        ("keys", "reason"),
        [
            ([{"kty": "oct", "k": "c2VjcmV0", "kid": "weak"}], "key weak has 6 bytes"),
            ([{"kty": "oct", "k": "c2VjcmV0", "kid": "a\nb"}], "key a b has 6 bytes"),
            ([{"kty": "oct", "k": "c" * 43, "kid": "one"}] * 2, "two keys have the same kid"),
            ([{"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQ"}], "a key cannot be read"),
        ],
        ids=["weak", "weak with a line break", "duplicate", "unusable"],
    )
    def test_keys_that_are_not_fit(self, tmp_path, command, keys, reason):
        path = tmp_path / "keys.json"
        path.write_text(json.dumps({"keys": keys}))

        ended = run(
            "manage.py",
            command,
            AUTH_KEYS=str(path),
            DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3",
        )

        assert ended.returncode == 2
        assert ended.stderr.startswith(f"AUTH_KEYS: {reason}")
        assert ended.stderr.count("\n") == 1
        assert not (tmp_path / "db.sqlite3").exists()

    def test_a_host_without_an_address(self):
        ended = run("manage.py", "serve", HOST="nowhere.invalid")

        assert ended.returncode == 2
        assert ended.stderr.startswith("HOST: 'nowhere.invalid' has no address (")
        assert ended.stderr.count("\n") == 1


class TestStartWithoutDatabase:
    """``start`` needs the database: one line that names its variable, status 1."""

    def test_that_is_down(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]

        self.refuses(f"postgres://shop:pa55word@127.0.0.1:{port}/shop")

    def test_that_is_a_file_of_another_kind(self, tmp_path):
        path = tmp_path / "letter.txt"
        path.write_text("Dear database, " * 100)

        self.refuses(f"sqlite:///{path}")

    def test_that_is_a_directory(self, tmp_path):
        self.refuses(f"sqlite:///{tmp_path}")

    def refuses(self, url: str) -> None:
        ended = run("manage.py", "start", DATABASE_URL=url)

        assert ended.returncode == 1
        assert ended.stderr.startswith("CommandError: DATABASE_URL: ")
        assert ended.stderr.count("\n") == 1
        assert "pa55word" not in ended.stderr


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
