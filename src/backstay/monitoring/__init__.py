"""
What every request was and cost: measured once, handed to every sink.

:class:`MonitoringMiddleware` makes a :class:`Record` of each request. Log lines
(``backstay.monitoring.logs``), metrics (``backstay.contrib.prometheus``) and whatever a
project adds are sinks of it.
"""

from backstay.monitoring.budgets import query_budget
from backstay.monitoring.middleware import MonitoringMiddleware
from backstay.monitoring.performance import track_performance
from backstay.monitoring.record import Finding, Record
from backstay.monitoring.sinks import add_sink, remove_sink

__all__ = [
    "Finding",
    "MonitoringMiddleware",
    "Record",
    "add_sink",
    "query_budget",
    "remove_sink",
    "track_performance",
]
