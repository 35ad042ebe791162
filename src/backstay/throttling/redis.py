"""
Limits that hold when many processes count at once.

The window of ``backstay.throttling.window`` and the pace of ``backstay.throttling.pace``,
as Lua: Redis runs it in one step, so two workers cannot both take the last place, and by
its own clock, so workers need not agree on the time. Exact within one Redis primary;
after a failover as much is forgotten as the replica had not heard of.

A bucket is one key that Redis drops once it has emptied. While Redis is out each
worker counts alone, up to its part of the limit: at least 1, so a limit below
``WORKERS`` is exceeded then, and a bucket begins anew.

Redis must not evict what has a time-out (``maxmemory-policy noeviction``).
"""

from collections.abc import Sequence
from typing import Any

from django.apps import apps

from backstay.conf import settings
from backstay.measure import throttled
from backstay.pipeline import Part
from backstay.store import key, store
from backstay.throttling import local
from backstay.throttling.buckets import Limiter
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.window import MICROSECONDS

#: ``keys`` are buckets; ``args`` are the limit, the window's seconds and the interval's
#: microseconds of each, 0 for a rate that is not smooth; the last is 1 to charge nothing.
LUA = """
local time = redis.call('TIME')
local seconds, microseconds = tonumber(time[1]), tonumber(time[2])

-- A tick is a 60th of a second: a slot of a window of N seconds is N ticks.
local tick = seconds * 60 + math.floor(microseconds * 60 / 1000000)
local now = seconds * 1000000 + microseconds

-- A sliding window is a hash: "total", the slots "oldest" and "newest", the count of each
-- slot under its number, and under ">" and its number the slot that came after it.
-- Slots have at most twelve digits, so Lua writes and counts them exactly.
local sliding = {}

-- Microseconds until the slot no longer counts.
local function until_end(slot, window)
  return math.ceil(((slot + 61) * window - seconds * 60) * 1000000 / 60) - microseconds
end

local function keep(bucket)
  redis.call('PEXPIRE', bucket.key, math.ceil(bucket.window * 1000 * 61 / 60))
end

-- The bucket as it is now, without the slots that no longer count.
function sliding.advance(bucket)
  local key, slot = bucket.key, math.floor(tick / bucket.window)
  local state = redis.call('HMGET', key, 'total', 'oldest', 'newest')
  local total, oldest, newest = tonumber(state[1] or 0), tonumber(state[2]), tonumber(state[3])
  if total > 0 and newest > slot then
    -- The clock was set back: all that was counted is put into the present slot.
    redis.call('DEL', key)
    redis.call('HSET', key, 'total', total, 'oldest', slot, 'newest', slot, slot, total)
    keep(bucket)
    oldest, newest = slot, slot
  elseif total > 0 and newest < slot - 60 then
    redis.call('DEL', key)
    total = 0
  elseif total > 0 and oldest < slot - 60 then
    repeat
      local first = redis.call('HMGET', key, oldest, '>' .. oldest)
      redis.call('HDEL', key, oldest, '>' .. oldest)
      total, oldest = total - tonumber(first[1]), tonumber(first[2])
    until oldest >= slot - 60
    redis.call('HSET', key, 'total', total, 'oldest', oldest)
  end
  bucket.slot, bucket.total, bucket.oldest, bucket.newest = slot, total, oldest, newest
end

function sliding.remaining(bucket, limit)
  return math.max(0, limit - bucket.total)
end

function sliding.take(bucket)
  local key, slot = bucket.key, bucket.slot
  if bucket.total == 0 then
    redis.call('HSET', key, 'oldest', slot, 'newest', slot)
  elseif bucket.newest < slot then
    redis.call('HSET', key, '>' .. bucket.newest, slot, 'newest', slot)
  end
  redis.call('HINCRBY', key, slot, 1)
  bucket.total, bucket.newest = redis.call('HINCRBY', key, 'total', 1), slot
  keep(bucket)
end

-- Microseconds until one more fits: more than the oldest slot goes only where the
-- limit was lowered.
function sliding.until_free(bucket, limit)
  local slot, excess = bucket.oldest, bucket.total - limit + 1
  while true do
    local first = redis.call('HMGET', bucket.key, slot, '>' .. slot)
    excess = excess - tonumber(first[1])
    if excess <= 0 then return until_end(slot, bucket.window) end
    slot = tonumber(first[2])
  end
end

function sliding.until_empty(bucket)
  return bucket.total > 0 and until_end(bucket.newest, bucket.window) or 0
end

-- A smooth rate is one number: the microsecond at which the next request is due. It has
-- sixteen digits, so Lua counts it exactly, and Redis writes seventeen.
local smooth = {}

local function keep_due(bucket)
  redis.call('SET', bucket.key, bucket.due, 'PX', math.ceil((bucket.due - now) / 1000))
end

function smooth.advance(bucket)
  bucket.tolerance = math.floor(bucket.window * 1000000 / 60)
  bucket.due = tonumber(redis.call('GET', bucket.key) or now)
  local latest = now + bucket.tolerance + bucket.interval
  if bucket.due > latest then
    -- The clock was set back: it is put where all would be used up.
    bucket.due = latest
    keep_due(bucket)
  end
end

function smooth.remaining(bucket)
  local spare = now + bucket.tolerance - math.max(bucket.due, now)
  return spare < 0 and 0 or math.floor(spare / bucket.interval) + 1
end

function smooth.take(bucket)
  bucket.due = math.max(bucket.due, now) + bucket.interval
  keep_due(bucket)
end

function smooth.until_free(bucket)
  return bucket.due - bucket.tolerance - now
end

function smooth.until_empty(bucket)
  return math.max(0, bucket.due - now)
end

local peek = args[3 * #keys + 1] == '1'
local buckets, limits, full = {}, {}, false
for number, key in ipairs(keys) do
  local limit, window, interval =
    tonumber(args[3 * number - 2]), tonumber(args[3 * number - 1]), tonumber(args[3 * number])
  -- A bucket that is named twice is one.
  local bucket = buckets[key]
  if not bucket then
    bucket = {key = key, window = window, interval = interval,
      kind = interval > 0 and smooth or sliding}
    bucket.kind.advance(bucket)
    buckets[key] = bucket
  end
  limits[number] = limit
  full = full or bucket.kind.remaining(bucket, limit) == 0
end

local answer = {}
for number, key in ipairs(keys) do
  local bucket, limit = buckets[key], limits[number]
  local kind = bucket.kind
  local allowed = not full or kind.remaining(bucket, limit) > 0
  if not full and not peek and not bucket.taken then
    kind.take(bucket)
    bucket.taken = true
  end
  answer[number] = {
    allowed and 1 or 0,
    kind.remaining(bucket, limit),
    allowed and 0 or kind.until_free(bucket, limit),
    kind.until_empty(bucket)}
end
return answer, full and not peek
"""


