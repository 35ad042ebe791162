"""
Every setting of backstay: typed, commented, read when used.

A project writes one dict, ``BACKSTAY = {"ISSUER": "shop", …}``, in its Django
settings. Nothing here is read at import, so ``override_settings`` works
everywhere. A key that is not below, or a value of the wrong form, is a system
check error (``backstay.E001``, ``backstay.E002``), not silence.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from os import PathLike
from typing import Any, Generic, TypeVar, overload

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

T = TypeVar("T")

#: Where Django keeps the settings that were read before; it drops what is overridden. A
#: request reads dozens of ours, and to ask ``settings`` takes ten times as long.
_read: dict[str, Any] = object.__getattribute__(django_settings, "__dict__")


class Setting(Generic[T]):
    """
    One key of ``BACKSTAY``, read and parsed at each access.

    ``parse`` gets the project's value and returns it in the form used here;
    it raises ``ValueError`` with one sentence about what was expected.
    """

    def __init__(self, default: T, parse: Callable[[Any], T]) -> None:
        self.default = default
        self.parse = parse
        self.name = ""
        #: The project's value and what was made of it, for as long as it is the same object.
        self._parsed: tuple[Any, T] | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Setting[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "Setting[T] | T":
        if instance is None:
            return self
        values = _read.get("BACKSTAY")
        if values is None:
            values = getattr(django_settings, "BACKSTAY", {})
        if self.name not in values:
            return self.default
        given, parsed = values[self.name], self._parsed
        if parsed is None or parsed[0] is not given or isinstance(given, list | dict):
            parsed = self._parsed = (given, self._parse(given))
        return parsed[1]

    def _parse(self, given: Any) -> T:
        try:
            return self.parse(given)
        except ValueError as error:
            raise ImproperlyConfigured(f'BACKSTAY["{self.name}"]: {error}') from None


def duration(value: Any) -> timedelta:
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise ValueError("expected a datetime.timedelta that is not negative.")
    return value


def positive_duration(value: Any) -> timedelta:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise ValueError("expected a datetime.timedelta above zero.")
    return value


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a string that is not empty.")
    return value


def optional_text(value: Any) -> str | None:
    return None if value is None else text(value)


def path(value: Any) -> str:
    return text(str(value) if isinstance(value, PathLike) else value)


def optional_path(value: Any) -> str | None:
    return None if value is None else path(value)


def names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(name, str) and name for name in value
    ):
        raise ValueError("expected a list or tuple of strings that are not empty.")
    return tuple(value)


def some_names(value: Any) -> tuple[str, ...]:
    found = names(value)
    if not found:
        raise ValueError("expected one name at least.")
    return found


def positive(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("expected a whole number above zero.")
    return value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected True or False.")
    return value


def share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("expected a number from 0 to 1.")
    return float(value)


def texts_by_name(value: Any) -> dict[str, str | None]:
    if not isinstance(value, dict) or not all(
        isinstance(name, str) and (text is None or isinstance(text, str))
        for name, text in value.items()
    ):
        raise ValueError("expected a dict of strings, or None, by name.")
    return value


def options_by_name(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not all(
        isinstance(name, str)
        and isinstance(options, dict)
        and all(one is None or isinstance(one, str | date) for one in options.values())
        for name, options in value.items()
    ):
        raise ValueError("expected a dict of dicts of strings, dates or None, by name.")
    return value


def networks(value: Any) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return _networks(names(value))
    except ValueError as error:
        raise ValueError(f"expected networks such as 10.0.0.0/8 ({error}).") from None


@lru_cache(maxsize=8)
def _networks(values: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(value) for value in values)


def function(value: Any) -> Callable[..., Any]:
    """Take a callable, or the dotted path of one."""
    if isinstance(value, str):
        try:
            value = import_string(value)
        except ImportError as error:
            raise ValueError(f"the dotted path cannot be imported ({error}).") from None
    if not callable(value):
        raise ValueError("expected a callable or its dotted path.")
    return value  # type: ignore[no-any-return]  # ``callable`` narrows to an untyped callable.


def optional_function(value: Any) -> Callable[..., Any] | None:
    return None if value is None else function(value)


class Settings:
    """The settings as attributes: ``from backstay.conf import settings``."""

    # --- errors ---------------------------------------------------------------

    #: Shape of every error body: a ``backstay.errors.formatters`` name, or the
    #: dotted path of your own ``(Details) -> dict``.
    ERROR_FORMATTER = Setting[str]("backstay.errors.formatters.problem_json", text)

    #: What a problem's ``type`` begins with (RFC 9457 section 3.1.1); the code follows.
    ERROR_TYPE_BASE = Setting[str]("/errors/", text)

    #: Path prefixes whose HTML error pages are left as Django makes them.
    ERROR_HTML_PATHS = Setting[tuple[str, ...]](("/admin/",), names)

    #: Request bodies longer than this are refused with 413 before they are read.
    MAX_BODY_BYTES = Setting[int](2_621_440, positive)

    # --- what is shared by processes ------------------------------------------

    #: ``redis://…``; ``None``: limits, revocations and caches are this process's own.
    REDIS_URL = Setting[str | None](None, optional_text)

    #: What every key of ours in that Redis begins with.
    KEY_PREFIX = Setting[str]("backstay", text)

    #: Server processes that share the limits. While Redis is out each takes its part.
    WORKERS = Setting[int](1, positive)

    #: Networks of proxies whose ``X-Forwarded-For`` is believed.
    TRUSTED_PROXIES = Setting[tuple[IPv4Network | IPv6Network, ...]]((), networks)

    # --- tokens (the names are simplejwt's, so its users switch by renaming a dict) ---

    ACCESS_TOKEN_LIFETIME = Setting[timedelta](timedelta(minutes=15), positive_duration)
    REFRESH_TOKEN_LIFETIME = Setting[timedelta](timedelta(days=30), positive_duration)

    #: Clock difference forgiven between the machines that issue and verify.
    LEEWAY = Setting[timedelta](timedelta(seconds=10), duration)

    #: Written to and required of every token: ``iss`` and ``aud`` (RFC 7519 section 4.1).
    ISSUER = Setting[str]("backstay", text)
    AUDIENCE = Setting[str]("backstay", text)

    #: Path of a JWK Set (RFC 7517). The first private or symmetric key signs, all
    #: verify. ``None``: one HS256 key derived from ``SECRET_KEY``.
    AUTH_KEYS = Setting[str | None](None, optional_text)

    #: ``(user) -> dict``: own claims, added to access and refresh tokens.
    TOKEN_CLAIMS = Setting[Callable[..., Any] | None](None, optional_function)

    #: ``(claims) -> user``: ``request.user`` as far as an access token's claims tell,
    #: made without a query; see ``backstay.auth.claimed``. ``None``: the key alone.
    TOKEN_USER = Setting[Callable[..., Any] | None](None, optional_function)

    # --- sessions (backstay.auth.sessions) ------------------------------------

    #: For so long a refresh token that was just spent gives its successor once more:
    #: to a second tab, or to a client that lost the answer.
    REFRESH_LEEWAY = Setting[timedelta](timedelta(seconds=10), duration)

    # --- versions -------------------------------------------------------------

    #: The versions the API speaks, oldest first. Code is written for the last.
    VERSIONS = Setting[tuple[str, ...]](("v1",), some_names)

    #: The version of requests that name none; ``None``: the newest.
    DEFAULT_VERSION = Setting[str | None](None, optional_text)

    #: When versions end, by name: ``{"v1": {"deprecated": "2027-01-01", "sunset":
    #: "2027-07-01", "link": "https://…"}}``; see ``backstay.versioning.policy``.
    VERSION_POLICIES = Setting[dict[str, dict[str, Any]]]({}, options_by_name)

    # --- documents (backstay.contrib.spectacular) -----------------------------

    #: Where ``manage.py contract`` keeps the contract of each version.
    CONTRACTS = Setting[str]("contracts", path)

    #: Where ``manage.py contract build`` writes the documents that are served; ``None``:
    #: each process makes its own.
    DOCUMENTS = Setting[str | None](None, optional_path)

    #: A JSON file of real answers, shown as examples.
    DOCUMENT_EXAMPLES = Setting[str | None](None, optional_path)

    # --- plans ----------------------------------------------------------------

    #: Plans from the lowest to the highest; a gate for one admits those after it.
    PLANS = Setting[tuple[str, ...]](("free", "pro", "enterprise"), some_names)

    # --- limits ---------------------------------------------------------------

    #: The rates of an organization by its plan; ``None``: no limit.
    PLAN_RATES = Setting[dict[str, str | None]](
        {"free": "100/hour", "pro": "5000/hour", "enterprise": "50000/hour"}, texts_by_name
    )

    #: ``(user) -> (key, plan) | None``: the organization that a user's calls count for.
    #: ``None``: that of ``user.organization``, if there is one.
    ORGANIZATION_OF = Setting[Callable[..., Any] | None](None, optional_function)

    #: Whether answers have ``X-RateLimit-*`` too, for clients that know no others.
    LEGACY_RATE_LIMIT_HEADERS = Setting[bool](False, flag)

    # --- response cache -------------------------------------------------------

    #: The Django cache that keeps answers where there is no ``REDIS_URL``; ``None``: this
    #: process keeps its own.
    CACHE_ALIAS = Setting[str | None](None, optional_text)

    # --- compiled reads -------------------------------------------------------

    #: The share of readings, 0 to 1, that DRF does as well: a difference is logged and
    #: counted, and DRF's answer is the one that is sent.
    READPLAN_VERIFY = Setting[float](0.0, share)

    #: Ways to read that know how Django builds its queries; see ``backstay.readplan.sql``.
    READPLAN_KEEP_SQL = Setting[bool](True, flag)
    READPLAN_RAW_VALUES = Setting[bool](True, flag)

    # --- monitoring -----------------------------------------------------------

    #: The share of requests, 0 to 1, of which each statement is looked at where it is run.
    QUERY_WATCH_SHARE = Setting[float](0.01, share)

    #: A statement that takes so long is told of.
    SLOW_QUERY = Setting[timedelta](timedelta(milliseconds=200), positive_duration)

    #: Whether staff are told by ``Server-Timing`` what their request cost.
    SERVER_TIMING = Setting[bool](True, flag)

    #: What a scraper of ``/metrics`` has to send as ``Authorization: Bearer``; ``None``: open.
    METRICS_TOKEN = Setting[str | None](None, optional_text)

    # --- outbox ---------------------------------------------------------------

    #: A job that has failed so often is parked until somebody looks at it.
    OUTBOX_MAX_ATTEMPTS = Setting[int](10, positive)

    #: After so long the jobs of a worker that died are taken by another. Longer than
    #: any job with ``atomic=False`` takes.
    OUTBOX_LEASE = Setting[timedelta](timedelta(minutes=1), positive_duration)

    #: What ``manage.py worker`` runs. ``None``: it runs the jobs itself;
    #: ``"backstay.contrib.celery.CeleryRelay"`` hands them to Celery.
    OUTBOX_RELAY = Setting[Callable[..., Any] | None](None, optional_function)

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in vars(type(self)).items() if isinstance(value, Setting))


settings = Settings()


def plan_admits(actual: str | None, required: str) -> bool:
    """
    Whether *actual* is *required* or a higher plan of ``PLANS``.

    Raises:
        ImproperlyConfigured: no plan is called *required*.
    """
    plans = settings.PLANS
    if required not in plans:
        raise ImproperlyConfigured(f'BACKSTAY["PLANS"] has no plan {required!r}.')
    return actual in plans and plans.index(actual) >= plans.index(required)
