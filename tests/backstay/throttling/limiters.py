"""The limiters under one interface, by a clock of the test's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backstay.pipeline import ask
from backstay.store import store
from backstay.throttling import Charge, Decision, Rate
from backstay.throttling.local import LocalLimiter
from backstay.throttling.redis import LUA, ThrottlePart

SERVER_TIME = "redis.call('TIME')"
GIVEN_TIME = "{args[#args - 1], args[#args]}"

#: Beside the Lua, the number of commands it gave, in a key of the test's.
COUNTED = """
local real = redis
local redis = {call = function(...) real.call('INCR', 'commands'); return real.call(...) end}
"""


@dataclass
class Clock:
    """Microseconds since 1970; the first is the beginning of no slot."""

    now_us: int = 1_800_000_000_123_457

    def __call__(self) -> float:
        return self.now_us / 1_000_000

    def advance(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)


def call(*command: str) -> Any:
    """One command to the project's Redis."""
    redis = store()
    assert redis is not None
    return redis.call(*command)


class TimedPart(ThrottlePart):
    """Production's Lua, but for where the time comes from."""

    lua = COUNTED + LUA.replace(SERVER_TIME, GIVEN_TIME)

    def __init__(self, charges: Sequence[Charge], clock: Clock) -> None:
        super().__init__(charges)
        self.args = [*self.args, *divmod(clock.now_us, 1_000_000)]

    def in_outage(self) -> list[Decision]:
        raise AssertionError("Redis did not answer.")


class RedisLimiter:
    """``REDIS_URL``'s, to the limiter's interface."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def decide(self, charges: Sequence[Charge]) -> list[Decision]:
        [decisions] = ask(TimedPart(charges, self.clock))
        return decisions

    def size(self, charge: Charge) -> int:
        """How many numbers the bucket holds beside its total, its oldest and its newest slot."""
        return self.call("HLEN", ThrottlePart([charge]).keys[0]) - 3

    def commands(self) -> int:
        return int(self.call("GET", "commands") or 0)

    def call(self, *command: str) -> Any:
        return call(*command)


class InProcessLimiter(LocalLimiter):
    def size(self, charge: Charge) -> int:
        window = self._windows[charge.rule, charge.rate.window_seconds, charge.bucket]
        return len(window._slots) + len(window._counts)


def charge_of(limit, seconds=60, *, rule="rule", bucket="bucket"):
    return Charge(rule, bucket, Rate(limit, seconds))


def accepts(limiter, *charges):
    return all(decision.allowed for decision in limiter.decide(charges))
