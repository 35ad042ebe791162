"""
The sheets that all processes share: a hash for each, a row as JSON, merged where it lies.

One script call adds what a process has gathered; sheets end by their time-out. A sheet that
is over is read once and remembered.

Limits: an addition whose answer is lost on the way is made again. While Redis is out every
process knows its own requests only.
"""

import json
import time
from collections.abc import Sequence

from backstay.monitoring.history.sheets import OTHER, Row, Sheet, Sheets, end_of, is_over, kind_of
from backstay.store import Script, Store, key

#: Read in one call: a sheet of endpoints has some 40 KB.
AT_ONCE = 20

#: ``KEYS`` are sheets; ``ARGV`` has for each its rows as JSON, the most rows, the seconds it
#: is kept, and the name of the row that is shared, empty where the stalest makes room.
_MERGE = Script("""
-- Take the rows that were told of the longest ago, so that the others fit.
local function make_room(sheet, most)
  local surplus = redis.call('HLEN', sheet) - most
  if surplus <= 0 then return end
  local rows, ages = redis.call('HGETALL', sheet), {}
  for place = 1, #rows, 2 do
    ages[#ages + 1] = {cjson.decode(rows[place + 1]).said.last_at, rows[place]}
  end
  table.sort(ages, function(one, other) return one[1] < other[1] end)
  for place = 1, surplus do redis.call('HDEL', sheet, ages[place][2]) end
end

local function add(row, kept)
  for sum, by in pairs(row.sums) do kept.sums[sum] = (kept.sums[sum] or 0) + by end
  for said, value in pairs(row.said) do kept.said[said] = value end
  return kept
end

for number, sheet in ipairs(KEYS) do
  local first = 4 * number - 3
  local most, shared = tonumber(ARGV[first + 1]), ARGV[first + 3]
  for name, row in pairs(cjson.decode(ARGV[first])) do
    local kept = redis.call('HGET', sheet, name)
    if not kept and shared ~= '' and redis.call('HLEN', sheet) >= most then
      name = shared
      kept = redis.call('HGET', sheet, name)
    end
    if kept then row = add(row, cjson.decode(kept)) end
    redis.call('HSET', sheet, name, cjson.encode(row))
  end
  if shared == '' then make_room(sheet, most) end
  redis.call('EXPIRE', sheet, ARGV[first + 2])
end
""")

_READ = Script("""
local answer = {}
for number, sheet in ipairs(KEYS) do answer[number] = redis.call('HGETALL', sheet) end
return answer
""")


class RedisSheets:
    """The sheets in one Redis."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._over: dict[str, Sheet] = {}

    def merge(self, sheets: Sheets) -> None:
        """
        Add *sheets*, all or none.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        keys: list[str] = []
        args: list[str | bytes | float] = []
        for name, sheet in sheets:
            kind = kind_of(name)
            rows = {key: {"sums": row.sums, "said": row.said} for key, row in sheet.items()}
            keys.append(_key(name))
            # Lua's JSON refuses half of a surrogate pair, which Python's strings may have.
            text = json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace")
            shared = OTHER if kind.shares else ""
            args += [text, kind.most_rows, kind.kept_seconds + 2 * kind.seconds, shared]
        if keys:
            self.store.run(_MERGE, keys, args)

    def read(self, names: Sequence[str]) -> dict[str, Sheet]:
        """
        Raises:
            StoreUnavailable: Redis does not answer.
        """
        found = {name: sheet for name in names if (sheet := self._over.get(name)) is not None}
        wanted = [name for name in names if name not in found]
        now = time.time()
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            raws = self.store.run(_READ, [_key(name) for name in some], [])
            found |= {name: _sheet(raw) for name, raw in zip(some, raws, strict=True)}
        self._over |= {name: found[name] for name in wanted if is_over(name, now)}
        self._forget_before(now)
        return found

    def _forget_before(self, now: float) -> None:
        # Several threads may read, each with a copy of the names.
        for name in [*self._over]:
            if end_of(name) + kind_of(name).kept_seconds < now:
                self._over.pop(name, None)


def _key(name: str) -> str:
    return key("history", name)


def _sheet(raw: Sequence[bytes]) -> Sheet:
    return {
        name.decode(): Row(**json.loads(row)) for name, row in zip(raw[::2], raw[1::2], strict=True)
    }
