"""
The log line of a request: ``backstay.monitoring.logs.log_request`` is a sink.

    {"event": "request", "method": "GET", "route": "/api/{version}/orders/", "status": 200,
     "duration_ms": 12.5, "sql_count": 3, "sql_ms": 1.9, "cache": "miss", …}

One line of the logger ``backstay.request`` for each, its fields as ``extra``: any formatter
of the project's can write them. A client has a say in two, the request's id and ``client``,
both cleaned before. Lines are of level INFO, of a failure of ours (5xx) ERROR.
"""

import logging
from dataclasses import fields
from operator import attrgetter

from backstay.monitoring.record import Record

logger = logging.getLogger("backstay.request")

#: Of the record; what is not in the line is when, which every line has, and the findings.
FIELDS = tuple(field.name for field in fields(Record) if field.name not in {"at", "findings"})

_values = attrgetter(*FIELDS)


def log_request(record: Record) -> None:
    """Write the line, with the time of the answer as its own."""
    level = logging.INFO if record.status < 500 else logging.ERROR
    if not logger.isEnabledFor(level):
        return
    # By hand: looking for the caller in the stack costs as much as all the rest.
    line = logger.makeRecord(logger.name, level, __file__, 0, "request", (), None)
    line.created, line.msecs = record.at, record.at % 1 * 1_000
    vars(line).update(zip(FIELDS, _values(record), strict=True))
    logger.handle(line)
