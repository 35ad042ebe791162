"""
The service's settings, for tests: the same but for secrets, speed and place.

The database and the Redis are those of ``DATABASE_URL`` and ``REDIS_URL``.
SQLite runs from a file, as in production: a database in memory has no WAL and
one connection for all threads. Parallel test processes share nothing: each has
a database and a number of the Redis of its own.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

# The environment of whoever runs the tests decides where, and nothing else.
for name in (
    *("DEBUG", "LOG_FORMAT", "ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS"),
    *("TRUSTED_PROXIES", "THROTTLE_RATES", "PLAN_RATES", "AUTH_KEYS", "API_VERSIONS"),
    *("EMAIL_URL", "METRICS_TOKEN", "CELERY_BROKER_URL", "WEB_CONCURRENCY", "HOST", "PORT"),
):
    os.environ.pop(name, None)
os.environ["LOG_FORMAT"] = "console"
os.environ["SECRET_KEY"] = "a key for tests: it protects nothing, and is long enough"

# Parallel processes end without their exit handlers, so the first one cleans up for all.
if "TESTS_SCRATCH" not in os.environ:
    os.environ["TESTS_SCRATCH"] = tempfile.mkdtemp(prefix="shop-tests-")
    atexit.register(shutil.rmtree, os.environ["TESTS_SCRATCH"], ignore_errors=True)

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SCRATCH = Path(os.environ["TESTS_SCRATCH"], f"gw{WORKER}")
SCRATCH.mkdir(exist_ok=True)

if url := os.environ.get("REDIS_URL"):
    parts = urlsplit(url)
    if parts.scheme != "unix":
        number = (int(parts.path.strip("/") or 0) + WORKER) % 16
        os.environ["REDIS_URL"] = parts._replace(path=f"/{number}").geturl()

from shop.settings import *  # noqa: E402, F403  # The environment must be set before.
from shop.settings import DATABASES, INSTALLED_APPS  # noqa: E402  # As above.

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["NAME"] = str(SCRATCH / "db.sqlite3")
    DATABASES["default"]["TEST"] = {"NAME": str(SCRATCH / "test.sqlite3")}

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = False
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "rest_framework.authtoken",
    "tests.backstay.testapp",
    "tests.backstay.readplan.lab",
]
