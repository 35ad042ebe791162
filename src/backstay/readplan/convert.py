"""
What each field of DRF does to a column's value, as cheaply as that has the same result.

By allow-list: a field class that is not in ``KINDS`` (a subclass is another class) runs
its own ``to_representation``. So does one of ours over a column whose Python type is not
the usual one, which is what a custom model field may have.
"""

import datetime
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from django.conf import settings
from django.db import connections, models
from django.db.models.fields import files
from django.utils import timezone
from django.utils.encoding import force_str
from rest_framework import fields as drf
from rest_framework.settings import api_settings

from backstay.readplan.paths import NotCompiled
from backstay.readplan.plan import Convert, Converter

#: From a field and its column (``None``: an annotation).
Make = Callable[[Any, models.Field | None], Convert]

ISO = "iso-8601"
UTC = datetime.UTC


def constant(label: str, function: Converter, *, plain: bool = True) -> Convert:
    """A conversion that depends on nothing."""
    return Convert(label, lambda _: function, plain)


#: A column that is shown as it is, and always a string, an integer or a boolean.
AS_IS = constant("as is", None)
#: And one that may be anything.
AS_READ = constant("as it is", None, plain=False)
TEXT = constant("str", str)
ISOFORMAT = constant("isoformat", lambda value: value.isoformat())


def generic(field: drf.Field, column: models.Field | None = None) -> Convert:
    return Convert("as DRF does", lambda run: run.live(field).to_representation)


def converter(field: drf.Field, column: models.Field | None) -> Convert:
    """
    How *field* shows *column* (``None``: an annotation).

    Raises:
        NotCompiled: a file is more than its column.
    """
    make: Make = KINDS.get(type(field), generic)
    if isinstance(column, models.FileField) and make is not file:
        raise NotCompiled("a file in a field that is no FileField")
    return make(field, column)


def stock(column: models.Field | None, *kinds: type[models.Field]) -> bool:
    """Whether it is a column of Django's own, of one of these kinds."""
    return (
        isinstance(column, kinds)
        and type(column).__module__.startswith("django.db.models")
        and not hasattr(column, "from_db_value")
    )


def as_is(*kinds: type[models.Field], otherwise: Convert | None = None) -> Make:
    """Over columns of these kinds as it is; otherwise so, or as DRF does."""
    return lambda field, column: AS_IS if stock(column, *kinds) else otherwise or generic(field)


def big_integer(field: Any, column: models.Field | None) -> Convert:
    if getattr(field, "coerce_to_string", api_settings.COERCE_BIGINT_TO_STRING):
        return TEXT
    return integer(field, column)


def uuid(field: Any, column: models.Field | None) -> Convert:
    as_text = stock(column, models.UUIDField) and field.uuid_format == "hex_verbose"
    return TEXT if as_text else generic(field)


def decimal(field: Any, column: Any) -> Convert:
    same_places = (
        stock(column, models.DecimalField)
        and field.decimal_places == column.decimal_places
        and (field.max_digits is None or field.max_digits >= column.max_digits)
    )
    # Both databases give a column's values its number of places, which is then what
    # quantize() would; from seven places on str() may write an exponent.
    as_text = getattr(field, "coerce_to_string", api_settings.COERCE_DECIMAL_TO_STRING)
    rewritten = field.localize or field.normalize_output
    if not (as_text and same_places and field.decimal_places <= 6) or rewritten:
        return generic(field)
    number = decimal_of_float(column)

    def bind_raw(run: Any) -> Converter:
        return None if connections[run.using].vendor == "postgresql" else number

    return Convert("str", TEXT.bind, True, bind_raw)


def decimal_of_float(column: Any) -> Callable[[float], str]:
    """The text of an amount that is a number to the database."""
    places = column.decimal_places
    exponent = Decimal(1).scaleb(-places)
    number = Context(prec=15).create_decimal_from_float

    def shown(value: float) -> str:
        text = f"{value:.{places}f}"
        # Of so few digits, a text that leads back to the number is what Django rounds it to.
        if abs(value) < 1e8 and float(text) == value:
            return text
        return str(number(value).quantize(exponent, context=column.context))

    return shown


