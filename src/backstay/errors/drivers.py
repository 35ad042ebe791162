"""
What a database driver says of an error: an outage, or the constraint that a write broke.

An outage is what may work in a moment: no connection or a lost one, a statement or
lock time-out, a deadlock, a serialization failure, a database that is locked, full
or shutting down. A missing table or a wrong statement is none; it stays our mistake.

psycopg and psycopg2 name the constraint and its table; the columns are read from
the server's detail line, ``Key (a, b)=(…)``, whose form no translation changes.
sqlite3 has only its message, and none at all about a foreign key. With another
driver nothing is an outage and no constraint is known.

Sources: PostgreSQL error codes (appendix A of its manual), SQLite result codes.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["unique", "foreign_key", "check"]

# SQLSTATE classes and codes: connection, resources, operator intervention
# (statement time-out included), deadlock or serialization, lock, idle time-outs.
_OUTAGE_STATES = ("08", "53", "57", "40", "55P03", "25P03", "25P04")

_OUTAGE_NAMES = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_CANTOPEN",
    "SQLITE_INTERRUPT",
    "SQLITE_IOERR",
    "SQLITE_FULL",
)

_KINDS: dict[str, Kind] = {
    "23505": "unique",
    "23P01": "unique",
    "23503": "foreign_key",
    "23514": "check",
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_TRIGGER": "foreign_key",
    "SQLITE_CONSTRAINT_CHECK": "check",
}

_KEY = re.compile(r"\(([\w\", ]+)\)=\((.*?)\)")
_SQLITE_MESSAGE = re.compile(r"constraint failed: (?:index '(?P<index>[^']+)'|(?P<rest>.+))")


def is_outage(exc: BaseException) -> bool:
    """Whether Django's ``OperationalError`` or ``InterfaceError`` tells of an outage."""
    cause = exc.__cause__
    if hasattr(cause, "sqlstate") or hasattr(cause, "pgcode"):
        state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
        # Without a code the error is the driver's own: it has no server to ask.
        return state is None or state.startswith(_OUTAGE_STATES)
    return str(getattr(cause, "sqlite_errorname", "")).startswith(_OUTAGE_NAMES)


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
    name = diagnosis.sqlstate if diagnosis else getattr(cause, "sqlite_errorname", "")
    kind = _KINDS.get(name)
    if kind is None:
        return None
    return _postgresql(kind, diagnosis) if diagnosis else _sqlite(kind, str(cause))


def _postgresql(kind: Kind, diagnosis: Any) -> Violation:
    key = _KEY.search(diagnosis.message_detail or "")
    columns = tuple(name.strip(' "') for name in key[1].split(",")) if key else ()
    value = key[2] if key and len(columns) == 1 else None
    table, constraint = diagnosis.table_name or "", diagnosis.constraint_name or ""
    return Violation(kind, table, columns, constraint, value)


def _sqlite(kind: Kind, message: str) -> Violation:
    said = _SQLITE_MESSAGE.search(message)
    if said is None:
        return Violation(kind)
    if said["index"] or kind == "check":
        return Violation(kind, constraint=said["index"] or said["rest"])
    places = [place.partition(".") for place in said["rest"].split(", ")]
    return Violation(kind, table=places[0][0], columns=tuple(place[2] for place in places))
