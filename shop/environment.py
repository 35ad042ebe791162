"""
The environment of the service, read once and typed.

A variable that is missing or malformed is one ``BadVariable`` that names it,
and ends the process with one line and status 2 (``from_process``); nothing is
guessed. An empty variable counts as unset. Reading has no effect: it looks at
the key set that ``AUTH_KEYS`` names and at the directory of ``EMAIL_URL``.

The variables and their defaults are listed in ``docs/reference/environment.md``.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, NoReturn, Self, TypeVar

from shop import variables
from shop.variables import Database, Mail, VersionPolicy

ROOT = Path(__file__).resolve().parent.parent

#: What the embedded default writes: database, mail, the development key.
VAR = ROOT / "var"

#: Names that reach this machine and no other: safe whatever the service holds.
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")

THROTTLES = ("anon", "user", "login", "register", "refresh", "search", "export", "auth_failure")
PLANS = ("free", "pro", "enterprise")

T = TypeVar("T")
D = TypeVar("D")


class BadVariable(Exception):
    """One variable is missing or malformed; the message is one line that names it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(" ".join(f"{name}: {reason}".split()))
        self.name = name

    def end_process(self) -> NoReturn:
        """Write the line to stderr and exit with status 2."""
        sys.stderr.write(f"{self}\n")
        raise SystemExit(2) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Every variable the service reads."""

    debug: bool
    #: ``None`` only with ``debug`` on: then a development key is used.
    secret_key: str | None
    database: Database
    redis_url: str | None
    celery_broker_url: str | None
    allowed_hosts: tuple[str, ...]
    cors_allowed_origins: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    throttle_rates: Mapping[str, str]
    plan_rates: Mapping[str, str]
    auth_keys: Path | None
    api_versions: Mapping[str, VersionPolicy]
    mail: Mail
    metrics_token: str | None
    log_format: Literal["json", "console"]
    web_concurrency: int
    host: str
    port: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """
        Raises:
            BadVariable: the first variable that cannot be used.
        """

        def take(name: str, parse: Callable[[str], T], default: D) -> T | D:
            text = environ.get(name, "").strip()
            if not text:
                return default
            try:
                return parse(text)
            except ValueError as error:
                raise BadVariable(name, str(error)) from None

        debug = take("DEBUG", variables.flag, False)
        environment = cls(
            debug=debug,
            secret_key=take("SECRET_KEY", variables.secret_key, None),
            database=take(
                "DATABASE_URL", variables.database, Database("sqlite", str(VAR / "db.sqlite3"))
            ),
            redis_url=take("REDIS_URL", variables.redis, None),
            celery_broker_url=take("CELERY_BROKER_URL", variables.broker, None),
            allowed_hosts=take("ALLOWED_HOSTS", variables.hosts, LOOPBACK_HOSTS),
            cors_allowed_origins=take("CORS_ALLOWED_ORIGINS", variables.origins, ()),
            csrf_trusted_origins=take("CSRF_TRUSTED_ORIGINS", variables.trusted_origins, ()),
            trusted_proxies=take("TRUSTED_PROXIES", variables.networks, ()),
            throttle_rates=take("THROTTLE_RATES", variables.RatesParser(THROTTLES), {}),
            plan_rates=take("PLAN_RATES", variables.RatesParser(PLANS), {}),
            auth_keys=take("AUTH_KEYS", variables.key_set, None),
            api_versions=take("API_VERSIONS", variables.version_policies, {}),
            mail=take("EMAIL_URL", variables.mail, Mail("file", directory=VAR / "mail")),
            metrics_token=take("METRICS_TOKEN", str, None),
            log_format=take("LOG_FORMAT", variables.log_format, "console" if debug else "json"),
            web_concurrency=take("WEB_CONCURRENCY", variables.count, 1),
            host=take("HOST", variables.bind_host, "127.0.0.1"),
            port=take("PORT", variables.port, 8000),
        )
        environment._agree()
        return environment

    def _agree(self) -> None:
        """Refuse values that are right alone and wrong together."""
        if not self.debug and self.secret_key is None:
            raise BadVariable("SECRET_KEY", "required when DEBUG is off, 50 characters at least.")
        if self.web_concurrency > 1 and self.redis_url is None:
            raise BadVariable(
                "WEB_CONCURRENCY",
                "more than one worker needs REDIS_URL, or each would keep limits of its own.",
            )

    @classmethod
    def from_process(cls) -> Self:
        """Read ``os.environ``; a bad variable is one line on stderr and exit status 2."""
        try:
            return cls.read(os.environ)
        except BadVariable as error:
            error.end_process()
