"""
What a driver says about the constraint that a write broke.

psycopg and psycopg2 name the constraint and its table; the columns are read from
the server's detail line, ``Key (a, b)=(…)``, whose form no translation changes.
sqlite3 has only its message, and none at all about a foreign key.

Sources: PostgreSQL error codes of class 23; SQLite extended result codes.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["unique", "foreign_key", "check"]

_SQLSTATES: dict[str, Kind] = {
    "23505": "unique",
    "23P01": "unique",
    "23503": "foreign_key",
    "23514": "check",
}
_SQLITE_NAMES: dict[str, Kind] = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_TRIGGER": "foreign_key",
    "SQLITE_CONSTRAINT_CHECK": "check",
}

_KEY = re.compile(r"\(([\w\", ]+)\)=\((.*?)\)")
_SQLITE_MESSAGE = re.compile(r"constraint failed: (?:index '(?P<index>[^']+)'|(?P<rest>.+))")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken constraint; what the driver did not say is empty."""

    kind: Kind
    table: str = ""
    columns: tuple[str, ...] = ()
    constraint: str = ""
    #: Of a foreign key: the value that refers to nothing.
    value: str | None = None


def read_violation(exc: BaseException) -> Violation | None:
    """The violation behind Django's ``IntegrityError``; ``None`` for a NOT NULL, or unknown."""
    cause: Any = exc.__cause__
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is not None:
        return _postgresql(diagnosis)
    return _sqlite(cause)


def _postgresql(diagnosis: Any) -> Violation | None:
    kind = _SQLSTATES.get(diagnosis.sqlstate or "")
    if kind is None:
        return None
    key = _KEY.search(diagnosis.message_detail or "")
    columns = tuple(name.strip(' "') for name in key[1].split(",")) if key else ()
    return Violation(
        kind,
        table=diagnosis.table_name or "",
        columns=columns,
        constraint=diagnosis.constraint_name or "",
        value=key[2] if key and len(columns) == 1 else None,
    )


def _sqlite(cause: Any) -> Violation | None:
    kind = _SQLITE_NAMES.get(getattr(cause, "sqlite_errorname", ""))
    if kind is None:
        return None
    said = _SQLITE_MESSAGE.search(str(cause))
    if said is None:
        return Violation(kind)
    if said["index"] or kind == "check":
        return Violation(kind, constraint=said["index"] or said["rest"])
    places = [place.partition(".") for place in said["rest"].split(", ")]
    return Violation(kind, table=places[0][0], columns=tuple(place[2] for place in places))
