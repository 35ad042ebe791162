"""
``manage.py serve``: the production server.

``HOST`` and ``PORT`` say where, ``WEB_CONCURRENCY`` how many worker processes;
they are direct children of this process, and one that dies is replaced. The
socket is bound before the server starts: a port that is taken is one line on
stderr and exit status 1; a host without an address, or keys that cannot be used,
are one line and status 2, as any bad variable. SIGTERM drains, as
``shop.server.config`` says.
"""

import os
import socket
import sys
import tempfile
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from backstay.auth.keys import load_keys
from backstay.contrib import prometheus
from shop.environment import BadVariable, Environment
from shop.server.config import METRICS_PREFIX, SEND_BUFFER_BYTES

DEMO_LOGINS = """\
  customer         customer1@shop.example / backstay-demo
  staff            staff@shop.example / backstay-demo
"""


class ServingCommand(BaseCommand):
    """A command that checks the keys before everything else is checked."""

    def check(self, *args: Any, **kwargs: Any) -> None:
        # Also a system check, whose report has many lines.
        try:
            load_keys()
        except ImproperlyConfigured as error:
            BadVariable("AUTH_KEYS", str(error).removeprefix("AUTH_KEYS: ")).end_process()
        super().check(*args, **kwargs)


class Command(ServingCommand):
    help = "Serve the shop: HOST, PORT and WEB_CONCURRENCY worker processes."

    def handle(self, *_: Any, **__: Any) -> NoReturn:
        environment: Environment = settings.ENVIRONMENT
        listener = bind(environment.host, environment.port)
        self.stdout.write(welcome(environment))
        self.stdout.flush()
        # This process goes on as the master, which is none of those that are counted together.
        prometheus.processes().set(0)
        # Where the workers count, so that each can answer for all of them.
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=METRICS_PREFIX)
        os.execv(  # noqa: S606  # The server takes over this process: signals and children are its own.
            sys.executable,
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--config",
                "python:shop.server.config",
                "--bind",
                f"fd://{listener.fileno()}",
            ],
        )


def bind(host: str, port: int) -> socket.socket:
    """
    Take the port now, in a form the server inherits.

    Raises:
        CommandError: the port is taken or the address is not of this machine.
        SystemExit: the host has no address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it: a client that reads slowly holds memory, not a thread.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except socket.gaierror as error:
        listener.close()
        BadVariable("HOST", f"{host!r} has no address ({error.strerror}).").end_process()
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f"Cannot serve on {host}:{port}: {reason}.") from None
    listener.set_inheritable(True)
    return listener


def welcome(environment: Environment) -> str:
    host = f"[{environment.host}]" if ":" in environment.host else environment.host
    base = f"http://{host}:{environment.port}"
    lines = f"""\
  documentation    {base}/api/docs/
  API              {base}/api/v1/products/
  dashboard        {base}/ops/
  admin            {base}/admin/
"""
    example = f"  page with login  {base}/example/\n"
    return lines + (example + DEMO_LOGINS if environment.debug else "")
