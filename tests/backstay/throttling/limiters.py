"""The limiters under one interface, by a clock of the test's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backstay.pipeline import ask
from backstay.store import store
from backstay.throttling import Charge, Decision, Rate
from backstay.throttling.local import LocalLimiter
from backstay.throttling.redis import LUA, ThrottlePart, forget

SERVER_TIME = "redis.call('TIME')"
GIVEN_TIME = "{args[#args - 1], args[#args]}"

#: Of a number in a state that is written down.
NUMBER_BYTES = 8

#: Redis drops buckets by its own clock, which is none of the test's: this much later.
HELD_MS = 3_600_000

#: Beside the Lua, the number of commands it gave, in a key of the test's.
COUNTED = f"""
local real = redis
local redis = {{call = function(name, ...)
  real.call('INCR', 'commands')
  local rest = {{...}}
  if name == 'PEXPIRE' or name == 'SET' then rest[#rest] = rest[#rest] + {HELD_MS} end
  return real.call(name, unpack(rest))
end}}
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

    def __init__(self, charges: Sequence[Charge], clock: Clock, *, peek: bool = False) -> None:
        super().__init__(charges, peek=peek)
        self.args = [*self.args, *divmod(clock.now_us, 1_000_000)]

    def in_outage(self) -> list[Decision]:
        raise AssertionError("Redis did not answer.")


class RedisLimiter:
    """``REDIS_URL``'s, to the limiter's interface."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def decide(self, charges: Sequence[Charge], *, peek: bool = False) -> list[Decision]:
        [decisions] = ask(TimedPart(charges, self.clock, peek=peek))
        return decisions

    def forget(self, charges: Sequence[Charge]) -> int:
        return forget(charges)

    def size(self, charge: Charge) -> int:
        """How many numbers the bucket holds beside its total, its oldest and its newest slot."""
        return self.call("HLEN", ThrottlePart([charge]).keys[0]) - 3

    def commands(self) -> int:
        return int(self.call("GET", "commands") or 0)

    def call(self, *command: str) -> Any:
        return call(*command)


class InProcessLimiter(LocalLimiter):
    def size(self, charge: Charge) -> int:
        return len(self._buckets[charge.name].dump()) // NUMBER_BYTES


class InDatabaseLimiter:
    """The limiter of the opt-in app, which is loaded by whoever installs it."""

    def __init__(self, clock: Clock | None) -> None:
        from backstay.throttling.database.limiter import DatabaseLimiter
        from backstay.throttling.database.models import BucketRow

        limiter = DatabaseLimiter(clock)
        self.decide, self.forget = limiter.decide, limiter.forget
        self.rows = BucketRow._default_manager

    def size(self, charge: Charge) -> int:
        from backstay.throttling.database.table import Table

        row = self.rows.get(pk=Table("default", None).key(charge))
        return len(row.state) // NUMBER_BYTES


def charge_of(limit, seconds=60, *, rule="rule", bucket="bucket", smooth=False):
    return Charge(rule, bucket, Rate(limit, seconds, smooth))


def accepts(limiter, *charges):
    return all(decision.allowed for decision in limiter.decide(charges))
