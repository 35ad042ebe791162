"""
Several versions of one API from one code path.

Views and serializers are written for the newest version. What a version
changed is declared beside the serializer as transforms, and a request of an
older version runs through them: its body forward, the answer back.
"""

from backstay.versioning.path import PathVersioning
from backstay.versioning.serializers import TransformsMixin
from backstay.versioning.sources import AnyVersioning
from backstay.versioning.transforms import Collapse, Nest, Transform

__all__ = [
    "AnyVersioning",
    "Collapse",
    "Nest",
    "PathVersioning",
    "Transform",
    "TransformsMixin",
]
