"""
The options a driver takes in the query of its URL, checked without connecting.

A name that the driver does not know, or a value that it would refuse at the
first connection, is a ``ValueError`` that names the option and, since it may
be a password, not its value. Not checked: whether a file that is named exists.

Sources: libpq section 34.1.2 (parameter key words); redis-py ``from_url``.
"""

from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, urlsplit

from psycopg import pq
from redis import ConnectionPool, RedisError

POSTGRESQL_INTEGERS = {
    "connect_timeout",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "port",
    "tcp_user_timeout",
}
POSTGRESQL_CHOICES = {
    "channel_binding": {"disable", "prefer", "require"},
    "gssencmode": {"disable", "prefer", "require"},
    "load_balance_hosts": {"disable", "random"},
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "target_session_attrs": {
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    },
}

#: Text or numbers; the other arguments of redis-py are objects, which a URL cannot hold.
REDIS_OPTIONS = {
    "client_name",
    "db",
    "health_check_interval",
    "max_connections",
    "password",
    "protocol",
    "retry_on_timeout",
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_timeout",
    "username",
}
REDIS_TLS_OPTIONS = {
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
}
#: ``SELECT`` takes a C int.
MAX_REDIS_DATABASE = 2**31 - 1


def query_of(url: SplitResult) -> dict[str, str]:
    """The query of *url*; each name once, each with a value."""
    if not url.query:
        return {}
    try:
        pairs = parse_qsl(url.query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise ValueError("expected name=value pairs after the question mark.") from None
    options = dict(pairs)
    if len(options) < len(pairs) or not all(options.values()):
        raise ValueError("expected each option after the question mark once, with a value.")
    return options


def check_postgresql(options: Mapping[str, str]) -> None:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"{name!r} is not an option of PostgreSQL's driver.")
        if name in POSTGRESQL_INTEGERS and not (value.isascii() and value.isdigit()):
            raise ValueError(f"expected a whole number for {name}.")
        if name in POSTGRESQL_INTEGERS and len(value) > 9:
            raise ValueError(f"expected at most nine digits for {name}.")
        if value not in POSTGRESQL_CHOICES.get(name, {value}):
            choices = ", ".join(sorted(POSTGRESQL_CHOICES[name]))
            raise ValueError(f"expected one of {choices} for {name}.")


def check_redis(text: str) -> None:
    url = urlsplit(text)
    options = query_of(url)
    known = REDIS_OPTIONS | (REDIS_TLS_OPTIONS if url.scheme == "rediss" else set())
    for name in options:
        if name not in known:
            raise ValueError(f"{name!r} is not an option of a {url.scheme}:// URL.")
    for name in ("socket_timeout", "socket_connect_timeout"):
        if name in options and not _is_duration(options[name]):
            raise ValueError(f"expected a number of seconds above zero for {name}.")
    try:
        pool = ConnectionPool.from_url(text)
        pool.make_connection()
        database = int(pool.connection_kwargs.get("db", 0))
    except (TypeError, ValueError, RedisError):
        # The driver's own text may quote the URL.
        names = f" for one of {', '.join(options)}" if options else ""
        raise ValueError(f"expected a value that the Redis driver takes{names}.") from None
    if not 0 <= database <= MAX_REDIS_DATABASE:
        raise ValueError(f"expected the number of a database up to {MAX_REDIS_DATABASE}.")


def _is_duration(text: str) -> bool:
    try:
        return 0 < float(text) <= 86_400
    except ValueError:
        return False
