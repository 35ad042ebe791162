"""The shop's mails: asked for by requests, sent by jobs, one for each thing that happened."""

import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMessage
from pathlib import Path
from uuid import UUID

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import override_settings
from django.utils import timezone

from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Outcome, Relay
from shop.accounts import actions
from shop.accounts.tasks import send_welcome_mail
from shop.mail import FileBackend
from tests.backstay.outbox.conftest import start_process
from tests.backstay.outbox.processes import drain, kill_self
from tests.shop.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.O3]

__all__ = ["start_process"]


class DyingBackend(FileBackend):
    """Sends, and is killed before it can say so."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        super().send_messages(email_messages)
        kill_self()
        return 0


def drain_and_die(directory: str) -> None:
    backend = f"{__name__}.DyingBackend"
    with override_settings(EMAIL_BACKEND=backend, EMAIL_FILE_PATH=directory):
        drain()


def registration(email: str) -> dict[str, str]:
    password = "a long enough secret"
    return {"email": email, "password": password, "password_confirm": password}


def register(email: str) -> bool:
    return actions.register(email=email, password="secret", first_name="Click here", last_name="")


def deliver(*, after_seconds: float = 0) -> Relay:
    relay = Relay(clock=lambda: timezone.now() + timedelta(seconds=after_seconds))
    relay.drain()
    return relay


def sent() -> list[tuple[str, list[str]]]:
    return [(str(message.subject), message.to) for message in mail.outbox]


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """A mail server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        host, port = listener.getsockname()
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST=host,
            EMAIL_PORT=port,
            EMAIL_TIMEOUT=0.1,
        ):
            yield listener


class TestWelcome:
    def test_greets_a_new_account(self):
        register("ada@shop.example")
        assert sent() == []

        deliver()

        assert sent() == [("Welcome to the shop", ["ada@shop.example"])]

    def test_says_nothing_that_the_visitor_typed(self):
        register("ada@shop.example")
        deliver()
        assert "Click here" not in mail.outbox[0].message().as_string()

    def test_an_account_closed_meanwhile_gets_none(self):
        user = UserFactory.create()
        send_welcome_mail.enqueue(user_id=user.pk)
        actions.anonymise(user=user)
        deliver()
        assert sent() == []
        assert not QueuedJob.objects.exists()


class TestKnownAddress:
    def test_its_owner_is_told_and_nothing_else_happens(self, customer):
        assert not register(customer.email)
        deliver()
        assert sent() == [("You already have an account", [customer.email])]

    @pytest.mark.A5
    def test_one_row_is_written_for_a_new_and_for_a_known_address(self, customer):
        for email in ("new@shop.example", customer.email):
            QueuedJob.objects.all().delete()
            register(email)
            assert QueuedJob.objects.count() == 1


class TestOrderConfirmation:
    def test_repeats_what_was_ordered_at_which_prices(self, make_order, customer):
        order = make_order(customer, quantity=2)

        deliver()

        (message,) = mail.outbox
        assert message.to == [customer.email]
        assert message.subject == f"Your order {order.pk}"
        assert "2 x Lamp, 12.50 EUR each" in message.body
        assert "Total: 25.00 EUR" in message.body

    def test_an_order_deleted_meanwhile_gets_none(self, order):
        order.items.all().delete()
        order.delete()
        deliver()
        assert sent() == []
        assert not QueuedJob.objects.exists()


class TestRequest:
    """A request only writes a row, whatever the mail server does."""

    def test_registration_opens_no_connection_to_the_mail_server(self, anonymous):
        with silent_server() as listener:
            response = anonymous.post("/api/v1/users/", registration("ada@shop.example"))
            assert response.status_code == 202
            with pytest.raises(BlockingIOError):
                listener.accept()

            # The job does, so the test would have noticed.
            assert deliver().outcomes == {Outcome.RETRY: 1}
            listener.accept()[0].close()

    def test_what_a_dead_mail_server_held_up_is_sent_when_it_is_back(self, anonymous):
        with silent_server():
            for name in ("ada", "bob"):
                anonymous.post("/api/v1/users/", registration(f"{name}@shop.example"))
            deliver()

        assert deliver(after_seconds=60).outcomes == {Outcome.DONE: 2}
        assert sorted(to for _, [to] in sent()) == ["ada@shop.example", "bob@shop.example"]


class TestMessageId:
    def test_is_the_jobs_id_at_the_senders_domain_and_the_same_at_each_try(self):
        job_id = send_welcome_mail.enqueue(user_id=UserFactory.create().pk)
        with silent_server():
            deliver()

        deliver(after_seconds=60)

        assert mail.outbox[0].extra_headers["Message-ID"] == f"<{job_id}@shop.example>"

    def test_differs_outside_a_job(self):
        user = UserFactory.create()
        for _ in range(2):
            send_welcome_mail(user_id=user.pk)
        first, second = (message.extra_headers["Message-ID"] for message in mail.outbox)
        assert first != second


class TestFileBackend:
    @pytest.fixture
    def directory(self, settings, tmp_path) -> Path:
        settings.EMAIL_BACKEND = "shop.mail.FileBackend"
        settings.EMAIL_FILE_PATH = tmp_path / "mail"
        return tmp_path / "mail"

    @staticmethod
    def read(directory: Path) -> dict[str, ParsedMessage]:
        files = sorted(directory.iterdir())
        return {
            file.name: message_from_bytes(file.read_bytes(), policy=policy.default)
            for file in files
        }

    def test_names_the_file_by_the_job(self, directory):
        job_id = send_welcome_mail.enqueue(user_id=UserFactory.create(email="a@shop.example").pk)
        deliver()
        ((name, message),) = self.read(directory).items()
        assert name == f"{job_id}.eml"
        assert (message["To"], message["Subject"]) == ("a@shop.example", "Welcome to the shop")

    def test_no_header_leads_out_of_its_directory(self, directory):
        headers = {"Message-ID": "<../../x/y@z>"}
        EmailMessage("S", "B", to=["a@shop.example"], headers=headers).send()
        assert list(self.read(directory)) == [".._.._x_y.eml"]

    @pytest.mark.django_db(transaction=True)
    def test_a_worker_killed_after_sending_leaves_one_mail(self, directory, start_process):
        job_id = send_welcome_mail.enqueue(user_id=UserFactory.create().pk)
        worker = start_process(drain_and_die, str(directory))
        worker.join(60)
        assert worker.exitcode == -signal.SIGKILL
        assert list(self.read(directory)) == [f"{job_id}.eml"]
        assert QueuedJob.objects.count() == 1

        assert deliver(after_seconds=61).outcomes == {Outcome.DONE: 1}

        ((name, message),) = self.read(directory).items()
        assert UUID(Path(name).stem) == job_id
        assert message["Message-ID"] == f"<{job_id}@shop.example>"
