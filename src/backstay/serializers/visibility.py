"""
Who sees a field, declared beside the field.

``Meta.visible_to = {"internal_notes": staff}`` removes the field for everybody
else before anything is computed: from the answer, and from the input, where it
is then an unknown field. Without a request nothing that is declared is shown.

``role`` and ``plan`` read ``user.role`` and ``user.organization.plan``.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.fields import Field

from backstay.conf import plan_admits


@dataclass(frozen=True, slots=True)
class Visibility:
    """A rule: ``admits(user)``, and the words for it in documents."""

    label: str
    admits: Callable[[Any], bool]

    def __or__(self, other: "Visibility") -> "Visibility":
        return Visibility(
            f"{self.label} or {other.label}",
            lambda user: self.admits(user) or other.admits(user),
        )


staff = Visibility("staff", lambda user: getattr(user, "is_staff", False))


def role(*names: str) -> Visibility:
    """Users whose ``role`` is one of *names*."""
    return Visibility(" or ".join(names), lambda user: getattr(user, "role", None) in names)


def plan(minimum: str) -> Visibility:
    """Users whose organization is on *minimum* or a higher plan of ``PLANS``."""

    def admits(user: Any) -> bool:
        return plan_admits(getattr(getattr(user, "organization", None), "plan", None), minimum)

    return Visibility(f"plan {minimum} or higher", admits)


class VisibleFieldsMixin:
    """Put before a DRF serializer class."""

    def get_fields(self) -> dict[str, Field]:
        fields: dict[str, Field] = super().get_fields()  # type: ignore[misc]  # A mixin.
        rules: Mapping[str, Visibility] = getattr(getattr(self, "Meta", None), "visible_to", {})
        if not rules or self._documenting():
            return fields
        request = self.context.get("request")  # type: ignore[attr-defined]
        return {
            name: field
            for name, field in fields.items()
            if name not in rules or (request is not None and rules[name].admits(request.user))
        }

    @classmethod
    def plan_variant(cls, context: Mapping[str, Any]) -> Hashable:
        """What its fields depend on, for compiled reads: who asks."""
        rules: Mapping[str, Visibility] = getattr(getattr(cls, "Meta", None), "visible_to", {})
        request = context.get("request")
        if not rules or request is None:
            return request is None
        return tuple(rule.admits(request.user) for rule in rules.values())

    def _documenting(self) -> bool:
        """A schema shows what anybody may see; drf-spectacular marks its views so."""
        view = self.context.get("view")  # type: ignore[attr-defined]
        return getattr(view, "swagger_fake_view", False)
