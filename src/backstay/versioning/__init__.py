"""
Several versions of one API from one code path, each until its own end.

Views and serializers are written for the newest version. What a version
changed is declared beside the serializer as transforms, and a request of an
older version runs through them: its body forward, the answer back. When a
version ends is a setting, which every answer of it tells.

Modules: ``policy`` has the versions and their dates; ``sources`` and ``schemes`` find out
which one a request means; ``middleware`` tells the dates and counts ``usage``;
``transforms`` with ``schemas`` are pure, and ``serializers`` has them at work.
"""

from backstay.versioning.middleware import VersionMiddleware
from backstay.versioning.schemes import (
    AcceptVersioning,
    AnyVersioning,
    PathVersioning,
    QueryVersioning,
    Versioning,
    VersionSunset,
    version_of,
)
from backstay.versioning.serializers import TransformsMixin
from backstay.versioning.transforms import Collapse, Default, Drop, Nest, Rename, Split, Transform

__all__ = [
    "AcceptVersioning",
    "AnyVersioning",
    "Collapse",
    "Default",
    "Drop",
    "Nest",
    "PathVersioning",
    "QueryVersioning",
    "Rename",
    "Split",
    "Transform",
    "TransformsMixin",
    "VersionMiddleware",
    "VersionSunset",
    "Versioning",
    "version_of",
]
