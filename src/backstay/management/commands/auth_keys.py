"""
``manage.py auth_keys generate|prepare|rotate|list [FILE]``: the keys that sign tokens.

The file is that of ``AUTH_KEYS`` unless another is named. No command prints a
secret. Servers read the file again when it changes. Where several machines have
copies, ``prepare`` the next key and give each its copy, then ``rotate`` and do so
again: a machine with the old copy already verifies what the others sign.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backstay.auth import key_files
from backstay.auth.keys import ALGORITHMS, derived_jwk, thumbprint
from backstay.conf import settings


class Command(BaseCommand):
    help = "Make, rotate or list the keys that sign tokens."
    #: A file that is not there yet is what "generate" is for.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        for name, about in (
            ("generate", "write a new key set"),
            ("prepare", "add the key that the next rotation signs with; until then it verifies"),
            ("rotate", "sign with the prepared or a new key; the old verify while needed"),
            ("list", "show which keys sign and verify"),
        ):
            command = commands.add_parser(name, help=about)
            command.add_argument("file", nargs="?", help="default: the file of AUTH_KEYS")
            if name != "list":
                command.add_argument(
                    "--algorithm",
                    choices=sorted(ALGORITHMS),
                    default="EdDSA",
                    help="of a key that is made now; default: EdDSA",
                )

    def handle(
        self, *_: Any, command: str, file: str | None, algorithm: str = "", **__: Any
    ) -> None:
        named = file or settings.AUTH_KEYS
        if named is None:
            raise CommandError("AUTH_KEYS is not set. Name a file.")
        try:
            # A link stays one: it is its file that is replaced.
            linked = command != "generate" and Path(named).is_symlink()
            path = Path(os.path.realpath(named) if linked else named)
            if command != "list":
                getattr(self, f"_{command}")(path, algorithm)
            self._report(path)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def _generate(self, path: Path, algorithm: str) -> None:
        if os.path.lexists(path):
            raise CommandError(f"{path} exists. To replace its key, rotate it.")
        new = key_files.generate(algorithm)
        # Whoever is logged in with a derived key stays so.
        derived = self._derived() if settings.AUTH_KEYS is None else []
        keys = key_files.rotated(derived, new, now=int(time.time()))
        key_files.write(path, keys, replace=False)

    def _prepare(self, path: Path, algorithm: str) -> None:
        keys = key_files.read(path)
        if key_files.prepared(keys):
            raise CommandError("A key is prepared already. Rotate to sign with it.")
        key_files.write(path, [*keys, key_files.generate(algorithm)])

    def _rotate(self, path: Path, algorithm: str) -> None:
        keys = key_files.read(path)
        new = key_files.prepared(keys) or key_files.generate(algorithm)
        old = [jwk for jwk in keys if jwk["kid"] != new["kid"]]
        key_files.write(path, key_files.rotated(old, new, now=int(time.time())))

    def _report(self, path: Path) -> None:
        keys = key_files.read(path)
        for jwk in keys:
            self.stdout.write(f"{jwk['kid']}  {jwk['alg']:5}  {_role(jwk, keys)}")
        if settings.AUTH_KEYS is None:
            self.stdout.write(f"To use them: AUTH_KEYS={path}")

    @staticmethod
    def _derived() -> list[key_files.Jwk]:
        secrets = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
        derived = [derived_jwk(str(secret)) for secret in dict.fromkeys(secrets)]
        return [{**jwk, "kid": thumbprint(jwk)} for jwk in derived]


def _role(jwk: key_files.Jwk, keys: list[key_files.Jwk]) -> str:
    if jwk is keys[0]:
        return "signs"
    if jwk is key_files.prepared(keys):
        return "verifies, and signs after the next rotation"
    if "retired_at" not in jwk:
        return "verifies"
    until = datetime.fromtimestamp(key_files.expires(jwk), tz=UTC)
    return f"verifies until {until:%Y-%m-%d %H:%M} UTC"