def date_time(field: Any, column: models.Field | None) -> Convert:
    form = getattr(field, "format", api_settings.DATETIME_FORMAT)
    if not stock(column, models.DateTimeField):
        return generic(field)
    if form is None:
        return AS_READ
    if form.lower() != ISO or not settings.USE_TZ or hasattr(field, "timezone"):
        return generic(field)

    def bind(run: Any) -> Converter:
        slow: Callable[[Any], Any] = run.live(field).to_representation
        if timezone.get_current_timezone_name() != "UTC":
            return slow

        def utc(value: datetime.datetime) -> str:
            return value.isoformat()[:-6] + "Z" if value.tzinfo is UTC else slow(value)

        return utc

    return Convert("isoformat", bind, True, lambda _: time_of_raw)


def time_of_raw(value: str) -> str:
    """
    ISO 8601 of what a database in UTC writes.

    >>> time_of_raw("2026-01-02 03:04:05.678+00")
    '2026-01-02T03:04:05.678000Z'

    Raises:
        ValueError: a time that Python has not (a year before 1 or after 9999), or not in UTC.
    """
    if value[4] == "-" and value[-3:] == "+00":  # PostgreSQL, whose form is always the same.
        clock = value[11:-3]
        whole = len(clock) in (8, 15)  # Without a fraction of a second, or with all of it.
        return f"{value[:10]}T{clock}Z" if whole else f"{value[:10]}T{clock:0<15}Z"
    made = datetime.datetime.fromisoformat(value)
    if made.tzinfo is not None:
        raise ValueError(f"{value!r} is not in UTC.")
    return f"{made.isoformat()}Z"


def written(kind: type[models.Field], setting: str) -> Make:
    """Of a date or a time, whose format is the field's or that of DRF's *setting*."""

    def make(field: Any, column: models.Field | None) -> Convert:
        form = getattr(field, "format", getattr(api_settings, setting))
        if not stock(column, kind) or isinstance(column, models.DateTimeField):
            return generic(field)
        if form is None:
            return AS_READ
        return ISOFORMAT if form.lower() == ISO else generic(field)

    return make


def choice(field: Any, column: models.Field | None) -> Convert:
    known = field.choice_strings_to_values
    same = all(type(value) is str and key == value for key, value in known.items())
    return as_is(*STRINGS)(field, column) if same else generic(field)


def choice_name(field: drf.Field, column: Any) -> Convert:
    """What ``get_status_display`` gives, under a ``CharField`` or a ``ReadOnlyField``."""
    as_text = type(field) is drf.CharField

    def bind(_: Any) -> Converter:
        names = dict(column.flatchoices)  # Choices may be a callable.

        def name(value: Any) -> Any:
            found = force_str(names.get(value, value), strings_only=True)
            return str(found) if as_text else found

        return name

    return Convert("choice name", bind)


def file(field: Any, column: Any) -> Convert:
    known = (files.FieldFile, files.ImageFieldFile)
    if not stock(column, models.FileField) or column.attr_class not in known:
        raise NotCompiled("a file of its own make")

    def bind(run: Any) -> Converter:
        if not getattr(field, "use_url", api_settings.UPLOADED_FILES_USE_URL):
            return lambda name: name or None
        url, request = column.storage.url, run.context.get("request")
        if request is None:
            return lambda name: url(name) if name else None
        return lambda name: request.build_absolute_uri(url(name)) if name else None

    return Convert("url", bind, plain=True)


STRINGS = (models.CharField, models.TextField)

TEXTS = (
    *(drf.CharField, drf.EmailField, drf.SlugField, drf.URLField, drf.RegexField),
    drf.IPAddressField,
)

text = as_is(*STRINGS, otherwise=TEXT)
integer = as_is(models.IntegerField, otherwise=constant("int", int))

KINDS: dict[type[drf.Field], Make] = {
    **dict.fromkeys(TEXTS, text),
    drf.IntegerField: integer,
    drf.BigIntegerField: big_integer,
    drf.FloatField: lambda *_: constant("float", float, plain=False),
    drf.BooleanField: as_is(models.BooleanField),
    drf.UUIDField: uuid,
    drf.DecimalField: decimal,
    drf.DateTimeField: date_time,
    drf.DateField: written(models.DateField, "DATE_FORMAT"),
    drf.TimeField: written(models.TimeField, "TIME_FORMAT"),
    drf.ChoiceField: choice,
    drf.FilePathField: choice,
    drf.FileField: file,
    drf.ImageField: file,
    drf.JSONField: lambda field, _: generic(field) if field.binary else AS_READ,
    drf.ReadOnlyField: as_is(*STRINGS, models.IntegerField, models.BooleanField, otherwise=AS_READ),
}
