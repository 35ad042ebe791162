"""
What can go wrong, as exceptions a view or an action raises.

One class for each decision a client can take. A :class:`Problem` is a DRF
``APIException``, so it works in any DRF view, and it says everything that its
answer needs: status, code, title, detail, field errors and headers.

Source: RFC 9457 (problem details), RFC 6901 (JSON Pointer).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from rest_framework.exceptions import APIException

from backstay.errors.codes import CATALOGUE, title_of


@dataclass(frozen=True, slots=True)
class FieldError:
    """
    One value that was refused.

    ``pointer`` is a JSON Pointer into the body (``/items/0/quantity``; ``""`` is
    the whole body), or ``?name`` for a query parameter.
    """

    pointer: str
    code: str
    detail: str


class Problem(APIException):
    """
    An error with a code of its own; subclass it for each of yours.

        class InsufficientInventory(Problem):
            \"\"\"Fewer units are left than were asked for.\"\"\"

            status_code = 409
            code = "insufficient_inventory"
            title = "Not enough stock"
            advice = "Order fewer, or wait until more arrive."

    ``title`` is the same for every occurrence, ``detail`` is about this one. The
    docstring and ``advice`` are what the page behind the problem's ``type`` says.
    """

    status_code: int = 500
    code: str = "internal_error"
    title: str = "Internal error"
    advice: str = ""
    default_detail: Any = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "title" not in cls.__dict__ and "code" in cls.__dict__:
            cls.title = title_of(cls.code, cls.status_code)

    def __init__(
        self,
        detail: Any = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        nested: Any = None,
    ) -> None:
        entry = CATALOGUE.get(self.code)
        usual = self.default_detail or (entry.meaning if entry else f"{self.title}.")
        super().__init__(str(detail or usual), self.code)
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        #: The validation errors as DRF nested them, for shapes that keep that.
        self.nested = nested


class Converted(Problem):
    """Someone else's error, told as a problem."""

    def __init__(self, status: int, code: str, detail: Any = None, **told: Any) -> None:
        self.status_code = status
        self.code = code
        self.title = title_of(code, status)
        super().__init__(detail, **told)


class InvalidInput(Problem):
    """Some values cannot be accepted; ``errors`` points at them."""

    status_code = 400
    code = "validation_error"
    default_detail = "Some values are not valid; see errors."


class QueryParameterError(InvalidInput):
    """
    A query parameter that is unknown or cannot be used.

    ``detail`` says it too: it is all that DRF's own handler shows.

    >>> QueryParameterError("page_size", "Must be from 1 to 100.").errors[0].pointer
    '?page_size'
    """

    def __init__(self, name: str, detail: Any, *, code: str = "invalid") -> None:
        super().__init__(f"?{name}: {detail}", errors=[FieldError(f"?{name}", code, str(detail))])


class MalformedRequest(Problem):
    """The request cannot be read."""

    status_code = 400
    code = "parse_error"


class Conflict(Problem):
    """The request does not fit the present state."""

    status_code = 409
    code = "conflict"


class PayloadTooLarge(Problem):
    """The body is longer than the service accepts."""

    status_code = 413
    code = "payload_too_large"


class ServiceUnavailable(Problem):
    """Something the service depends on does not answer; worth another try."""

    status_code = 503
    code = "service_unavailable"

    def __init__(self, detail: Any = None, *, retry_after_seconds: float = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(ceil(retry_after_seconds))})
