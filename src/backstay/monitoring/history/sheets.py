"""
Sheets of rows: what the history is made of, wherever it is kept.

A row has ``sums``, which are added up, and what is ``said``, where the latest holds. Each
sheet is of a kind, which bounds how many rows it has and how long it is kept. Sheets of a
kind with ``seconds`` are numbered: one for each so many seconds, from 1970 on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

HOUR, DAY = 3_600, 86_400

#: Whoever was late has added to a sheet by then.
SETTLED_SECONDS = 60

#: The row for what found no place of its own.
OTHER = "  other"


@dataclass(frozen=True, slots=True)
class Kind:
    """What the sheets of one name have in common."""

    name: str
    most_rows: int
    kept_seconds: int
    #: The length of what each covers; 0: there is one sheet, without a number.
    seconds: int = 0
    #: A new row that finds no place is counted as ``OTHER``; else the stalest makes room.
    shares: bool = True

    def at(self, moment: float) -> str:
        """The sheet that *moment*, in seconds since 1970, belongs to."""
        return f"{self.name}:{int(moment // self.seconds) if self.seconds else 0}"

    @property
    def only(self) -> str:
        """The sheet of a kind that has one."""
        return self.at(0)

    def since(self, begin: float, end: float) -> list[str]:
        """All sheets from that of *begin* to that of *end*, the oldest first."""
        numbers = range(int(begin // self.seconds), int(end // self.seconds) + 1)
        return [f"{self.name}:{number}" for number in numbers]


#: Everything together, by ten seconds: what the plots of an hour show.
PULSE = Kind("pulse", most_rows=1, kept_seconds=HOUR, seconds=10)
#: A row for each method, version and route, by five minutes.
ENDPOINTS = Kind("endpoints", most_rows=100, kept_seconds=DAY, seconds=300)
#: A row for each rule that limits, by five minutes.
RULES = Kind("rules", most_rows=50, kept_seconds=DAY, seconds=300)
#: A row for each route, line and field whose queries are too many or too slow.
FINDINGS = Kind("findings", most_rows=200, kept_seconds=DAY, shares=False)
#: A row for each bucket that refused somebody of late.
REFUSALS = Kind("refusals", most_rows=100, kept_seconds=DAY, shares=False)

KINDS = {kind.name: kind for kind in (PULSE, ENDPOINTS, RULES, FINDINGS, REFUSALS)}


@dataclass(slots=True)
class Row:
    sums: dict[str, int] = field(default_factory=dict)
    #: With ``last_at`` where the kind's rows make room for others.
    said: dict[str, Any] = field(default_factory=dict)

    def add(self, sums: Mapping[str, int], said: Mapping[str, Any]) -> None:
        own = self.sums
        for name, number in sums.items():
            own[name] = own.get(name, 0) + number
        self.said.update(said)


Sheet = dict[str, Row]


def kind_of(name: str) -> Kind:
    return KINDS[name.partition(":")[0]]


def end_of(name: str) -> float:
    """When the next sheet of the kind begins, in seconds since 1970."""
    return (int(name.partition(":")[2]) + 1) * kind_of(name).seconds


def is_over(name: str, now: float) -> bool:
    """Whether nothing is added to the sheet any more."""
    return bool(kind_of(name).seconds) and end_of(name) + SETTLED_SECONDS < now


class Sheets:
    """The sheets of one process. Whoever shares them between threads sees to the lock."""

    def __init__(self) -> None:
        self._sheets: dict[str, Sheet] = {}

    def __bool__(self) -> bool:
        return bool(self._sheets)

    def __iter__(self) -> Iterator[tuple[str, Sheet]]:
        return iter(self._sheets.items())

    def read(self, name: str) -> Sheet:
        return self._sheets.get(name, {})

    def add(
        self, name: str, key: str, sums: Mapping[str, int], said: Mapping[str, Any] = {}
    ) -> None:
        """Add to the row *key* of the sheet *name*, both made where they are missing."""
        sheet = self._sheets.get(name)
        if sheet is None:
            sheet = self._sheets[name] = {}
            self._drop_before(name)
        row = sheet.get(key)
        if row is None:
            row = _new_row(sheet, key, kind_of(name))
        row.add(sums, said)

    def merge(self, other: "Sheets") -> None:
        for name, sheet in other:
            for key, row in sheet.items():
                self.add(name, key, row.sums, row.said)

    def parts(self, most_rows: int) -> "Iterator[Sheets]":
        """All there is in portions of about *most_rows*, to be handed over one by one."""
        part, rows = Sheets(), 0
        for name, sheet in self:
            if rows and rows + len(sheet) > most_rows:
                yield part
                part, rows = Sheets(), 0
            part._sheets[name] = sheet
            rows += len(sheet)
        if part:
            yield part

    def remove(self, part: "Sheets") -> None:
        """Forget the sheets of one of the ``parts``."""
        for name, _ in part:
            del self._sheets[name]

    def _drop_before(self, name: str) -> None:
        """Drop the sheets that are too old once *name* is there."""
        kind = kind_of(name)
        if kind.seconds:
            oldest = int(name.partition(":")[2]) - kind.kept_seconds // kind.seconds
            for other in [*self._sheets]:
                label, _, number = other.partition(":")
                if label == kind.name and int(number) < oldest:
                    del self._sheets[other]


def _new_row(sheet: Sheet, key: str, kind: Kind) -> Row:
    if len(sheet) >= kind.most_rows:
        if kind.shares:
            return sheet.setdefault(OTHER, Row())
        del sheet[min(sheet, key=lambda other: sheet[other].said["last_at"])]
    return sheet.setdefault(key, Row())
