"""
The document of each version: made from the code, or read where ``contract build`` put it.

``manage.py contract build`` writes ``v1.<fingerprint>.json`` into ``BACKSTAY["DOCUMENTS"]``.
The fingerprint is of what a document is made of: every Python file of the installed apps and
beside the URLconf, the examples, and the settings that shape it. A file that other code
wrote has another name and is not found; the document is then made here, once a process.

Limit: code that belongs to no app and does not lie beside the URLconf is not in the
fingerprint, so build again when that changes. What shapes a document besides the settings
below, such as an environment variable read by a hook, is not either.
"""

import json
import sys
from functools import cache, lru_cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.utils.translation import get_language
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.settings import spectacular_settings

from backstay.conf import settings

_DJANGO = ("DEBUG", "ROOT_URLCONF", "SESSION_COOKIE_NAME", "SPECTACULAR_SETTINGS")
_OURS = ("ERROR_TYPE_BASE", "VERSIONS", "VERSION_POLICIES")

_making = Lock()


def generate(version: str) -> dict[str, Any]:
    """
    Make the document of *version* now.

    The version is given to a generator of its own, never set in a global, so threads that
    make two versions at once do not see each other's.
    """
    kind = spectacular_settings.DEFAULT_GENERATOR_CLASS
    generator = kind(urlconf=spectacular_settings.SERVE_URLCONF, api_version=version)
    # Through JSON: lazy texts and numbers with a type of their own are what clients get.
    made: dict[str, Any] = json.loads(
        json.dumps(generator.get_schema(request=None, public=True), default=str)
    )
    return made


def document(version: str, form: str = "json") -> bytes:
    """As it is served: ``"json"`` or ``"yaml"``."""
    with _making:
        return _document(version, form, fingerprint())


@lru_cache(maxsize=16)
def _document(version: str, form: str, of: str) -> bytes:
    if form == "yaml":
        text: bytes = OpenApiYamlRenderer().render(json.loads(_document(version, "json", of)))
        return text
    stored = _place(version, of)
    if stored is not None and stored.exists():
        return stored.read_bytes()
    return _written(version)


def build() -> list[Path]:
    """
    Write the documents of all versions, and take away what other code wrote.

    Raises:
        OSError: they cannot be written.
    """
    of = fingerprint()
    places = {version: _place(version, of) for version in settings.VERSIONS}
    for version, place in places.items():
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_written(version))
            for other in set(place.parent.glob(f"{version}.*.json")) - {place}:
                other.unlink()
    return [place for place in places.values() if place is not None]


def _written(version: str) -> bytes:
    return json.dumps(generate(version), ensure_ascii=False, separators=(",", ":")).encode()


def _place(version: str, of: str) -> Path | None:
    return Path(settings.DOCUMENTS, f"{version}.{of}.json") if settings.DOCUMENTS else None


def fingerprint() -> str:
    """Of all that the documents are made of here and now."""
    shaping = [
        *(getattr(django_settings, name, None) for name in _DJANGO),
        *(getattr(settings, name) for name in _OURS),
        get_language(),
    ]
    digest = blake2b(_sources(django_settings.ROOT_URLCONF), digest_size=12)
    digest.update(repr(shaping).encode())
    digest.update(_examples(settings.DOCUMENT_EXAMPLES))
    return digest.hexdigest()


@cache
def _examples(path: str | None) -> bytes:
    """A digest of the examples, read once as the code is."""
    stored = Path(path) if path else None
    text = stored.read_bytes() if stored and stored.exists() else b""
    return blake2b(text).digest()


@cache
def _sources(urlconf: str) -> bytes:
    """A digest of every Python file that may have a say."""
    folders = {Path(config.path) for config in apps.get_app_configs()}
    if file := getattr(import_module(urlconf), "__file__", None):
        folders.add(Path(file).parent)
    digest = blake2b(sys.version.encode())
    for path in sorted({path for folder in folders for path in folder.rglob("*.py")}):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.digest()
