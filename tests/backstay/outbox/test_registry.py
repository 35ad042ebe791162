"""Jobs have one name, take keyword arguments, and refuse wrong ones where they are enqueued."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from backstay.outbox import UnknownJob, job
from backstay.outbox.models import QueuedJob
from backstay.outbox.registry import find
from tests.backstay.outbox.jobs import shelve
from tests.backstay.testapp.models import Shelf


class TestDeclaration:
    def test_is_found_by_its_name(self):
        assert find("tests.shelve") is shelve

    def test_tasks_of_installed_apps_are_found_at_start(self):
        assert find("accounts.welcome_mail").name == "accounts.welcome_mail"

    def test_a_name_belongs_to_one_function(self):
        with pytest.raises(ImproperlyConfigured, match="is both"):

            @job("tests.shelve")
            def another(*, name: str) -> None: ...

    @pytest.mark.parametrize("name", ["", "Tests.Shelve", "tests.", "a b", "a" * 101])
    def test_a_name_is_plain(self, name):
        with pytest.raises(ImproperlyConfigured, match="is not a job name"):
            job(name)(lambda: None)

    def test_arguments_are_keyword_only(self):
        with pytest.raises(ImproperlyConfigured, match="'user_id' must be keyword-only"):

            @job("tests.positional")
            def positional(user_id: int) -> None: ...

        with pytest.raises(UnknownJob):
            find("tests.positional")


@pytest.mark.django_db
class TestCalls:
    def test_called_directly_runs_here_and_now(self):
        shelve(name="A")
        assert Shelf.objects.filter(name="A").exists()
        assert not QueuedJob.objects.exists()

    @pytest.mark.parametrize("payload", [{}, {"nmae": "A"}, {"name": "A", "more": 1}])
    def test_wrong_arguments_are_refused_at_enqueue(self, payload):
        with pytest.raises(TypeError):
            shelve.enqueue(**payload)
        assert not QueuedJob.objects.exists()
