"""What every request was and cost: measured once, handed to every sink."""

from backstay.monitoring.record import Finding, Record
from backstay.monitoring.sinks import add_sink, remove_sink

__all__ = ["Finding", "Record", "add_sink", "remove_sink"]