class ThrottlePart(Part):
    """
    Asks whether all the charges of one request fit; the answer is a decision on each.

    To *peek* is to be told how each bucket stands, and to charge nothing.
    """

    name = "throttle"
    lua = LUA

    def __init__(self, charges: Sequence[Charge], *, peek: bool = False) -> None:
        self.charges = charges
        self.peek = peek
        prefix = key("throttle")
        self.keys = [f"{prefix}:{rule}:{rate.kind}:{bucket}" for rule, bucket, rate in charges]
        self.args = []
        for charge in charges:
            rate = charge.rate
            self.args += rate.limit, rate.window_seconds, rate.interval_us
        self.args.append(int(peek))

    def read(self, raw: Any) -> list[Decision]:
        return [
            Decision(
                charge, allowed == 1, remaining, wait_us / MICROSECONDS, reset_us / MICROSECONDS
            )
            for charge, (allowed, remaining, wait_us, reset_us) in zip(
                self.charges, raw, strict=True
            )
        ]

    def here(self) -> list[Decision]:
        return _without_redis().decide(self.charges, peek=self.peek)

    def in_outage(self) -> list[Decision]:
        if not self.peek:
            throttled("degraded")
        workers = settings.WORKERS
        parts = [charge.shared_by(workers) for charge in self.charges]
        return local.stand_in.decide(parts, peek=self.peek)

    def stops(self, answer: list[Decision]) -> bool:
        return not self.peek and not all(decision.allowed for decision in answer)


def forget(charges: Sequence[Charge]) -> int:
    """
    Empty the buckets where they are counted now; how many had counted something.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    redis = store()
    if redis is None:
        return _without_redis().forget(charges)
    return int(redis.call("DEL", *set(ThrottlePart(charges).keys)))


def _without_redis() -> Limiter:
    """The database's where its app is installed; otherwise each process counts alone."""
    if apps.is_installed("backstay.throttling.database"):
        from backstay.throttling.database.limiter import limiter

        return limiter
    return local.here
