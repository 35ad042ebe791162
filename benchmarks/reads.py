"""
Reading orders: a plan beside DRF tuned by hand and as it comes, its peers, and the limit.

Whole requests to the applications in this process, without a server, middleware or
authentication. All answers are the same by value before anything is measured. Django's
connections are kept and not asked for their health. On SQLite the database works in this
process; PostgreSQL's own time is that of its processes, where this machine can see them.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

import django
from django.core.management import call_command
from django.db import connection

from backstay.counters import counted
from backstay.readplan.compile import compile_serializer
from benchmarks.contenders import Contender, contenders
from benchmarks.measure import costs, server_seconds
from benchmarks.peers import serializers
from shop.orders.models import Order

WORKLOADS = {
    "list": "100 orders with customer and number of items",
    "full": "100 orders with items, products, payments and address",
    "labelled": "the same 100 with a method field",
    "one": "one order, everything of it",
}
COMPILED = (serializers.OrderList, serializers.OrderDetail, serializers.OrderLabelled)


def run(*, orders: int, seconds: float) -> dict[str, Any]:
    """What was measured, as ``benchmarks.report`` takes it."""
    connection.settings_dict.update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=False)
    connection.close()
    call_command("demo_data", orders=orders)
    with contenders() as found:
        paths = paths_of(Order.objects.order_by("-created_at")[0].pk)
        measured = {}
        for name, path in paths.items():
            entered = {who: one for who, one in found.items() if name in one.workloads}
            same_answers(entered, path)
            measured[name] = _measure(WORKLOADS[name], entered, path, seconds / len(paths))
    # Its bodies would have been DRF's, and so would its figures.
    assert not counted("readplan_failed"), "a plan has failed"
    return {
        "database": _database(),
        "python": sys.version.split()[0],
        "django": django.__version__,
        "orders": orders,
        "workloads": measured,
        "compile": _compile_times(seconds / 20),
    }


def paths_of(key: int) -> dict[str, str]:
    """Workloads, and where each is asked for; *key* is an order's."""
    return {"list": "/list", "full": "/full", "labelled": "/labelled", "one": f"/one/{key}"}


def same_answers(entered: Mapping[str, Contender], path: str) -> None:
    """
    Raises:
        AssertionError: somebody answers other values than the first does.
    """
    answers = {who: values(json.loads(one.get(path))) for who, one in entered.items()}
    expected = next(iter(answers.values()))
    for who, answer in answers.items():
        assert answer == expected, f"{path}: {who} answers something else"


def values(body: Any) -> Any:
    """
    *body* with times as such, whatever their text, and without the text of a cursor.

    What belongs to an order is sorted: untuned, it comes as the database likes.
    """
    if isinstance(body, list):
        return [values(one) for one in body]
    if not isinstance(body, dict):
        return body
    shown = {name: values(one) for name, one in body.items()}
    for name in {"created_at", "paid_at"} & shown.keys():
        shown[name] = shown[name] and datetime.fromisoformat(shown[name])
    for name in {"items", "payments"} & shown.keys():
        shown[name].sort(key=itemgetter("id"))
    if "results" in shown:
        shown["next"] = shown["next"] is not None
    return shown


def _measure(
    title: str, entered: Mapping[str, Contender], path: str, seconds: float
) -> dict[str, Any]:
    calls = {who: _call(one, path) for who, one in entered.items()}
    statements = {}
    for who, one in entered.items():
        with one.counting() as seen:
            one.get(path)
            statements[who] = len(seen)
    found = costs(title, calls, seconds=seconds, other=server_seconds())
    return {
        who: {"own": cost.own, "server": cost.other, "statements": statements[who]}
        for who, cost in found.items()
    }


def _call(contender: Contender, path: str) -> Callable[[], object]:
    return lambda: contender.get(path)


def _database() -> str:
    if connection.vendor == "sqlite":
        return "SQLite " + ".".join(map(str, connection.get_database_version()))
    return "PostgreSQL " + ".".join(map(str, connection.get_database_version()))


def _compile_times(seconds: float) -> dict[str, float]:
    """Microseconds from a class to its plan, DRF's own fields included."""
    calls = {kind.__name__: _compiling(kind) for kind in COMPILED}
    return {name: cost.own for name, cost in costs("Compile", calls, seconds=seconds).items()}


def _compiling(kind: type[Any]) -> Callable[[], object]:
    return lambda: compile_serializer(kind())
