"""A process that could not announce what it wrote ends nonetheless, and not before it has tried."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from tests.faulty_redis import redis_of_ones_own
from tests.forks import PATIENCE_SECONDS
from tests.services import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.F1, pytest.mark.long]

#: Writes, waits for a line, and ends.
COMMAND = """
import sys
import django
django.setup()
from django.conf import settings
from django.db import connection
from backstay.caching import freshness
connection.settings_dict["NAME"] = sys.argv[1]
settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": sys.argv[2], "KEY_PREFIX": "ending"}
from tests.backstay.testapp.models import Shelf
Shelf.objects.create(name=sys.argv[3])
print("owed" if freshness.trust._owed else "told", flush=True)
"""


def writes(redis: str, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMMAND, str(connection.settings_dict["NAME"]), redis, name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_where_redis_stays_away():
    writing = writes(f"redis://127.0.0.1:{free_port()}/0", "Away")
    said, _ = writing.communicate(timeout=PATIENCE_SECONDS)
    assert (said.strip(), writing.returncode) == ("owed", 0)


def test_where_redis_comes_back_it_is_told():
    with redis_of_ones_own() as server:
        server.kill()
        writing = writes(server.url, "Back")
        assert writing.stdout is not None
        assert writing.stdout.readline().strip() == "owed"
        server.start()
        writing.communicate(timeout=PATIENCE_SECONDS)
        assert server.do("EXISTS", "ending:changed:*") == 1
    assert settings.BACKSTAY.get("KEY_PREFIX") != "ending"
