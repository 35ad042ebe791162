"""
A ``SECRET_KEY`` for development: random, stable for one checkout, never shared.

Used only with ``DEBUG`` on and no ``SECRET_KEY``. The file is readable by its
owner alone. Processes that start together agree on one key.
"""

import os
import secrets
from pathlib import Path


def development_key(path: Path) -> str:
    """Read the key at *path*, writing it first where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        try:
            # A link fails where the name is taken: the first process decides,
            # and nobody reads a key that is half written.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
