"""
One round trip for everything a request asks of Redis.

Features describe what they ask as a ``Part``: Lua that runs there, the same in
this process for projects without Redis, and what holds while Redis is out. The
parts of one request become one script, so they are decided in one step and in
order: a part that stops (a revoked token) keeps the later ones (its limits) from
being charged.

Parts know nothing of each other, and this module nothing of what they do.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from backstay.counters import count
from backstay.store import Script, StoreUnavailable, store
from backstay.tables import aside

#: Each part is called with its keys and arguments; a true second value ends the run.
_FRAME = """
local parts = {%s}
local answers, first_key, first_arg = {}, 1, 1
for number, part in ipairs(parts) do
  local keys, args = tonumber(ARGV[first_arg]), tonumber(ARGV[first_arg + 1])
  local last_key, last_arg = first_key + keys - 1, first_arg + 1 + args
  local answer, stop = part(
    {unpack(KEYS, first_key, last_key)}, {unpack(ARGV, first_arg + 2, last_arg)})
  answers[number] = answer or false
  if stop then break end
  first_key, first_arg = last_key + 1, last_arg + 1
end
return answers
"""


class Part(ABC):
    """What one feature asks on behalf of one request."""

    #: What it is called in counters.
    name: str
    #: The body of a Lua function of ``keys`` and ``args``: ``return answer, stop``.
    lua: str

    keys: Sequence[str]
    args: Sequence[str | int | float]

    @abstractmethod
    def read(self, raw: Any) -> Any:
        """Make an answer of what the Lua returned."""

    @abstractmethod
    def here(self) -> Any:
        """Answer from this process, where there is no Redis."""

    @abstractmethod
    def in_outage(self) -> Any:
        """Answer while Redis does not."""

    def stops(self, answer: Any) -> bool:
        """Whether *answer* keeps the parts after this one from being asked."""
        return False


def ask(*parts: Part) -> list[Any]:
    """
    The answers in order; fewer than *parts* where one of them stopped the rest.

    Raises:
        Whatever a part raises while Redis is out, because it cannot do without.
    """
    redis = store()
    if redis is None:
        return _in_turn(parts, outage=False)
    try:
        raw = redis.run(_script(tuple(part.lua for part in parts)), *_input(parts))
    except StoreUnavailable:
        return _in_turn(parts, outage=True)
    return [part.read(answer) for part, answer in zip(parts, raw, strict=False)]


def _in_turn(parts: Sequence[Part], *, outage: bool) -> list[Any]:
    answers = []
    for part in parts:
        if outage:
            count("outage", part=part.name)
        with aside():
            answers.append(part.in_outage() if outage else part.here())
        if part.stops(answers[-1]):
            break
    return answers


def _input(parts: Sequence[Part]) -> tuple[list[str], list[str | int | float]]:
    keys: list[str] = []
    args: list[str | int | float] = []
    for part in parts:
        keys += part.keys
        args += [len(part.keys), len(part.args), *part.args]
    return keys, args


@lru_cache(maxsize=64)
def _script(bodies: tuple[str, ...]) -> Script:
    return Script(_FRAME % ", ".join(f"function(keys, args) {body} end" for body in bodies))
