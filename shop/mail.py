"""
Plain-text mail, sent by jobs: ``send`` in a function of an app's ``tasks``.

A job may run again when its worker died right after sending. Its mail then has
the same ``Message-ID`` (RFC 5322 section 3.6.4), by which a mail server can drop
the second; ``FileBackend`` writes the same file again. Hence one mail a job.

Nothing that a visitor typed about himself is in a mail to an address that nobody
has confirmed: the form would send anyone's words to anyone.
"""

import re
from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import filebased

from backstay.outbox import current_job


def send(*, to: str, subject: str, body: str) -> None:
    """Send one mail, now: a job calls this, never a view."""
    headers = {"Message-ID": message_id()}
    EmailMessage(subject=subject, body=body, to=[to], headers=headers).send()


def message_id() -> str:
    """The job's id at the sender's domain; outside a job, a new one."""
    job = current_job()
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{job.id if job else uuid4()}@{domain}>"


class FileBackend(filebased.EmailBackend):
    """Writes each mail to ``EMAIL_FILE_PATH``, into a file named by its ``Message-ID``."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for email in email_messages:
            message = email.message()
            left = str(message["Message-ID"]).strip("<>").partition("@")[0]
            name = re.sub(r"[^A-Za-z0-9.-]", "_", left)
            # Whoever looks finds whole mails only, even if the process ends here.
            part = Path(self.file_path, f".{name}.{uuid4().hex}")
            part.write_bytes(message.as_bytes())
            part.replace(Path(self.file_path, f"{name}.eml"))
        return len(email_messages)
