"""
Transforms at work in a serializer.

``Meta.transforms = {"v2": (Nest(…),)}`` says what v2 changed. A request of v1
then has its body carried forward before validation, and its answer and its
errors carried back. Nested serializers do the same for their own part.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty
from rest_framework.utils.html import is_html_input

from backstay.versioning.transforms import Transform, steps_back


class TransformsMixin:
    """Put before a DRF serializer class."""

    def run_validation(self, data: Any = empty) -> Any:
        steps = list(self._steps_back())
        if not steps:
            return super().run_validation(data)  # type: ignore[misc]  # A mixin.
        if isinstance(data, Mapping) and not is_html_input(data):
            for step in reversed(steps):
                data = step.upgrade(data)
        try:
            return super().run_validation(data)  # type: ignore[misc]
        except ValidationError as error:
            detail: Any = error.detail
            for step in steps:
                detail = step.downgrade_errors(detail) if isinstance(detail, Mapping) else detail
            error.detail = detail
            raise

    def to_representation(self, instance: Any) -> Any:
        body = super().to_representation(instance)  # type: ignore[misc]
        downgrade = self.downgrade()
        return downgrade(body) if downgrade else body

    #: For compiled reads: what is done beyond the class above.
    to_representation.finished_by = "downgrade"  # type: ignore[attr-defined]  # Of a function.

    def downgrade(self) -> Callable[[Any], Any] | None:
        """From a body of the newest version to that of the request; ``None``: the same."""
        steps = list(self._steps_back())

        def older(body: Any) -> Any:
            for step in steps:
                body = step.downgrade(body)
            return body

        return older if steps else None

    def _steps_back(self) -> Iterator[Transform]:
        request = self.context.get("request")  # type: ignore[attr-defined]
        changes = getattr(getattr(self, "Meta", None), "transforms", {})
        return steps_back(changes, getattr(request, "version", None))
