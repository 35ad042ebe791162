"""
The version from the URL: ``/api/v2/orders/`` has ``version`` as a path argument.

The versions are ``BACKSTAY["VERSIONS"]``, read at each request. A path that
names another one does not exist: 404.
"""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.versioning import URLPathVersioning

from backstay.conf import settings


class PathVersioning(URLPathVersioning):
    """DRF's ``URLPathVersioning`` with the versions of the settings in force."""

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        version = kwargs.get(self.version_param) or settings.VERSIONS[-1]
        if version not in settings.VERSIONS:
            raise NotFound(f"There is no version {version!r} of this API.")
        return str(version)
