"""
``python -m tests.backstay.readplan.fuzz FIRST COUNT``: as many cases as one has time for.

Each number seeds one case over rows that are made anew every thousand; in the tests'
database, by ``DATABASE_URL``. It tells how many cases went how so far, and ends with 1
where DRF and the plan differ.
"""

import os
import sys
import warnings
from collections import Counter
from random import Random

import django


def main(first: int, count: int) -> int:
    from django.db import connection, transaction
    from django.test import override_settings

    from tests.backstay.readplan.comparison import draw
    from tests.backstay.readplan.lab.rows import populate

    kinds: Counter[str] = Counter()
    different = 0
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        for start in range(first, first + count, 1000):
            with (
                override_settings(ROOT_URLCONF="tests.backstay.readplan.lab.urls"),
                transaction.atomic(),
            ):
                populate(Random(start))  # noqa: S311  # The same rows again.
                for seed in range(start, min(start + 1000, first + count)):
                    case = draw(Random(seed))  # noqa: S311  # As above.
                    kinds[outcome_of(case)] += 1
                    if case.difference:
                        different += 1
                        print(f"──── {seed}: {case.difference[:3000]}", flush=True)
                transaction.set_rollback(True)
            told = dict(kinds.most_common())
            print(f"{connection.vendor} {first} to {seed}: {told}", flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    return 1 if different else 0


def outcome_of(case) -> str:
    if case.difference:
        return "different"
    if case.drf.error:
        return f"both raise {type(case.drf.error).__name__}"
    return "same, by a plan" if case.plan.planned else "same, left to DRF"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    warnings.simplefilter("ignore")
    django.setup()
    sys.exit(main(*map(int, sys.argv[1:3])))
