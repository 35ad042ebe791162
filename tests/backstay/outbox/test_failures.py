"""Of an exception, its class and its place are kept, and none of its words."""

from backstay.outbox.failures import MAX_CALLS, MAX_CLASS, Failure


def failure_of(call, *arguments) -> Failure:
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001  # Whatever it is.
        return Failure.of(error)
    raise AssertionError("nothing was raised")


def fail(message: str) -> None:
    raise PermissionError(message)


def fail_deeply(depth: int) -> None:
    if depth:
        fail_deeply(depth - 1)
    raise PermissionError


class TestFailure:
    def test_names_class_and_calls_innermost_last(self):
        failure = failure_of(fail, "")
        assert failure.error == "builtins.PermissionError"
        assert [call.split(":")[0] for call in failure.raised_in.split(" > ")] == [__name__] * 2

    def test_never_quotes_the_message(self):
        failure = failure_of(fail, "token=eyJh for ada@shop.example")
        assert "eyJh" not in f"{failure}"
        assert "ada" not in f"{failure}"

    def test_fits_its_columns(self):
        failure = failure_of(fail_deeply, 500)
        assert len(failure.raised_in) <= MAX_CALLS
        kind = type("Long" * 100, (Exception,), {})
        assert len(Failure.of(kind()).error) == MAX_CLASS
