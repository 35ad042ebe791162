"""
System checks of versions: E030, E031, W030, W031.

Transforms are looked for in the serializers that the URLconf's views name, and in those
nested in them; what a view chooses in code they do not see.
"""

import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own name.
from django.core.exceptions import ImproperlyConfigured
from rest_framework.serializers import BaseSerializer, ListSerializer

from backstay.conf import settings
from backstay.routes import views
from backstay.versioning.policy import policy
from backstay.versioning.transforms import steps_back

_MIDDLEWARE = "backstay.versioning.VersionMiddleware"


def check_policy(**_: Any) -> list[CheckMessage]:
    """E030: versions that cannot be, or end before they are deprecated."""
    try:
        policy()
    except ImproperlyConfigured as error:
        return [
            Error(
                f"{error} No request that asks for a version can be answered.",
                hint="Name versions of VERSIONS; write dates as YYYY-MM-DD.",
                id="backstay.E030",
            )
        ]
    return []


def check_transforms(**_: Any) -> list[CheckMessage]:
    """E031: a transform that nothing leads to, or of a field that is not there."""
    return [
        Error(
            f"{kind.__module__}.{kind.__name__}.Meta.transforms: {why}",
            hint="A key is the version that made the change, a field what the newer calls it.",
            obj=kind,
            id="backstay.E031",
        )
        for kind, fields in _serializers()
        for why in _wrong(kind, fields)
    ]


def check_middleware(**_: Any) -> list[CheckMessage]:
    """W030: a version ends, and its clients are not told."""
    if _MIDDLEWARE in django_settings.MIDDLEWARE or not settings.VERSION_POLICIES:
        return []
    return [
        Warning(
            "Versions end, and no answer has Deprecation, Sunset and Link: clients learn of "
            "it by the first 410.",
            hint=f'Put "{_MIDDLEWARE}" into MIDDLEWARE, after ProblemMiddleware.',
            id="backstay.W030",
        )
    ]


def check_default(**_: Any) -> list[CheckMessage]:
    """W031: who names no version gets one that is over, or soon is."""
    try:
        default = policy().versions[policy().default]
    except ImproperlyConfigured:
        return []  # E030 tells.
    status = default.status(time.time())
    if status == "current":
        return []
    return [
        Warning(
            f"A request that names no version is one of {default.name}, which is "
            + ("over: it is answered with 410." if status == "sunset" else "deprecated."),
            hint='Set BACKSTAY["DEFAULT_VERSION"] to a version that is current.',
            id="backstay.W031",
        )
    ]


def _wrong(kind: Any, fields: set[str]) -> Iterator[str]:
    changes, (oldest, *later) = kind.Meta.transforms, settings.VERSIONS
    for version in changes:
        if version not in later:
            told = "is the oldest" if version == oldest else "is none of VERSIONS"
            yield f"{version!r} {told}, so that its changes lead nowhere."
    names = fields
    for step in steps_back(changes, oldest):
        field = getattr(step, "field", None)
        if field is not None and field not in names:
            yield f"{step!r} is of a field that is not there; there are {', '.join(sorted(names))}."
            return
        try:
            names = step.downgrade_names(names)
        except Exception as error:  # noqa: BLE001  # A project's own, which may raise anything.
            yield f"{step!r} fails where every value is None: {error!r}."
            return


def _serializers() -> Iterator[tuple[Any, set[str]]]:
    """Each class with transforms, and the names of all its fields."""
    seen: set[type] = set()
    for view in views():
        named = getattr(view, "serializer_classes", {}).values()
        shown = getattr(view, "response_serializer_class", None)
        for kind in (getattr(view, "serializer_class", None), shown, *named):
            if isinstance(kind, type) and issubclass(kind, BaseSerializer):
                try:
                    yield from list(_nested(kind(context={"view": _Documenting}), seen))
                except Exception:  # noqa: BLE001, S112  # It wants a request; nothing is said of it.
                    continue


class _Documenting:
    """Stands for a view of whose fields nothing is hidden from anybody."""

    swagger_fake_view = True


def _nested(serializer: Any, seen: set[type]) -> Iterator[tuple[Any, set[str]]]:
    if isinstance(serializer, ListSerializer):
        serializer = serializer.child
    kind = type(serializer)
    if kind in seen or not hasattr(serializer, "fields"):
        return
    seen.add(kind)
    if getattr(getattr(kind, "Meta", None), "transforms", None):
        yield kind, set(serializer.fields)
    for field in serializer.fields.values():
        yield from _nested(getattr(field, "child", field), seen)
