"""
Transforms at work in a serializer.

``Meta.transforms = {"v2": (Nest(…),)}`` says what v2 changed. A request of v1
then has its body carried forward before validation, and its answer and its
errors carried back. Nested serializers do the same for their own part.

A name that only a newer version has is no field of the older: it is unknown there, and a
strict serializer refuses it under the name that the client sent.

Limit: JSON bodies; a form is taken as the newest version has it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty
from rest_framework.utils.html import is_html_input

from backstay.versioning.transforms import Transform, steps_back

#: Put before a name that no field has, so that it meets none on its way forward.
_UNKNOWN = "\0"


class TransformsMixin:
    """Put before a DRF serializer class."""

    def run_validation(self, data: Any = empty) -> Any:
        steps = self._steps_back()
        if steps and isinstance(data, Mapping) and not is_html_input(data):
            data = self._upgraded(data, steps)
        try:
            return super().run_validation(data)  # type: ignore[misc]  # A mixin.
        except ValidationError as error:
            if steps and isinstance(error.detail, Mapping):
                error.detail = _downgraded(error.detail, steps)
            raise

    def to_representation(self, instance: Any) -> Any:
        body = super().to_representation(instance)  # type: ignore[misc]
        downgrade = self.downgrade()
        return downgrade(body) if downgrade else body

    #: For compiled reads: what is done beyond the class above.
    to_representation.finished_by = "downgrade"  # type: ignore[attr-defined]  # Of a function.

    def downgrade(self) -> Callable[[Any], Any] | None:
        """From a body of the newest version to that of the request; ``None``: the same."""
        steps = self._steps_back()

        def older(body: Any) -> Any:
            for step in steps:
                body = step.downgrade(body)
            return body

        return older if steps else None

    def _steps_back(self) -> list[Transform]:
        request = self.context.get("request")  # type: ignore[attr-defined]
        changes = getattr(getattr(self, "Meta", None), "transforms", {})
        return list(steps_back(changes, getattr(request, "version", None)))

    def _upgraded(self, data: Mapping[str, Any], steps: list[Transform]) -> dict[str, Any]:
        names = later = set(self.fields)  # type: ignore[attr-defined]
        for step in steps:
            names = step.downgrade_names(names)
            later = later | names
        unknown = later - names
        body = {_UNKNOWN + name if name in unknown else name: data[name] for name in data}
        for step in reversed(steps):
            body = step.upgrade(body, getattr(self.root, "partial", False))  # type: ignore[attr-defined]
        return body


def _downgraded(errors: Any, steps: list[Transform]) -> dict[str, Any]:
    for step in steps:
        errors = step.downgrade_errors(errors)
    return {str(name).removeprefix(_UNKNOWN): found for name, found in errors.items()}
