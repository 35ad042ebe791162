"""
Processes for tests: as clean as new ones, and there at once.

A server process that has set Django up, and has opened nothing since, forks each of them.
None has anything of the test's own process: no connection, no thread, no setting.
"""

from importlib import import_module
from multiprocessing import get_context

import django
from django.conf import settings

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([__name__])

# This module is what the server begins with.
django.setup()
import_module(settings.ROOT_URLCONF)
