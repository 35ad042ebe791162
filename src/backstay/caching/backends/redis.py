"""
Entries that all processes share, in the Redis of the limits.

Every step is one script, by Redis's own clock. An entry is a hash with a time-out; a tag's
stamp, and the writers that are at it, are keys of their own. Nothing is ever searched for,
so a change costs the same however many entries it ends.

Redis must not evict what has a time-out (``maxmemory-policy noeviction``).
"""

from collections.abc import Collection
from typing import Any

from backstay.caching.backends import (
    KEEP_SECONDS,
    LEADER_SECONDS,
    LEASE_SECONDS,
    PASS,
    PASS_SECONDS,
    Backend,
    Fill,
    Found,
)
from backstay.counters import count
from backstay.pipeline import Part, ask
from backstay.store import Script, StoreUnavailable, key, store

_US = 1_000_000

#: More tags than this no entry has that was written here.
_MOST_TAGS = 1_000

#: Beside the entry: who makes it; the last stamp, and when it was born; the statistics.
#: ``args``: the prefix of tags; who offers to lead, for how many milliseconds; the route; the
#: most tags. What is no entry is dropped and told: an error of one look would be taken for
#: an outage of Redis, by all that travels with it.
LOOK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local kept = redis.pcall('HMGET', keys[1], 'stamp', 'stored', 'fresh', 'tags', 'data')
local stamp, stored, ends = tonumber(kept[1]), tonumber(kept[2]), tonumber(kept[3])
local tags = {}
for tag in string.gmatch(kept[4] or '', '[^\\n]+') do tags[#tags + 1] = args[1] .. tag end
local holds = stamp and stored and ends and stamp == stamp and ends == ends
  and stored <= now and kept[5] and #tags > 0 and #tags <= tonumber(args[5]) and true or false
local corrupt = not holds and redis.call('DEL', keys[1]) or 0
if holds then
  for _, changed in ipairs(redis.call('MGET', unpack(tags))) do
    if changed and not (tonumber(changed) <= stamp) then holds = false end
  end
end
local fresh, leader = holds and ends > now, ''
if args[2] ~= '' and not fresh then
  local free = redis.call('SET', keys[2], args[2], 'NX', 'PX', args[3])
  leader = free and args[2] or redis.pcall('GET', keys[2])
  if type(leader) == 'table' then
    redis.call('SET', keys[2], args[2], 'PX', args[3])
    leader = args[2]
  end
end
if args[4] ~= '' then
  redis.pcall('HINCRBY', keys[4], args[4] .. (fresh and ' hit' or ' miss'), 1)
end
redis.call('HSETNX', keys[3], 'born', string.format('%.0f', now))
local clock = redis.call('HMGET', keys[3], 'stamp', 'born')
return {now, tonumber(clock[1] or 0), leader, clock[2],
  fresh and 1 or 0, holds and now - stored or 0, holds and kept[5], corrupt}
"""

#: Keys: the entry, its leader, and the last stamp, which is another's where Redis was emptied
#: since the look. The last arguments are the tags.
_FILL = Script("""
if redis.pcall('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if now - ARGV[4] > tonumber(ARGV[5]) then return 0 end
if redis.call('HGET', KEYS[3], 'born') ~= ARGV[9] then return 0 end
local tags, first = {}, 10
for number = first, #ARGV do
  local tag = ARGV[1] .. ARGV[number]
  local changed = redis.call('GET', tag)
  if changed and tonumber(changed) > tonumber(ARGV[3]) then return 0 end
  if redis.call('ZCOUNT', tag .. '>', now, '+inf') > 0 then return 0 end
  tags[number - first + 1] = ARGV[number]
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'stamp', ARGV[3], 'tags', table.concat(tags, '\\n'),
  'stored', string.format('%.0f', now), 'fresh', string.format('%.0f', now + ARGV[6]),
  'data', ARGV[8])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return 1
""")

_LEAVE = Script("""
if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
if ARGV[2] ~= '0' then redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2]) end
""")

#: The writers at a tag are beside it, by the microsecond until which they are believed in.
_CHANGE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stamp = math.max(tonumber(redis.call('HGET', KEYS[1], 'stamp') or 0) + 1, now)
local text, keep, lease = string.format('%.0f', stamp), ARGV[2], tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'stamp', text)
for number = 2, #KEYS do
  local tag, writers = KEYS[number], KEYS[number] .. '>'
  redis.call('SET', tag, text, 'EX', keep)
  if lease > 0 then
    redis.call('ZREMRANGEBYSCORE', writers, '-inf', now)
    redis.call('ZADD', writers, string.format('%.0f', now + lease), ARGV[1])
    redis.call('PEXPIRE', writers, math.ceil(lease / 1000))
  else
    redis.call('ZREM', writers, ARGV[1])
  end
end
""")


