"""Work that a process repeats by itself, and does once more at its end."""

from threading import Event, Thread

import pytest

from backstay.background import Repeated

pytestmark = pytest.mark.once

WAIT_SECONDS = 30


class Work:
    """Notes each call; the first may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.calls = 0
        self.again = Event()

    def __call__(self) -> None:
        self.calls += 1
        if self.calls > 1:
            self.again.set()
        elif self.fails:
            raise RuntimeError("On purpose.")


@pytest.fixture
def repeated():
    begun = []

    def begin(work, seconds):
        begun.append(Repeated(work, seconds=seconds, name="test"))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()


def test_goes_on_by_itself(repeated):
    work = Work()
    repeated(work, 0.001).ensure()
    assert work.again.wait(WAIT_SECONDS)


@pytest.mark.filterwarnings("ignore:Exception in thread")
def test_is_begun_anew_after_it_has_failed(repeated):
    work = Work(fails=True)
    one = repeated(work, 0.001)
    one.ensure()
    one._thread.join(WAIT_SECONDS)
    assert work.calls == 1
    one.ensure()
    assert work.again.wait(WAIT_SECONDS)


def test_is_done_once_more_at_the_end_and_not_begun_after_it(repeated):
    work = Work()
    one = repeated(work, 3600)
    one.ensure()
    one.end()
    one._thread.join(WAIT_SECONDS)
    assert work.calls == 1
    one.ensure()
    assert not one._thread.is_alive()
    one.end()
    assert work.calls == 1


def test_is_not_begun_where_it_is_off(repeated):
    one = repeated(Work(), 0.001)
    one.enabled = False
    one.ensure()
    one.end()
    assert one._thread is None
    assert one.call.calls == 0


def test_is_tried_again_where_no_thread_could_be_begun(repeated, monkeypatch):
    work = Work()
    one = repeated(work, 0.001)

    def out_of_threads(_):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", out_of_threads)
        one.ensure()
    assert work.calls == 0
    one.ensure()
    assert work.again.wait(WAIT_SECONDS)
