"""
Celery, where ``CELERY_BROKER_URL`` names a broker: ``celery -A shop worker``.

It carries the outbox's messages and nothing else: ids as JSON, no results.
"""

import os

from celery import Celery

from shop.environment import BadVariable, Environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

BROKER = Environment.from_process().celery_broker_url
if BROKER is None:
    BadVariable("CELERY_BROKER_URL", "required to run Celery.").end_process()

app = Celery(
    "shop",
    broker=BROKER,
    include=["backstay.contrib.celery"],
)
app.conf.update(
    accept_content=["json"],
    task_ignore_result=True,
    # A broker that is down is waited for, at the start too.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
)
