"""
Which versions there are, which one is meant where none is named, and when each one ends.

    BACKSTAY = {
        "VERSIONS": ("v1", "v2"),
        "VERSION_POLICIES": {
            "v1": {"deprecated": "2027-01-01", "sunset": "2027-07-01", "link": "https://…"},
        },
    }

A version is current, deprecated from the first moment on, and from the second it is gone
(410). Both are told from the day they are written down, since a header that begins with the
deprecation warns nobody. A date is midnight UTC at its beginning.

Pure: whoever asks brings the time. Only ``policy`` reads the settings, when it is called.

Sources: RFC 9745 (``Deprecation``, and its link relation), RFC 8594 (``Sunset``, and its),
RFC 5829 section 3 (``successor-version``), RFC 8288 (``Link``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.utils.encoding import escape_uri_path
from django.utils.http import http_date

from backstay.conf import settings

Status = Literal["current", "deprecated", "sunset"]

#: What may stand between the angle brackets of a ``Link`` (RFC 3986 section 2).
_LINK = re.compile(r"(https?://|/)[!#-;=?-~]+")


@dataclass(frozen=True, slots=True)
class Version:
    """One version's name and its end, in seconds since 1970."""

    name: str
    deprecated_at: int | None = None
    sunset_at: int | None = None
    #: A page that explains both.
    link: str | None = None

    @classmethod
    def read(cls, name: str, values: Mapping[str, Any]) -> "Version":
        """
        Raises:
            ValueError: a key that is none, a date that cannot be read, or the end of a
                version before its deprecation (RFC 9745 section 4).
        """
        unknown = values.keys() - {"deprecated", "sunset", "link"}
        if unknown:
            raise ValueError(f"{min(unknown)!r} is none of deprecated, sunset, link.")
        deprecated, sunset = (moment(key, values.get(key)) for key in ("deprecated", "sunset"))
        link = values.get("link")
        if link is not None and not _LINK.fullmatch(str(link)):
            raise ValueError(f"expected link to be https://… or a path, not {link!r}.")
        if deprecated is not None and sunset is not None and sunset < deprecated:
            raise ValueError("it cannot end before it is deprecated.")
        return cls(name, deprecated, sunset, link)

    def status(self, now: float) -> Status:
        """What it is at *now*, in seconds since 1970."""
        if self.sunset_at is not None and now >= self.sunset_at:
            return "sunset"
        if self.deprecated_at is not None and now >= self.deprecated_at:
            return "deprecated"
        return "current"

    @property
    def ends(self) -> bool:
        return self.deprecated_at is not None or self.sunset_at is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """All versions, the oldest first."""

    versions: Mapping[str, Version]
    #: What is meant where none is named.
    default: str

    def successor(self, name: str, now: float) -> str | None:
        """The next version that is current at *now*, else the newest; ``None`` of that."""
        names = list(self.versions)
        later = names[names.index(name) + 1 :]
        current = (one for one in later if self.versions[one].status(now) == "current")
        return next(current, later[-1] if later else None)

    def headers(self, name: str, path: str, now: float) -> dict[str, str]:
        """What every answer of version *name* at *path* tells; nothing of one without an end."""
        told, links = _announced(self.versions[name])
        successor = self._same_in_successor(name, path, now) if told else None
        if successor is not None:
            links = (*links, f'<{successor}>; rel="successor-version"')
        return {**told, "Link": ", ".join(links)} if links else dict(told)

    def _same_in_successor(self, name: str, path: str, now: float) -> str | None:
        """Where the resource is in the version to move to, if the path says the version."""
        successor = self.successor(name, now)
        if successor is None or f"/{name}/" not in path:
            return None
        return escape_uri_path(path.replace(f"/{name}/", f"/{successor}/", 1))


@lru_cache(maxsize=64)
def _announced(version: Version) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """What does not depend on the request: the dates, and links to what explains them."""
    told, relations = {}, []
    if version.deprecated_at is not None:
        told["Deprecation"] = f"@{version.deprecated_at}"
        relations.append("deprecation")
    if version.sunset_at is not None:
        told["Sunset"] = http_date(version.sunset_at)
        relations.append("sunset")
    links = [f'<{version.link}>; rel="{relation}"' for relation in relations if version.link]
    return told, tuple(links)


def moment(key: str, value: Any) -> int | None:
    """
    A date or an aware time, as such or in ISO 8601, in seconds since 1970.

    >>> moment("sunset", "2027-07-01"), moment("sunset", "2027-07-01T02:00:00+02:00")
    (1814400000, 1814400000)

    Raises:
        ValueError: it is none; a time without an offset is nobody's.
    """
    if value is None:
        return None
    try:
        read = value if isinstance(value, date) else _parsed(value)
    except (TypeError, ValueError):
        raise ValueError(f"expected {key} as YYYY-MM-DD, not {value!r}.") from None
    if not isinstance(read, datetime):
        read = datetime.combine(read, time.min, UTC)
    if read.tzinfo is None:
        raise ValueError(f"expected {key} with an offset from UTC, not {value!r}.")
    return int(read.timestamp())


def _parsed(text: str) -> date:
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def policy() -> Policy:
    """
    The one in force.

    Raises:
        ImproperlyConfigured: the settings contradict themselves (``backstay.E030``).
    """
    given = settings.VERSION_POLICIES.items()
    ends = frozenset((name, frozenset(values.items())) for name, values in given)
    return _policy(settings.VERSIONS, settings.DEFAULT_VERSION, ends)


@lru_cache(maxsize=8)
def _policy(
    names: tuple[str, ...],
    default: str | None,
    ends: frozenset[tuple[str, frozenset[tuple[str, Any]]]],
) -> Policy:
    values = {name: dict(pairs) for name, pairs in ends}
    unknown = {*values, default or names[-1]} - set(names)
    if unknown:
        raise ImproperlyConfigured(f'BACKSTAY["VERSIONS"] has no version {min(unknown)!r}.')
    versions = {name: _version(name, values.get(name, {})) for name in names}
    return Policy(versions, default or names[-1])


def _version(name: str, values: Mapping[str, Any]) -> Version:
    try:
        return Version.read(name, values)
    except ValueError as error:
        raise ImproperlyConfigured(f'BACKSTAY["VERSION_POLICIES"]["{name}"]: {error}') from None
