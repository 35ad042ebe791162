"""
Which distributed trace the work at hand belongs to.

A caller's ``traceparent`` is continued when it is well formed, and anything else begins a
new trace. ``tracestate`` is not passed on, as the specification allows.

Source: W3C Trace Context, section 3.2 (https://www.w3.org/TR/trace-context/).
"""

import re
from contextvars import ContextVar
from random import getrandbits
from typing import NamedTuple

# Of a later version than 00 there may be more after the flags (section 3.2.2).
_WELL_FORMED = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.{0,400})?"
)


class Trace(NamedTuple):
    """The ids of the trace and of the work at hand in it, in hexadecimal."""

    trace_id: str
    span_id: str
    #: ``"01"`` where the caller has recorded its part.
    flags: str = "00"

    @property
    def traceparent(self) -> str:
        """The header for calls that are made on its behalf."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


current: ContextVar[Trace | None] = ContextVar("backstay_trace", default=None)


def continued(traceparent: str, own_id: str = "") -> Trace:
    """
    A new part of the caller's trace, or of a new one.

    *own_id* names the part already: 32 hexadecimal digits that nothing else has.
    """
    # Ids are to be unique, not secret (section 2.2.2); a process that is forked draws others.
    fresh = f"{own_id}{own_id[16:]}" if own_id else f"{getrandbits(192):048x}"
    match = _WELL_FORMED.fullmatch(traceparent) if len(traceparent) >= 55 else None
    if match is None or (match[1] == "00" and match[5]):
        return Trace(fresh[:32], fresh[32:])
    # Of the flags one is known; the others must be zero (section 3.2.2.5).
    return Trace(match[2], fresh[32:], f"{int(match[4], 16) & 1:02x}")


def traceparent() -> str:
    """The header for an outgoing call, ``""`` outside any trace."""
    trace = current.get()
    return "" if trace is None else trace.traceparent
