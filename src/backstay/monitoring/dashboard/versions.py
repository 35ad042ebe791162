"""The versions on the page: which client speaks which, counted by ``VersionMiddleware``."""

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from backstay.store import StoreUnavailable
from backstay.versioning import usage

#: The most frequent.
SHOWN = 200


def report() -> list[dict[str, Any]]:
    """Each version and client with its requests; none while Redis does not answer."""
    with suppress(StoreUnavailable):
        return [asdict(one) for one in usage.totals()[:SHOWN]]
    return []
