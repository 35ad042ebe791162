"""
Updates that write what the request names, to a row that is still there.

``Model.save()`` writes every column as it was when the object was read: whatever others
wrote meanwhile is undone (stock that was sold comes back), and a row that was deleted is
inserted again. Here the ``UPDATE`` names the columns of the validated data and those the
model sets by itself (``auto_now``), and a row that is gone is 404.
"""

from typing import Any

from django.db import DatabaseError
from rest_framework.exceptions import NotFound
from rest_framework.serializers import raise_errors_on_nested_writes


class NamedUpdateMixin:
    """Put before DRF's ``ModelSerializer``."""

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        """
        Raises:
            NotFound: the row was deleted since it was read.
        """
        raise_errors_on_nested_writes("update", self, validated_data)  # type: ignore[arg-type]  # A mixin.
        model = type(instance)._meta
        many = {field.name for field in model.many_to_many}
        columns = [name for name in validated_data if name not in many]
        for name in columns:
            setattr(instance, name, validated_data[name])
        if columns:
            own = [f.name for f in model.concrete_fields if getattr(f, "auto_now", False)]
            try:
                instance.save(update_fields=[*columns, *own])
            except DatabaseError as error:
                # What the driver raised is its cause; that no row was there, Django says itself.
                if error.__cause__ is not None:
                    raise
                raise NotFound from None
        for name in many & validated_data.keys():
            getattr(instance, name).set(validated_data[name])
        return instance
