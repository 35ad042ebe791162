"""
The forms a variable of the environment may have.

Each function takes the text of one variable and returns its value, or raises
``ValueError`` with one sentence about what was expected. The sentence quotes
the text only where it cannot hold a password.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from shop.driver_options import check_postgresql, check_redis, query_of

RATE = re.compile(r"[1-9][0-9]{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)")
#: RFC 1035 section 2.3.4: 63 octets a label.
NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
HOST_PATTERN = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
ORIGIN = re.compile(
    r"https?://([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
)
TRUSTED_ORIGIN = re.compile(rf"{ORIGIN.pattern}|https?://\*(\.[A-Za-z0-9_-]+)+(:[0-9]{{1,5}})?")


@dataclass(frozen=True, slots=True)
class Database:
    """Where rows live. ``name`` is a path for SQLite."""

    engine: Literal["sqlite", "postgresql"]
    name: str
    user: str = ""
    password: str = ""
    host: str = ""
    port: int | None = None
    #: Driver options given as the URL's query, such as ``sslmode``.
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """How mail leaves."""

    transport: Literal["file", "console", "smtp", "smtps"]
    directory: Path | None = None
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class VersionPolicy:
    """When one version of the API ends. Dates are UTC; ``link`` explains."""

    deprecated: date | None = None
    sunset: date | None = None
    link: str | None = None


def flag(text: str) -> bool:
    match text.lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
    raise ValueError(f"expected 1 or 0, true or false, yes or no, on or off, not {text!r}.")


def count(text: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}", text):
        raise ValueError(f"expected a whole number above zero, not {text!r}.")
    return int(text)


def port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError(f"expected a number from 1 to 65535, not {text!r}.")
    return int(text)


def bind_host(text: str) -> str:
    try:
        if ":" in text:
            IPv6Address(text)
        elif re.fullmatch(r"[0-9.]+", text):
            IPv4Address(text)
        elif not NAME.fullmatch(text):
            raise ValueError
    except ValueError:
        raise ValueError(f"expected an address or a host name, not {text!r}.") from None
    return text


def secret_key(text: str) -> str:
    if len(text) < 50:
        raise ValueError(f"expected 50 characters at least, got {len(text)}.")
    return text


def log_format(text: str) -> Literal["json", "console"]:
    match text:
        case "json" | "console":
            return text
    raise ValueError(f"expected json or console, not {text!r}.")


def hosts(text: str) -> tuple[str, ...]:
    return _listed(text, HOST_PATTERN, "a host name without scheme or port")


def origins(text: str) -> tuple[str, ...]:
    return _listed(text, ORIGIN, "a full origin such as https://app.example")


def trusted_origins(text: str) -> tuple[str, ...]:
    return _listed(
        text, TRUSTED_ORIGIN, "an origin such as https://app.example or https://*.app.example"
    )


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part) for part in _parts(text))


def database(text: str) -> Database:
    """Read ``sqlite:///relative``, ``sqlite:////absolute`` or ``postgresql://…/name``."""
    url = _url(text)
    name = unquote(url.path.removeprefix("/"))
    if url.scheme == "sqlite" and not (url.netloc or url.query) and name:
        return Database("sqlite", name)
    if url.scheme in {"postgres", "postgresql"} and name:
        options = query_of(url)
        check_postgresql(options)
        return Database(
            "postgresql",
            name,
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            host=options.pop("host", "") or url.hostname or "",
            port=url.port,
            options=tuple(options.items()),
        )
    raise ValueError("expected sqlite:///path or postgresql://user:password@host:port/name.")


def redis(text: str) -> str:
    url = _url(text)
    served = url.path if url.scheme == "unix" else url.hostname
    if url.scheme not in {"redis", "rediss", "unix"} or not served:
        raise ValueError("expected redis://host:port/0, rediss://… or unix:///path.")
    if url.scheme != "unix" and not re.fullmatch(r"(/[0-9]*)?", url.path):
        raise ValueError("expected the number of a Redis database after the port.")
    check_redis(text)
    return text


def broker(text: str) -> str:
    url = _url(text)
    if url.scheme not in {"amqp", "amqps", "redis", "rediss"} or not url.hostname:
        raise ValueError("expected amqp://, amqps://, redis:// or rediss:// with a host.")
    return text


