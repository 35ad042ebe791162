"""
Where the denylist's marks are: in Redis, or in a process that has none.

Both keep them by one rule, ``_outranks``, so that a word which arrives late does not
undo what came after.
"""

import time
from collections.abc import Iterator
from itertools import islice
from threading import Lock, Thread

from backstay.store import Script, Store, StoreUnavailable, key

ENDED = "ended"
UNSETTLED = "?"

#: Marks in one call.
BATCH = 500

#: For so long a process goes on telling what Redis did not take.
RETRY_SECONDS = 10.0


def mark_key(family: str) -> str:
    return key("family", family)


def _outranks(held: str, mark: str, settles: str) -> bool:
    """
    An end is final; that a family lives on does not settle another's announcement; and
    claims are not believed again from an earlier time.
    """
    if held == ENDED:
        return True
    if not mark.isdecimal():
        return False
    return int(held) > int(mark) if held.isdecimal() else held != settles


class LocalMarks:
    """The marks of a process without Redis. They expire, so their number is bounded."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._marks: dict[str, tuple[str, float]] = {}

    def get(self, family: str) -> str | None:
        mark, expires = self._marks.get(family, (None, 0.0))
        return mark if expires > time.time() else None

    def write(self, marks: dict[str, str], *, again: bool, settles: str, seconds: int) -> None:
        now = time.time()
        with self._lock:
            self._marks = {pk: held for pk, held in self._marks.items() if held[1] > now}
            for pk, mark in marks.items():
                held = self._marks.get(pk, ("", 0.0))[0]
                if not held or not (again or _outranks(held, mark, settles)):
                    self._marks[pk] = (mark, now + seconds)


#: ``LocalMarks.write``, in Redis.
_WRITE = Script("""
local again, seconds, settles = ARGV[1] == '1', ARGV[2], ARGV[3]
for number = 1, #KEYS do
  local mark = ARGV[number + 3]
  local held = redis.call('GET', KEYS[number])
  local outranks = held == 'ended'
  if held and not outranks and tonumber(mark) then
    if tonumber(held) then
      outranks = tonumber(held) > tonumber(mark)
    else
      outranks = held ~= settles
    end
  end
  if not held or not (again or outranks) then
    redis.call('SET', KEYS[number], mark, 'EX', seconds)
  end
end
""")


def tell(redis: Store, marks: dict[str, str], how: list[str | int]) -> None:
    """
    Raises:
        StoreUnavailable: Redis did not take them, or not all.
    """
    for some in _batches(marks):
        redis.run(_WRITE, [mark_key(family) for family in some], [*how, *some.values()])


class Untold:
    """
    Marks that Redis did not take, told again for ``RETRY_SECONDS``.

    A process that is served a request loads them all; this is for one that is not: a
    command or a job. Its thread keeps such a process from ending before.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._marks: dict[str, str] = {}
        self._telling = False

    def tell(self, redis: Store, marks: dict[str, str], seconds: int) -> None:
        with self._lock:
            self._marks |= marks
            if self._telling:
                return
            self._telling = True
        Thread(target=self._run, args=(redis, seconds), name="denylist").start()

    def _run(self, redis: Store, seconds: int) -> None:
        ends = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < ends:
            time.sleep(RETRY_SECONDS / 20)
            with self._lock:
                marks = dict(self._marks)
            try:
                tell(redis, marks, [0, seconds, ""])
            except StoreUnavailable:
                continue
            if self._told(marks):
                return
        self._told(dict(self._marks))

    def _told(self, marks: dict[str, str]) -> bool:
        """Forget *marks*; whether nothing was added meanwhile."""
        with self._lock:
            for family, mark in marks.items():
                if self._marks.get(family) == mark:
                    del self._marks[family]
            self._telling = bool(self._marks)
            return not self._telling


untold = Untold()


def _batches(marks: dict[str, str]) -> Iterator[dict[str, str]]:
    """So many at a time that no call takes long."""
    rows = iter(marks.items())
    while some := dict(islice(rows, BATCH)):
        yield some
