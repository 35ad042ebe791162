"""What a keyset asks of the database: its own value of a column, and the rows beyond a place."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import BooleanField, Expression, F, Field, Func, Value

if TYPE_CHECKING:
    from backstay.pagination.keys import Key


class Own(Func):
    """
    What the database itself has of an expression, in a form that Python changes nothing of.

    PostgreSQL writes it as text, and reads such a constant as one of the expression's type;
    SQLite's numbers and texts are Python's, unless the column's declared type or an affinity
    turns them into something else, which the unary plus keeps away.
    """

    arity = 1
    template = "+(%(expressions)s)"
    output_field = Field()

    #: Whoever reads a row by its columns reads this too, though no serializer shows it.
    is_read_along = True

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s)::text")


class Compared(Expression):
    """
    ``(a, b) > (x, y)``: the columns of keys, and their values; ``(a) IS NULL`` has none.

    Columns are in brackets: one that is a condition has operators of its own.

    Values are no expressions of their own: to copy and to resolve them took as long as
    PostgreSQL takes for the page.
    """

    output_field = BooleanField()

    def __init__(self, keys: "Sequence[Key]", sign: str, position: Sequence[Any] = ()) -> None:
        super().__init__()
        self.sign = sign
        self.columns: list[Any] = [F(key.path) for key in keys]
        self.values = list(zip(keys, position, strict=bool(position)))

    def resolve_expression(self, *args: Any, **kwargs: Any) -> "Compared":
        """In place: it is made for one query, and a copy takes longer than its columns."""
        self.columns = [one.resolve_expression(*args, **kwargs) for one in self.columns]
        return self

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return self._sql(compiler, connection, written=lambda value: value)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """
        It takes a constant that is text for one of the column's type. The driver makes such a
        text in a moment, and takes longer over a time than PostgreSQL does over finding the row.
        """
        return self._sql(compiler, connection, written=_text_of)

    def _sql(
        self, compiler: Any, connection: Any, written: Callable[[Any], Any]
    ) -> tuple[str, list[Any]]:
        found = [_compiled(compiler, column) for column in self.columns]
        columns = ", ".join(text for text, _ in found)
        values = f" ({', '.join(['%s'] * len(self.values))})" if self.values else ""
        parameters = [one for _, own in found for one in own]
        parameters += [written(key.parameter(value, connection)) for key, value in self.values]
        return f"({columns}) {self.sign}{values}", parameters


def _compiled(compiler: Any, column: Any) -> Any:
    """Also of a condition that no row meets or each does, for which Django has no SQL."""
    try:
        return compiler.compile(column)
    except EmptyResultSet:
        value = column.empty_result_set_value
        return compiler.compile(Value(False if value is NotImplemented else value))
    except FullResultSet:
        return compiler.compile(Value(True))


def _text_of(value: Any) -> Any:
    """Where PostgreSQL reads the text that Python writes."""
    return str(value) if type(value) in {int, Decimal, UUID, datetime, date} else value
