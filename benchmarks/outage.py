"""
``python -m benchmarks.outage``: how long the served shop's answers take while Redis stands still.

Two workers, clients that ask one call after the other, and a Redis that is stopped
(SIGSTOP) and goes on. Told are the answers before, meanwhile and after, and how long after
it went on the whole limit was counted by it again, which the answers' headers say.
"""

import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from tests.faulty_redis import redis_of_ones_own
from tests.ratelimit_fields import parse
from tests.shop.processes import eventually
from tests.shop.served import ME, Shop, demo_database, served, stopped

CLIENTS = 4
SECONDS = 10
CALLS = 100_000
RATES = {"login": "100/minute", "user": f"{CALLS}/minute"}


def main() -> None:
    table = Table("Redis", "answers", "by status", "p50 ms", "p99 ms", "longest ms")
    with tempfile.TemporaryDirectory() as directory, redis_of_ones_own() as redis:
        database = demo_database(Path(directory))
        with served(database, redis, workers=2, rates=RATES) as shop:
            token = shop.log_in()
            load(shop, token, seconds=2)
            phases: dict[str, AbstractContextManager[None]] = {
                "answers": nullcontext(),
                "stands still": stopped(redis),
            }
            for name, phase in phases.items():
                with phase:
                    row(table, name, load(shop, token, seconds=SECONDS))
            began = time.monotonic()
            recovered = eventually(lambda: counts_wholly(shop, token), seconds=30)
            took = time.monotonic() - began
            row(table, "answers again", load(shop, token, seconds=SECONDS))
    Console().print(table)
    print(f"Recovered after {took:.1f} s." if recovered else "Not recovered.")


def load(shop: Shop, token: str, *, seconds: float) -> list[tuple[int, float]]:
    """Status and seconds of each answer."""
    over = threading.Event()

    def ask() -> list[tuple[int, float]]:
        seen = []
        while not over.is_set():
            began = time.perf_counter()
            seen.append((shop.read(token), time.perf_counter() - began))
        return seen

    with ThreadPoolExecutor(CLIENTS) as threads:
        jobs = [threads.submit(ask) for _ in range(CLIENTS)]
        time.sleep(seconds)
        over.set()
        return [answer for job in jobs for answer in job.result()]


def counts_wholly(shop: Shop, token: str) -> bool:
    """Whether every worker, of which each call reaches one, counts up to the whole limit."""
    answers = [shop.answer("GET", ME, token=token) for _ in range(20)]
    return {parse(one.headers["RateLimit-Policy"])["user"]["q"] for one in answers} == {CALLS}


def row(table: Table, name: str, answers: list[tuple[int, float]]) -> None:
    times = [seconds * 1000 for _, seconds in answers]
    parts = quantiles(times, n=100)
    statuses = ", ".join(f"{n} × {code}" for code, n in Counter(s for s, _ in answers).items())
    figures = [f"{number:,.0f}" for number in (parts[49], parts[98], max(times))]
    table.add_row(name, f"{len(times)}", statuses, *figures)


if __name__ == "__main__":
    main()
