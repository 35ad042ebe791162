"""A caller's trace is continued where its header is right, and a new one begun elsewhere."""

import pytest

from backstay.traces import Trace, continued, current, traceparent

pytestmark = [pytest.mark.M1, pytest.mark.once]

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class TestContinued:
    @pytest.mark.parametrize(
        ("header", "flags"),
        [
            (f"00-{TRACE}-{SPAN}-01", "01"),
            (f"00-{TRACE}-{SPAN}-00", "00"),
            (f"00-{TRACE}-{SPAN}-ff", "01"),
            (f"cc-{TRACE}-{SPAN}-01", "01"),
            (f"cc-{TRACE}-{SPAN}-01-what-is-to-come", "01"),
        ],
    )
    def test_a_right_one_goes_on_as_a_part_of_its_own(self, header, flags):
        trace = continued(header)

        assert (trace.trace_id, trace.flags) == (TRACE, flags)
        assert trace.span_id != SPAN

    @pytest.mark.parametrize(
        "header",
        [
            "",
            f"00-{TRACE}-{SPAN}",
            f"00-{TRACE}-{SPAN}-01-more",
            f"00-{TRACE}-{SPAN}-01-",
            f"ff-{TRACE}-{SPAN}-01",
            f"00-{'0' * 32}-{SPAN}-01",
            f"00-{TRACE}-{'0' * 16}-01",
            f"00-{TRACE.upper()}-{SPAN}-01",
            f"00-{TRACE}-{SPAN}-0g",
            f"00-{TRACE}-{SPAN}-01\r\nevent: forged",
            f" 00-{TRACE}-{SPAN}-01",
            f"00-{TRACE}-{SPAN}-01\u2028",
            f"cc-{TRACE}-{SPAN}-01.more",
            "0" * 100_000,
            f"cc-{TRACE}-{SPAN}-01-" + "x" * 100_000,
        ],
    )
    def test_a_wrong_one_begins_another(self, header):
        first, second = continued(header), continued(header)

        assert TRACE not in {first.trace_id, second.trace_id}
        assert first.trace_id != second.trace_id

    def test_a_part_that_has_an_id_keeps_it(self):
        own = "0123456789abcdef" * 2

        begun, continued_ = continued("", own), continued(f"00-{TRACE}-{SPAN}-01", own)

        assert begun == Trace(own, own[16:])
        assert continued_ == Trace(TRACE, own[16:], "01")

    def test_what_is_begun_can_itself_be_continued(self):
        begun = continued("")

        assert continued(begun.traceparent).trace_id == begun.trace_id


class TestTraceparent:
    def test_is_the_header_for_calls_made_on_its_behalf(self):
        token = current.set(Trace(TRACE, SPAN, "01"))
        try:
            assert traceparent() == f"00-{TRACE}-{SPAN}-01"
        finally:
            current.reset(token)

    def test_is_empty_outside_any(self):
        assert traceparent() == ""
