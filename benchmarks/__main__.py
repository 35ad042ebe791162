"""``make bench``: every benchmark; ``QUICK=1`` in a minute."""

import os
import tempfile
from pathlib import Path


def main() -> None:
    quick = os.environ.get("QUICK", "") not in {"", "0"}
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as scratch:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(scratch, 'bench.sqlite3')}")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        os.environ["DEBUG"] = "0"
        os.environ["SECRET_KEY"] = "a key for benchmarks: it protects nothing, and is long enough"

        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)

        from benchmarks import authentication, pages, throttles, tokens

        seconds = 4 if quick else 20
        tokens.run(seconds=seconds)
        authentication.run(seconds=seconds)
        throttles.run(seconds=seconds)
        pages.run(orders=20_000 if quick else 500_000, seconds=seconds)


if __name__ == "__main__":
    main()
