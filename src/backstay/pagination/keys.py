"""One column of a keyset: how its values are written into a cursor, read, and compared."""

from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import F, Field, Model, OrderBy, Q
from django.utils.duration import duration_string

from backstay.pagination.expressions import Compared

NO_ROW = Q(pk__in=())
UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class Key:
    """
    One column of a keyset: its lookup path, its field, its direction.

    ``own`` names the annotation that has the database's own value, where Python's will not do.
    ``windowed``: computed over a window of rows.
    """

    path: str
    field: Field
    descending: bool
    nullable: bool = False
    nulls_first: bool = False
    own: str | None = None
    windowed: bool = False

    def reversed(self) -> "Key":
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    @property
    def order_by(self) -> str | OrderBy:
        if not self.nullable:
            return f"-{self.path}" if self.descending else self.path
        nulls: dict[str, Any] = {"nulls_first" if self.nulls_first else "nulls_last": True}
        return OrderBy(F(self.path), descending=self.descending, **nulls)

    @property
    def written_as(self) -> str:
        """Tells apart what means one value here and another elsewhere."""
        kind = type(self.field).__qualname__
        return f"{self.order_by} {kind}" if self.own else f"{self.order_by}"

    def write(self, row: Model | dict[str, Any]) -> Any:
        """The value of *row* as JSON has it; ``None`` where it is null."""
        if self.own:
            return row[self.own] if isinstance(row, dict) else getattr(row, self.own)
        if isinstance(row, dict):  # Of ``values()``.
            return self._text(self._column_of(row))
        value: Any = getattr(row, self.path, UNKNOWN)
        if value is UNKNOWN:  # Of a row that was read by column, it is an attribute.
            value = row
            for name in self.path.split("__"):
                value = getattr(value, name, None)
        return self._text(value)

    def _column_of(self, row: dict[str, Any]) -> Any:
        """
        Raises:
            ImproperlyConfigured: *row* leaves it out.
        """
        if self.path not in row:
            raise ImproperlyConfigured(f"values() has to have {self.path!r}, which pages need.")
        return row[self.path]

    @staticmethod
    def _text(value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, date | time):
            return value.isoformat()
        return duration_string(value) if isinstance(value, timedelta) else str(value)

    def read(self, written: Any) -> Any:
        """
        The value that ``write`` wrote.

        Raises:
            ValidationError, ValueError: it is not a value of this column.
        """
        if written is None and not self.nullable:
            raise ValueError("This column is never null.")
        return written if written is None or self.own else self.field.to_python(written)

    def parameter(self, value: Any, connection: Any) -> Any:
        """What *value*, of ``read``, is compared as."""
        return value if self.own else self.field.get_db_prep_value(value, connection)

    def after(self, value: Any) -> Q:
        """Rows whose column comes after *value*."""
        if value is None:
            return Q(Compared([self], "IS NOT NULL")) if self.nulls_first else NO_ROW
        beyond = Q(Compared([self], self.operator, [value]))
        if self.nullable and not self.nulls_first:
            beyond |= Q(Compared([self], "IS NULL"))
        return beyond

    def equal(self, value: Any) -> Q:
        if value is None:
            return Q(Compared([self], "IS NULL"))
        return Q(Compared([self], "=", [value]))

    @property
    def operator(self) -> str:
        return "<" if self.descending else ">"
