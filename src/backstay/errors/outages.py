"""
Is a database error an outage, so that the same request may work in a moment?

Yes: no connection or a lost one, a statement or lock time-out, a deadlock, a
serialization failure, a database that is locked, full or shutting down. No: a
missing table, a wrong statement; those stay mistakes of ours.

Knows psycopg 3, psycopg2 and sqlite3; with another driver nothing is an outage.

Sources: PostgreSQL error codes (appendix A of its manual), SQLite result codes.
"""

# SQLSTATE classes and codes: connection, resources, operator intervention
# (statement time-out included), deadlock or serialization, lock, idle time-outs.
_SQLSTATES = ("08", "53", "57", "40", "55P03", "25P03", "25P04")

_SQLITE_NAMES = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_CANTOPEN",
    "SQLITE_INTERRUPT",
    "SQLITE_IOERR",
    "SQLITE_FULL",
)


def is_outage(exc: BaseException) -> bool:
    """Whether Django's ``OperationalError`` or ``InterfaceError`` tells of an outage."""
    cause = exc.__cause__
    if hasattr(cause, "sqlstate") or hasattr(cause, "pgcode"):
        state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
        # Without a code the error is the driver's own: it has no server to ask.
        return state is None or state.startswith(_SQLSTATES)
    return str(getattr(cause, "sqlite_errorname", "")).startswith(_SQLITE_NAMES)
