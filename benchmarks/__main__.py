"""
``make bench``: every benchmark; ``QUICK=1`` in three minutes.

Reads are measured on PostgreSQL, given in ``DATABASE_URL``, found on this machine or from
wheels, and on SQLite, in a process each; pages on PostgreSQL; everything else on the database
that is given, or on SQLite. ``WRITE=1`` writes ``docs/benchmarks.md`` with what was measured.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.services import Unavailable, postgresql

#: Orders among which reads find theirs.
ORDERS = 3_000


def main() -> None:
    # PostgreSQL is stopped on the way out, so SIGTERM has to take the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    os.environ["DEBUG"] = "0"
    os.environ["SECRET_KEY"] = "a key for benchmarks: it protects nothing, and is long enough"
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shop-bench-")))
        reads, apart = [], {}
        try:
            server = stack.enter_context(postgresql(os.environ))
            reads.append(_apart("reads", server.url, scratch))
            apart["pages"] = _apart("pages", server.url, scratch)
            # Of one product, which only a database with many writers can tell apart.
            apart["orders"] = _apart("orders", server.url, scratch)
        except Unavailable as unavailable:
            print(f"not run: {unavailable}")
        watched = f"sqlite:///{scratch / 'monitoring.sqlite3'}"
        apart["monitoring"] = _apart("monitoring", watched, scratch)
        reads.append(_apart("reads", f"sqlite:///{scratch / 'reads.sqlite3'}", scratch))
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{scratch / 'bench.sqlite3'}")
        _everything_else(quick=_set("QUICK"))
        if _set("WRITE"):
            from benchmarks import report

            report.write(reads, apart)


def _apart(part: str, url: str, scratch: Path) -> dict[str, Any]:
    """What a process of its own has measured of *part* on the database at *url*."""
    outcome = scratch / f"{part}.json"
    command = [sys.executable, "-m", "benchmarks", part, str(outcome)]
    subprocess.run(command, check=True, env={**os.environ, "DATABASE_URL": url})
    found: dict[str, Any] = json.loads(outcome.read_text())
    return found


def _measure(part: str, outcome: Path) -> None:
    """In that process: measure, show, and leave what was measured in *outcome*."""
    from benchmarks import monitoring

    if part == "monitoring":
        monitoring.share_metrics()
    prepare()
    from benchmarks import orders, pages, reads, report

    quick = _set("QUICK")
    if part == "pages":
        found = pages.run(orders=20_000 if quick else 1_000_000, seconds=8 if quick else 60)
        pages.show(found)
    elif part == "orders":
        found = orders.run(seconds=20 if quick else 120)
        orders.show(found)
    elif part == "monitoring":
        found = monitoring.run(orders=ORDERS, seconds=8 if quick else 60)
        print("\n".join(monitoring.section(found)))
    else:
        found = reads.run(orders=ORDERS, seconds=12 if quick else 120)
        report.show(found)
    outcome.write_text(json.dumps(found))


def _everything_else(*, quick: bool) -> None:
    prepare()
    from benchmarks import authentication, caching, throttles, tokens

    seconds = 4 if quick else 20
    tokens.run(seconds=seconds)
    authentication.run(seconds=seconds)
    throttles.run(seconds=seconds)
    caching.run(orders=ORDERS, seconds=seconds)


def prepare() -> None:
    """Django, on an empty database or one that was prepared before."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _set(name: str) -> bool:
    return os.environ.get(name, "") not in {"", "0"}


if __name__ == "__main__":
    if sys.argv[1:]:
        _measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
