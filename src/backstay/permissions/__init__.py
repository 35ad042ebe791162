"""
One declared rule for who may see what: the object check, the list filter and the
check of what is created come from it, so they cannot disagree.

A :class:`Rule` is a DRF permission, a class or an instance of one, and combines by
``&``, ``|`` and ``~`` with other rules and with DRF's own. In a view with
:class:`PermittedRowsMixin` it also scopes the queryset: a row that may not be read
answers like one that is not there (404), one that may be read and not written with
403. A related object that a body names goes through :class:`PermittedRelatedField`.

A rule can be asked without HTTP: ``scope(user, model)`` is a ``Q`` for querysets,
``permits(user, obj)`` the same for one object. Roles and plans are read from
``user.role``, ``user.organization`` and its ``plan``.

Limit: a permission of another make that checks objects and says no ``rows`` cannot
scope a list; :class:`PermittedRowsMixin` refuses it rather than show too much.
"""

from backstay.permissions.organizations import (
    HasOrganizationPermission,
    RequirePlan,
    RequireProPlan,
)
from backstay.permissions.ownership import IsOwner, IsOwnerOrAdmin, IsOwnerOrReadOnly
from backstay.permissions.rules import EVERY_ROW, NO_ROW, IsStaff, ReadOnly, Rule
from backstay.permissions.views import PermittedRelatedField, PermittedRowsMixin
from backstay.permissions.windows import WithinWindow

__all__ = [
    "EVERY_ROW",
    "NO_ROW",
    "HasOrganizationPermission",
    "IsOwner",
    "IsOwnerOrAdmin",
    "IsOwnerOrReadOnly",
    "IsStaff",
    "PermittedRelatedField",
    "PermittedRowsMixin",
    "ReadOnly",
    "RequirePlan",
    "RequireProPlan",
    "Rule",
    "WithinWindow",
]
