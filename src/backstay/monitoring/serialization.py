"""
The time that bodies take: making data of objects, and bytes of data.

Measured are ``serializer.data`` of DRF, however it is made (compiled reads too), and the
rendering of responses. SQL that is run meanwhile is in it, as it is in the time of SQL.
Not in it are rows that a paginator reads before, and what a streamed view makes by itself.
"""

from typing import Any

from rest_framework.serializers import BaseSerializer

from backstay.measure import Serializing


def install() -> None:
    """Measure ``serializer.data`` from now on. Idempotent."""
    original: Any = vars(BaseSerializer)["data"]
    if getattr(original.fget, "measures", False):
        return

    def data(serializer: Any) -> Any:
        with Serializing():
            return original.fget(serializer)

    data.measures = True  # type: ignore[attr-defined]  # Read above.
    BaseSerializer.data = property(data, doc=original.__doc__)  # type: ignore[assignment, method-assign]  # In its place.


def measure_rendering(response: Any) -> None:
    """From now on, until *response* is rendered."""
    rendering = Serializing()
    rendering.__enter__()
    response.add_post_render_callback(lambda _: rendering.__exit__())
