"""A payment provider with books: a directory whose files any process can read, and make once."""

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.backstay.outbox.processes import kill_self


class Ledger:
    """Holds, takes and gives back in ``LEDGER``. Each file stands for what happened, once."""

    def __init__(self) -> None:
        self.books = Path(os.environ["LEDGER"])

    def authorize(self, *, key: str, amount: Decimal, currency: str, method: str) -> None:
        self._write("held", key, f"{amount} {currency}")

    def capture(self, *, key: str) -> None:
        assert (self.books / f"held.{key}").exists()
        if not (self.books / f"refunded.{key}").exists():
            self._write("taken", key)

    def refund(self, *, key: str) -> None:
        self._write("refunded", key)

    def _write(self, what: str, key: str, text: str = "") -> None:
        (self.books / f"{what}.{key}").write_text(text)


class FatalLedger(Ledger):
    """Kills whoever has had an amount held."""

    def authorize(self, *, key: str, amount: Decimal, currency: str, method: str) -> None:
        super().authorize(key=key, amount=amount, currency=currency, method=method)
        kill_self()


def written(books: Path) -> Counter[str]:
    """How often what happened."""
    return Counter(path.name.partition(".")[0] for path in books.iterdir())
