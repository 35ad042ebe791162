"""
What gunicorn is told; ``manage.py serve`` gives it the socket.

Workers are replaced when they die. SIGTERM stops accepting, lets requests in
flight finish for up to ``graceful_timeout`` seconds, and exits with 0.

Without a broker each worker delivers jobs as well, in one thread.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

from backstay.contrib.prometheus_files import keep_dead
from shop.environment import Environment
from shop.logs import configuration

ENVIRONMENT = Environment.from_process()

#: What one connection holds of an answer that its client has not read yet.
SEND_BUFFER_BYTES = 1_048_576


#: A directory of this name is of one start of the server, and removed at its end.
METRICS_PREFIX = "shop-metrics-"


class QuietLogger(Logger):
    """Writes no line for a request: that is the application's."""

    def access(self, *_: Any) -> None:
        return None


wsgi_app = "shop.wsgi:application"
worker_class = "shop.server.worker.PatientWorker"
workers = ENVIRONMENT.web_concurrency
# Threads wait for the database. Each keeps a connection: 8 workers use 64 of
# the 100 that PostgreSQL allows by default.
threads = 8
keepalive = 5
graceful_timeout = 30
control_socket_disable = True
logger_class = QuietLogger
logconfig_dict = configuration(ENVIRONMENT.log_format)
# Which proxies to believe is decided in one place, TRUSTED_PROXIES.
forwarded_allow_ips = ""


def post_worker_init(worker: Any) -> None:
    """Start delivering, where no broker says that other processes do."""
    if ENVIRONMENT.celery_broker_url is None:
        # Django is set up now; when this module was read it was not.
        from backstay.outbox.thread import RelayThread

        worker.relay = RelayThread()
        worker.relay.start()


def on_starting(_: Any) -> None:
    """Take over what the processes of an earlier start have counted, if it is kept."""
    keep_dead()


def child_exit(_: Any, __: Any) -> None:
    """A worker has ended; what it has counted has not."""
    keep_dead()


def on_exit(_: Any) -> None:
    directory = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""))
    if directory.name.startswith(METRICS_PREFIX):
        shutil.rmtree(directory, ignore_errors=True)


def worker_exit(_: Any, worker: Any) -> None:
    """Hand back the jobs that were claimed; one that hangs must not keep us."""
    if hasattr(worker, "relay"):
        worker.relay.stop(timeout_seconds=1)
