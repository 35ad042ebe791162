"""
Limits that hold when many processes count at once.

The window of ``backstay.throttling.window``, as Lua: Redis runs it in one step, so
two workers cannot both take the last place, and by its own clock, so workers need not
agree on the time. Exact within one Redis primary; after a failover as much is
forgotten as the replica had not heard of.

A bucket is one hash that Redis drops once it has emptied. While Redis is out each
worker counts alone, up to its part of the limit: at least 1, so a limit below
``WORKERS`` is exceeded then, and a bucket begins anew.

Redis must not evict what has a time-out (``maxmemory-policy noeviction``).
"""

from collections.abc import Sequence
from typing import Any

from backstay.conf import settings
from backstay.pipeline import Part
from backstay.store import key
from backstay.throttling import local
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.window import MICROSECONDS

#: ``keys`` are buckets; ``args`` are the limit and the window's seconds of each.
LUA = """
-- A bucket is a hash: "total", the slots "oldest" and "newest", the count of each slot
-- under its number, and under ">" and its number the slot that came after it.
-- Slots have at most twelve digits, so Lua writes and counts them exactly.
local time = redis.call('TIME')
local seconds, microseconds = tonumber(time[1]), tonumber(time[2])

-- A tick is a 60th of a second: a slot of a window of N seconds is N ticks.
local tick = seconds * 60 + math.floor(microseconds * 60 / 1000000)

-- Microseconds until the slot no longer counts.
local function until_end(slot, window)
  return math.ceil(((slot + 61) * window - seconds * 60) * 1000000 / 60) - microseconds
end

local function keep(key, window)
  redis.call('PEXPIRE', key, math.ceil(window * 1000 * 61 / 60))
end

-- The bucket as it is now, without the slots that no longer count.
local function present(key, slot, window)
  local state = redis.call('HMGET', key, 'total', 'oldest', 'newest')
  local total, oldest, newest = tonumber(state[1] or 0), tonumber(state[2]), tonumber(state[3])
  if total > 0 and newest > slot then
    -- The clock was set back: all that was counted is put into the present slot.
    redis.call('DEL', key)
    redis.call('HSET', key, 'total', total, 'oldest', slot, 'newest', slot, slot, total)
    keep(key, window)
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
  return {total = total, oldest = oldest, newest = newest}
end

local function take(key, bucket, slot, window)
  if bucket.total == 0 then
    redis.call('HSET', key, 'oldest', slot, 'newest', slot)
  elseif bucket.newest < slot then
    redis.call('HSET', key, '>' .. bucket.newest, slot, 'newest', slot)
  end
  redis.call('HINCRBY', key, slot, 1)
  bucket.total, bucket.newest = redis.call('HINCRBY', key, 'total', 1), slot
  keep(key, window)
end

-- Microseconds until one more fits: more than the oldest slot goes only where the
-- limit was lowered.
local function until_free(key, bucket, limit, window)
  local slot, excess = bucket.oldest, bucket.total - limit + 1
  while true do
    local first = redis.call('HMGET', key, slot, '>' .. slot)
    excess = excess - tonumber(first[1])
    if excess <= 0 then return until_end(slot, window) end
    slot = tonumber(first[2])
  end
end

local buckets, limits, windows, slots, full = {}, {}, {}, {}, false
for number, key in ipairs(keys) do
  local limit, window = tonumber(args[2 * number - 1]), tonumber(args[2 * number])
  limits[number], windows[number], slots[number] = limit, window, math.floor(tick / window)
  -- A bucket that is named twice is one.
  buckets[key] = buckets[key] or present(key, slots[number], window)
  full = full or buckets[key].total >= limit
end

local answer = {}
for number, key in ipairs(keys) do
  local bucket, limit, window = buckets[key], limits[number], windows[number]
  local allowed = full and bucket.total < limit or not full
  if not full and not bucket.taken then
    take(key, bucket, slots[number], window)
    bucket.taken = true
  end
  answer[number] = {
    allowed and 1 or 0,
    bucket.total,
    allowed and 0 or until_free(key, bucket, limit, window),
    bucket.total > 0 and until_end(bucket.newest, window) or 0}
end
return answer, full
"""


class ThrottlePart(Part):
    """Asks whether all the charges of one request fit; the answer is a decision on each."""

    name = "throttle"
    lua = LUA

    def __init__(self, charges: Sequence[Charge]) -> None:
        self.charges = charges
        self.keys = [_key(charge) for charge in charges]
        self.args = [
            number
            for charge in charges
            for number in (charge.rate.limit, charge.rate.window_seconds)
        ]

    def read(self, raw: Any) -> list[Decision]:
        return [
            Decision(
                charge,
                allowed=bool(allowed),
                remaining=max(0, charge.rate.limit - total),
                retry_after_seconds=wait_us / MICROSECONDS,
                reset_after_seconds=reset_us / MICROSECONDS,
            )
            for charge, (allowed, total, wait_us, reset_us) in zip(self.charges, raw, strict=True)
        ]

    def here(self) -> list[Decision]:
        return local.here.decide(self.charges)

    def in_outage(self) -> list[Decision]:
        workers = settings.WORKERS
        return local.stand_in.decide([charge.shared_by(workers) for charge in self.charges])

    def stops(self, answer: list[Decision]) -> bool:
        return not all(decision.allowed for decision in answer)


def _key(charge: Charge) -> str:
    return key("throttle", charge.rule, charge.rate.window_seconds, charge.bucket)
