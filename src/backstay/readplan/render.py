"""
JSON by orjson where it is installed and writes DRF's very bytes; DRF's renderer otherwise.

orjson is taken for bodies of a plan that hold nothing the two write in different ways
(``execute.plain``): no NaN, no float beyond 10^16. A float that a view adds to such a
body by itself is written in orjson's way, which means the same.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

try:
    import orjson
except ImportError:  # The extra "orjson".
    orjson = None  # type: ignore[assignment]  # Asked for below.

#: A string may hold these; in JavaScript before ES2019 none may, so DRF escapes them.
_SEPARATORS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


class JSONRenderer(renderers.JSONRenderer):
    """In the place of DRF's ``JSONRenderer``, which ``ReadPlanMixin`` puts it in."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = dict(renderer_context or {})
        if data is not None and self._alike(accepted_media_type, context):
            try:
                return _dumps(data)
            except (TypeError, ValueError):  # Integers beyond 64 bits, lone surrogates.
                pass
        return super().render(data, accepted_media_type, renderer_context)

    def _alike(self, accepted_media_type: str | None, context: dict[str, Any]) -> bool:
        return (
            orjson is not None
            and getattr(context.get("view"), "plain_bodies", False)
            and self.compact
            and not self.ensure_ascii
            and self.encoder_class is JSONEncoder
            and self.get_indent(accepted_media_type or "", context) is None
        )


def _dumps(data: Any) -> bytes:
    options = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    written = orjson.dumps(data, JSONEncoder().default, options)
    for raw, escaped in _SEPARATORS:
        written = written.replace(raw, escaped)
    return written
