"""
Walks an API as every actor, and tells where one learns of an object that is not theirs.

For an actor who may not see it, a foreign object must answer exactly like a missing
one: in paths by every method, one that does not exist, an overridden one and a format
suffix; in query parameters; in bodies. No list holds it, on any page or under any
filter, and no request for it changes a row.

Every request is undone, so the order of the walk does not matter. Limits: what the
document does not tell is not walked; time is not measured; one database, ``default``.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db import connection, transaction

from backstay.testing.answers import Answer, answer_of, difference
from backstay.testing.plan import Listing, Plan, Probe
from backstay.testing.resources import Actor, Call, IncompleteWalk, Leak, Resource

MAX_PAGES = 50

#: Stands for a snapshot that need not be taken.
UNTOUCHED = object()

READS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK")


def assert_isolated(document: Mapping[str, Any], **walk: Any) -> None:
    """
    Fail with a line for each leak; the arguments are those of :class:`Walker`.

    Raises:
        AssertionError: there are leaks.
        IncompleteWalk: the walk would prove less than it seems to.
    """
    leaks = Walker(document, **walk).leaks()
    if leaks:
        raise AssertionError("\n".join([f"{len(leaks)} leaks:", *map(str, leaks)]))


@dataclass(frozen=True)
class Walker:
    """
    The API that ``document``, OpenAPI 3 as a dict, describes, and who walks it.

    ``snapshot`` returns everything that must not change, in a form that can be compared.
    ``examples`` are values for bodies by the name of the member, where a schema alone
    does not tell a valid one. ``ignored_headers`` may differ between any two answers.
    ``mounted`` turns a documented path into the one to call.
    """

    document: Mapping[str, Any]
    _: KW_ONLY
    actors: Sequence[Actor]
    resources: Sequence[Resource]
    snapshot: Callable[[], Any]
    examples: Mapping[str, Any] = field(default_factory=dict)
    ignored_headers: Collection[str] = ()
    mounted: Callable[[str], str] = str

    def leaks(self) -> list[Leak]:
        """
        Walk, and tell every leak.

        Raises:
            IncompleteWalk: an id has no resource, an actor who may see a foreign object
                does not, or a request was throttled.
        """
        plan = Plan(self.document, self.resources, self.examples)
        callers = [Caller(actor, self) for actor in self.actors]
        for caller in callers:
            caller.refuse_blindness(plan)
        before = self.snapshot()
        return [leak for caller in callers for leak in caller.leaks(plan, before)]


class Caller:
    """One actor's client, whose every request is undone."""

    def __init__(self, actor: Actor, walker: Walker) -> None:
        self.name = actor.name
        self.client = actor.client()
        self.client.raise_request_exception = False
        self.walker = walker

    def refuse_blindness(self, plan: Plan) -> None:
        """
        Raises:
            IncompleteWalk: the actor should see an object and does not, so finds no leak either.
        """
        for probe in plan.controls(self.name):
            if self.answer(probe, probe.foreign)[0] == self.answer(probe, probe.missing)[0]:
                raise IncompleteWalk(
                    f"{self.name} may see {probe.resource.name} {probe.resource.foreign}, "
                    f"and GET {probe.route} answers as for a missing one."
                )

    def leaks(self, plan: Plan, before: Any) -> Iterator[Leak]:
        for probe in plan.probes(self.name):
            if told := self.told_by(probe, before):
                yield Leak(probe.route, probe.foreign.method, self.name, f"{probe.what} {told}")
        for listing in plan.listings(self.name):
            if told := self.told_by_list(listing):
                query = f"?{urlencode(listing.call.query)} " if listing.call.query else ""
                yield Leak(listing.route, "GET", self.name, f"{query}{told}")

    def told_by(self, probe: Probe, before: Any) -> str | None:
        """What the answers tell; the same ones may still hide that something was done."""
        foreign, after = self.answer(probe, probe.foreign)
        missing, after_missing = self.answer(probe, probe.missing)
        if told := difference(foreign, missing):
            return told
        if after in (UNTOUCHED, before):
            return None
        # A body may be right whatever it names: then both make what they should.
        usual = not probe.in_path and after_missing not in (UNTOUCHED, before)
        return None if usual else "changes the database"

    def told_by_list(self, listing: Listing) -> str | None:
        with undone():
            items, told = self.pages(listing.call)
        foreign = str(listing.resource.foreign)
        if any(isinstance(item, dict) and str(item.get("id")) == foreign for item in items):
            return f"holds {listing.resource.name} {foreign}"
        return told

    def pages(self, call: Call) -> tuple[list[Any], str | None]:
        """The items of every page, and what their count tells of others."""
        items: list[Any] = []
        response = self.send(call)
        for _ in range(MAX_PAGES):
            if response.status_code != 200:
                break
            page = json.loads(response.getvalue())
            envelope = {"results": page} if isinstance(page, list) else page
            items += envelope["results"]
            if not envelope.get("next"):
                count = envelope.get("count", len(items))
                return items, None if count == len(items) else f"counts {count} of {len(items)}"
            response = self.client.get(envelope["next"])
        return items, None

    def answer(self, probe: Probe, call: Call) -> tuple[Answer, Any]:
        """The answer, and the snapshot after it, ``UNTOUCHED`` where nothing was written."""
        ids = (probe.resource.foreign, probe.resource.missing)
        with undone():
            with writes() as written:
                answer = answer_of(self.send(call), ids, self.walker.ignored_headers)
            return answer, self.walker.snapshot() if written else UNTOUCHED

    def send(self, call: Call) -> Any:
        path = self.walker.mounted(call.path)
        if call.query:
            path = f"{path}?{urlencode(call.query)}"
        headers = {f"HTTP_{n.upper().replace('-', '_')}": v for n, v in call.headers.items()}
        body = "" if call.body is None else json.dumps(call.body)
        response = self.client.generic(call.method, path, body, "application/json", **headers)
        if response.status_code == 429:
            raise IncompleteWalk(f"{call.method} {path} was throttled; lift the limits first.")
        return response


@contextmanager
def writes() -> Iterator[list[str]]:
    """The statements run inside that may have changed a row."""
    written: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.lstrip("( \n").upper().startswith(READS):
            written.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield written


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is done to the database inside."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)
