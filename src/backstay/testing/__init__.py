"""
What a test suite needs to hold an API to its tenants' isolation.

:func:`assert_isolated` walks an API by its OpenAPI document as every actor and
fails where a foreign object answers otherwise than a missing one. For pytest,
``pytest_plugins = ["backstay.testing.plugin"]`` adds ``query_count``.
"""

from backstay.testing.resources import Actor, IncompleteWalk, Leak, Resource
from backstay.testing.walk import Walker, assert_isolated

__all__ = ["Actor", "IncompleteWalk", "Leak", "Resource", "Walker", "assert_isolated"]
