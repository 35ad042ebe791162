"""
The files in which several processes count together, and what becomes of one's when it ends.

Of ``PROMETHEUS_MULTIPROC_DIR``; without it there is nothing to do. For a server's master,
which sees its workers end and has no Django.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead


def keep_dead() -> None:
    """
    Add up what processes that have ended counted, and remove their files.

    For whoever sees them end: a server's master. Also what is left of an earlier run.
    """
    directory = shared_directory()
    if directory is None:
        return
    with locked(directory, fcntl.LOCK_EX):
        for file in directory.glob("*_*.db"):
            kind, _, process = file.stem.rpartition("_")
            if not process.isdigit() or _lives(int(process)):
                continue
            mark_process_dead(int(process), str(directory))  # type: ignore[no-untyped-call]  # It has no types.
            # Empty: it was killed before it could count.
            if file.exists() and file.stat().st_size and not kind.startswith("gauge"):
                _add(file, directory / f"{kind}_dead.db")
            file.unlink(missing_ok=True)


def _add(file: Path, kept: Path) -> None:
    total: Any = MmapedDict(str(kept))  # type: ignore[no-untyped-call]  # As above.
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]  # As above.
        total.write_value(key, total.read_value(key)[0] + value, 0.0)
    total.close()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # Somebody else's.
    return True


def shared_directory() -> Path | None:
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(given) if given else None


@contextmanager
def locked(directory: Path, how: int) -> Iterator[None]:
    """A scrape must not see a file that is being added to another, in both or in neither."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, how)
        yield
