"""
Serializers that say what they take and what they show.

``Serializer`` and ``ModelSerializer`` are DRF's, with three habits: unknown
fields and wrong JSON types are refused (``strict``), ``Meta.visible_to``
declares who sees a field (``visibility``), and an update writes only what it
names (``named``). ``ActionSerializersMixin`` gives a
view one serializer per action. Each part also works alone as a mixin.
"""

from rest_framework import serializers as drf

from backstay.serializers.actions import ActionSerializersMixin
from backstay.serializers.named import NamedUpdateMixin
from backstay.serializers.passwords import NewPasswordMixin
from backstay.serializers.strict import StrictInputMixin
from backstay.serializers.visibility import Visibility, VisibleFieldsMixin, plan, role, staff

__all__ = [
    "ActionSerializersMixin",
    "ModelSerializer",
    "NamedUpdateMixin",
    "NewPasswordMixin",
    "Serializer",
    "StrictInputMixin",
    "Visibility",
    "VisibleFieldsMixin",
    "plan",
    "role",
    "staff",
]


class Serializer(StrictInputMixin, VisibleFieldsMixin, drf.Serializer):
    """DRF's ``Serializer``, strict about input and able to hide fields."""


class ModelSerializer(StrictInputMixin, VisibleFieldsMixin, NamedUpdateMixin, drf.ModelSerializer):
    """DRF's ``ModelSerializer``: strict about input, able to hide fields, writing what is named."""
