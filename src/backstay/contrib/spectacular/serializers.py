"""What backstay's serializers declare beyond DRF's: fields for some callers, older versions."""

from functools import partial
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.settings import spectacular_settings
from rest_framework.serializers import BaseSerializer

from backstay.versioning.transforms import steps_back

#: Where backstay's own base classes are.
_BASES = ("backstay.idempotency", "backstay.serializers", "backstay.versioning")


class DeclaredSerializer(OpenApiSerializerExtension):
    """Applies ``Meta.visible_to`` and ``Meta.transforms`` to a serializer's schema."""

    target_class = "rest_framework.serializers.Serializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        target: BaseSerializer = self.target
        schema = auto_schema._map_serializer(target, direction, bypass_extensions=True)  # noqa: SLF001  # As its own extensions do.
        meta = getattr(target, "Meta", None)
        if direction == "response" and spectacular_settings.COMPONENT_SPLIT_REQUEST:
            # DRF asks for some fields only, and answers with all of them.
            schema = {**schema, "required": list(schema.get("properties", {}))}
        schema = _say_for_whom(schema, getattr(meta, "visible_to", {}))
        version = getattr(auto_schema.view.request, "version", None)

        resolve = partial(_resolve, registry=auto_schema.registry)
        for step in steps_back(getattr(meta, "transforms", {}), version):
            schema = step.downgrade_schema(schema, resolve)
        inherited = set() if describes_itself(type(target)) else {"description"}
        absent = inherited | (set() if schema.get("required") else {"required"})
        return {name: value for name, value in schema.items() if name not in absent}


def describes_itself(declared: type) -> bool:
    """Whether the nearest docstring is a project's: that of a base class is for programmers."""
    nearest = next(base for base in declared.__mro__ if base.__doc__)
    return not nearest.__module__.startswith(_BASES)


def _say_for_whom(schema: dict[str, Any], visible_to: dict[str, Any]) -> dict[str, Any]:
    if not visible_to:
        return schema
    properties = dict(schema.get("properties", {}))
    for name in visible_to.keys() & properties.keys():
        properties[name] = {**properties[name], "description": f"For {visible_to[name].label}."}
    required = [name for name in schema.get("required", []) if name not in visible_to]
    return {**schema, "properties": properties, "required": required}


def _resolve(schema: dict[str, Any], registry: Any) -> dict[str, Any]:
    """Follow ``$ref``, also where it is wrapped to carry ``readOnly``."""
    if "allOf" in schema:
        return _resolve(schema["allOf"][0], registry)
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    found: dict[str, Any] = registry[(name, ResolvedComponent.SCHEMA)].schema
    return found
