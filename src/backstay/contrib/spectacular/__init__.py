"""
drf-spectacular documents that show what backstay's views really take and give.

Use ``AutoSchema`` as ``DEFAULT_SCHEMA_CLASS`` and ``views.SchemaView`` to serve
the document. Write actions show their input and their answer, older versions are
derived by the same transforms that change their bodies, fields that only some
callers see are optional and say for whom. Every operation names its errors by code,
all in the one shape, and the headers that tell of limits, caches, retries and the end
of its version.
"""

from backstay.contrib.spectacular import security, serializers  # noqa: F401  # They register.
from backstay.contrib.spectacular.schema import AutoSchema

__all__ = ["AutoSchema"]