def mail(text: str) -> Mail:
    """Read ``file:///directory``, ``console:``, ``smtp://…`` or ``smtps://…``."""
    url = _url(text)
    if url.query:
        raise ValueError("expected no question mark.")
    if url.scheme == "console" and not (url.netloc or url.path):
        return Mail("console")
    if url.scheme == "file" and not url.netloc and url.path.startswith("/"):
        return Mail("file", directory=_directory(unquote(url.path)))
    if url.scheme in {"smtp", "smtps"} and url.hostname:
        return Mail(
            "smtp" if url.scheme == "smtp" else "smtps",
            host=url.hostname,
            port=url.port or (25 if url.scheme == "smtp" else 465),
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
        )
    raise ValueError(
        "expected file:///directory, smtp://user:password@host:port, smtps://… or console:."
    )


@dataclass(frozen=True, slots=True)
class RatesParser:
    """A JSON object of rates, ``{"login": "5/minute"}``, for the names given."""

    names: tuple[str, ...]

    def __call__(self, text: str) -> Mapping[str, str]:
        values = _json_object(text)
        for name, rate in values.items():
            if name not in self.names:
                raise ValueError(f"{name!r} is none of {', '.join(self.names)}.")
            if not isinstance(rate, str) or not RATE.fullmatch(rate):
                raise ValueError(
                    f'expected "<count>/<second|minute|hour|day>" for {name!r}, not {rate!r}.'
                )
        return values


def key_set(text: str) -> Path:
    """Read the path of a JWK Set (RFC 7517 section 5) with a key that can sign."""
    path = Path(text)
    try:
        keys = json.loads(path.read_bytes())["keys"]
        able_to_sign = any("d" in key or "k" in key for key in keys)
    except OSError as error:
        raise ValueError(f"{text!r} cannot be read ({error.strerror}).") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(f"{text!r} does not hold a JWK Set.") from None
    if not able_to_sign:
        raise ValueError(f"{text!r} has no private or symmetric key to sign with.")
    return path


def version_policies(text: str) -> Mapping[str, VersionPolicy]:
    """Read ``{"v1": {"deprecated": "2027-01-01", "sunset": …, "link": …}}``."""
    values = _json_object(text)
    for version, policy in values.items():
        if version not in {"v1", "v2"}:
            raise ValueError(f"{version!r} is neither v1 nor v2.")
        if not isinstance(policy, dict):
            raise ValueError(f"expected an object for {version!r}.")
    return {version: _version_policy(policy) for version, policy in values.items()}


def _version_policy(values: dict[str, Any]) -> VersionPolicy:
    unknown = values.keys() - {"deprecated", "sunset", "link"}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is none of deprecated, sunset, link.")
    policy = VersionPolicy(
        deprecated=_day(values, "deprecated"),
        sunset=_day(values, "sunset"),
        link=values.get("link"),
    )
    if policy.link is not None and not (
        isinstance(policy.link, str) and re.fullmatch(r"https?://[!#-;=?-~]+", policy.link)
    ):
        raise ValueError(f"expected a link that starts with https://, not {policy.link!r}.")
    if policy.deprecated and policy.sunset and policy.sunset < policy.deprecated:
        raise ValueError("a version cannot end before it is deprecated (RFC 9745 section 4).")
    return policy


def _day(values: dict[str, Any], name: str) -> date | None:
    text = values.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"expected {name} as YYYY-MM-DD, not {text!r}.") from None


def _json_object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("expected a JSON object.") from None
    if not isinstance(values, dict):
        raise ValueError("expected a JSON object.")
    return values


def _directory(text: str) -> Path:
    """A path at which a directory is, or can be made."""
    path = Path(text)
    try:
        present = next(place for place in (path, *path.parents) if place.exists())
    except OSError as error:
        raise ValueError(f"{text!r} cannot be used ({error.strerror}).") from None
    if not present.is_dir():
        raise ValueError(f"{str(present)!r} is not a directory.")
    return path


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("expected one at least, or nothing.")
    return parts


def _listed(text: str, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
    for part in _parts(text):
        if not pattern.fullmatch(part):
            raise ValueError(f"{part!r} is not {expected}; several are separated by commas.")
        # Brackets around what is no IPv6 address, and ports above 65535.
        _url(part if "://" in part else f"//{part}")
    return tuple(_parts(text))


def _url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        acceptable = url.port != 0
    except ValueError:
        acceptable = False
    if not acceptable:
        raise ValueError("expected a URL with a host and a port from 1 to 65535.")
    if "\0" in unquote(text) or "#" in text:
        raise ValueError("expected a URL without a zero byte, and with # written as %23.")
    return url