class LookPart(Part):
    """A look, as part of a request's one trip: ``Found``, or ``None`` while Redis is out."""

    name = "cache"
    lua = LOOK

    def __init__(self, cache_key: str, *, leader: str = "", route: str = "") -> None:
        self.cache_key, self.leader, self.route = cache_key, leader, route
        self.keys = (*_entry(cache_key), _tag(""), key("cache-looks"))
        self.args = (_tag(":"), leader, round(LEADER_SECONDS * 1_000), route, _MOST_TAGS)

    def read(self, raw: Any) -> Found:
        now, stamp, leader, born, fresh, age, data, corrupt = raw
        if corrupt:
            count("cache_not_kept", reason="corrupt")
        return Found(data, age / _US, bool(fresh), stamp, now, leader.decode(), born)

    def here(self) -> Found:
        from backstay.caching.backends import backend

        return backend().look(self.cache_key, leader=self.leader, route=self.route)

    def in_outage(self) -> None:
        return None


class RedisBackend(Backend):
    """
    Raises:
        StoreUnavailable: from every method, while Redis is out.
    """

    def look(self, key: str, *, leader: str = "", route: str = "") -> Found:
        [found] = ask(LookPart(key, leader=leader, route=route))
        if found is None:
            raise StoreUnavailable
        return found  # type: ignore[no-any-return]  # Of a part.

    def fill(self, fill: Fill) -> bool:
        found = fill.found
        times = [round(fill.seconds * _US), round(fill.lifetime * 1_000)]
        at = [found.stamp, found.looked_at_us, LEASE_SECONDS * _US]
        given = [_tag(":"), fill.leader, *at, *times]
        keys = [*_entry(fill.key), _tag("")]
        return bool(_run(_FILL, keys, [*given, fill.data, found.born, *fill.tags]))

    def leave(self, key: str, leader: str, *, others_pass: bool) -> None:
        _run(_LEAVE, _entry(key)[1:], [leader, PASS_SECONDS if others_pass else 0, PASS])

    def announce(self, tags: Collection[str], writer: str) -> None:
        self._change(tags, writer, LEASE_SECONDS)

    def settle(self, tags: Collection[str], writer: str) -> None:
        self._change(tags, writer, 0)

    def statistics(self) -> dict[str, int]:
        redis = store()
        told = redis.call("HGETALL", key("cache-looks")) if redis else []
        return {name.decode(): int(n) for name, n in zip(told[::2], told[1::2], strict=True)}

    def _change(self, tags: Collection[str], writer: str, lease_seconds: int) -> None:
        keys = [_tag(""), *(_tag(f":{tag}") for tag in tags)]
        _run(_CHANGE, keys, [writer, KEEP_SECONDS, lease_seconds * _US])


def _run(script: Script, keys: list[str], args: list[Any]) -> Any:
    redis = store()
    if redis is None:
        raise StoreUnavailable
    return redis.run(script, keys, args)


def _entry(cache_key: str) -> list[str]:
    """An entry, and who makes it."""
    return [key("cache", cache_key), key("cache", cache_key, "leader")]


def _tag(name: str) -> str:
    """``""`` is the last stamp, ``":table"`` a tag."""
    return key("changed") + name


redis = RedisBackend()
