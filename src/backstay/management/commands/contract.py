"""
``manage.py contract``: what each version of the API has promised, and whether that holds.

``freeze`` stores the OpenAPI document of each version in ``BACKSTAY["CONTRACTS"]``, to be
committed. ``check`` fails on a change that breaks what is stored, a line for each: status
1. A stored document that is missing or cannot be read is status 2. ``build`` writes the
documents that production serves.
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backstay.conf import settings
from backstay.versioning.contracts import Breaking, additions, breaking


class Command(BaseCommand):
    help = "Freeze the contract of each version, check that it is kept, build the documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        freeze = commands.add_parser("freeze", help="store each version's document")
        freeze.add_argument(
            "--break", action="store_true", dest="broken", help="store it though it breaks what was"
        )
        check = commands.add_parser("check", help="fail on a change that breaks what is stored")
        check.add_argument(
            "--against", metavar="FILE", help="one version's older document, in place of the stored"
        )
        commands.add_parser("build", help="write the documents that production serves")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        try:
            from backstay.contrib.spectacular import documents
        except ImportError as error:
            raise CommandError(f"The documents need drf-spectacular ({error}).") from None
        if command == "build":
            self._build(documents.build)
        elif command == "freeze":
            self._freeze(documents.generate, broken=options["broken"])
        else:
            self._check(documents.generate, options["against"])

    def _build(self, build: Callable[[], list[Path]]) -> None:
        if settings.DOCUMENTS is None:
            raise CommandError('Say where in BACKSTAY["DOCUMENTS"].')
        for place in build():
            self.stdout.write(f"Wrote {place}.")

    def _freeze(self, generate: Callable[[str], Any], *, broken: bool) -> None:
        """All of them, or none."""
        made = {version: generate(version) for version in settings.VERSIONS}
        stored = {version: place(version) for version in made if place(version).exists()}
        found = [
            one
            for version, path in stored.items()
            for one in compared(version, path, read(path), made[version])
        ]
        if found and not broken:
            self._refuse(found, "Nothing was stored. If no client is left to break: --break.")
        for version, document in made.items():
            place(version).parent.mkdir(parents=True, exist_ok=True)
            place(version).write_text(canonical(document), encoding="utf-8")
            self.stdout.write(f"Froze {version} in {place(version)}.")

    def _check(self, generate: Callable[[str], Any], against: str | None) -> None:
        if against is None:
            places = {version: place(version) for version in settings.VERSIONS}
            promised = {version: read(path) for version, path in places.items()}
            found = list(gone())
        else:
            old = read(Path(against))
            version = version_of(old, against)
            places, promised, found = {version: Path(against)}, {version: old}, []
        made = {version: generate(version) for version in promised}
        for version, old in promised.items():
            found += compared(version, places[version], old, made[version])
        if found:
            self._refuse(found, "The contract is broken.")
        for version, old in promised.items():
            number = additions(version, old, made[version])
            self.stdout.write(f"{version}: the contract holds, {number} additions.")

    def _refuse(self, found: list[Breaking], what: str) -> None:
        for one in found:
            self.stderr.write(str(one))
        raise CommandError(f"Breaking changes: {len(found)}. {what}", returncode=1)


def place(version: str) -> Path:
    return Path(settings.CONTRACTS, f"{version}.json")


def canonical(document: dict[str, Any]) -> str:
    """Sorted and a line for each value, so that a difference is small and easy to read."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read(path: Path) -> dict[str, Any]:
    """
    Raises:
        CommandError: it is not there, or no OpenAPI document.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document["paths"], dict) or not isinstance(document["openapi"], str):
            raise ValueError("it is no OpenAPI document")
    except FileNotFoundError:
        raise CommandError(
            f"There is no {path}; `manage.py contract freeze` writes it.", returncode=2
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.", returncode=2) from None
    return dict(document)


def compared(version: str, path: Path, old: dict[str, Any], new: dict[str, Any]) -> list[Breaking]:
    """
    Raises:
        CommandError: what is stored in *path* is no whole OpenAPI document.
    """
    try:
        breaking(version, old, old)
    except (AttributeError, KeyError, TypeError) as error:
        raise CommandError(f"{path} cannot be read: {error!r}.", returncode=2) from None
    return breaking(version, old, new)


def gone() -> Iterator[Breaking]:
    """Versions that have a contract, and are none any more."""
    for path in sorted(Path(settings.CONTRACTS).glob("*.json")):
        if path.stem not in settings.VERSIONS:
            what = f"is gone. Serve it until its sunset, then delete {path}."
            yield Breaking(path.stem, "", "", what)


def version_of(document: dict[str, Any], path: str) -> str:
    """
    Raises:
        CommandError: the document says no version of this API.
    """
    info = document.get("info")
    said = str(info.get("version") if isinstance(info, dict) else None)
    # drf-spectacular's way to write a version beside that of the software.
    version = said.removesuffix(")").rpartition("(")[2]
    if version not in settings.VERSIONS:
        raise CommandError(f"{path} is of version {said!r}, which is none here.", returncode=2)
    return version
