"""
Processes for tests: as clean as new ones, and there at once.

A server process that has set Django up, and has opened nothing since, forks each of them.
None has anything of the test's own process: no connection, no thread, no setting.
"""

from importlib import import_module
from multiprocessing import get_context

import django
from django.conf import settings
from django.db import connection

#: Longer than anything waits, however busy the machine is.
PATIENCE_SECONDS = 60

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


def use_database(name: str) -> None:
    """
    Work on the test's database.

    Many on two cores wait for each other longer than requests ever may. Those who wait in a
    circle are told so by PostgreSQL itself (deadlock_timeout), after a second.
    """
    connection.settings_dict["NAME"] = name
    options = connection.settings_dict["OPTIONS"]
    options.pop("options", None)
    options.update(dict.fromkeys(options.keys() & {"timeout", "connect_timeout"}, PATIENCE_SECONDS))


# This module is what the server begins with.
django.setup()
import_module(settings.ROOT_URLCONF)
