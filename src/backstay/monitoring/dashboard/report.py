"""The one document that the page asks for."""

import time
from typing import Any

from backstay.monitoring import history
from backstay.monitoring.dashboard import audit, jobs, limits, traffic, versions
from backstay.monitoring.history import summed
from backstay.monitoring.history.sheets import (
    ENDPOINTS,
    FINDINGS,
    PULSE,
    REFUSALS,
    RULES,
    Sheet,
)


def report(window: traffic.Window) -> dict[str, Any]:
    """Everything the page shows of *window*; the moment is left out, so equals are equal."""
    now = time.time()
    spans = [ENDPOINTS.since(now - window.seconds, now), RULES.since(now - window.seconds, now)]
    plotted = [name for at in window.begins(now) for name in window.names(at)]
    whole = [FINDINGS.only, REFUSALS.only]
    wanted = [*plotted, *PULSE.since(now - 60, now), *spans[0], *spans[1], *whole]
    sheets, complete = history.read(list(dict.fromkeys(wanted)))
    rows = traffic.plotted(window, sheets, now)
    return {
        "window": window.name,
        "complete": complete,
        "totals": traffic.totals(rows, sheets, now),
        "points": traffic.points(window, rows, now),
        "endpoints": traffic.endpoints(sheets[name] for name in spans[0]),
        "findings": traffic.findings(sheets[FINDINGS.only]),
        "rules": limits.rules(_asked([sheets[name] for name in spans[1]])),
        "blocks": limits.blocks(sheets[REFUSALS.only], now),
        "jobs": jobs.report(),
        "versions": versions.report(),
        "changes": audit.latest(),
    }


def _asked(sheets: list[Sheet]) -> dict[str, dict[str, int]]:
    """How often each rule was asked, by outcome."""
    found = {rule for sheet in sheets for rule in sheet}
    return {rule: summed(sheet[rule] for sheet in sheets if rule in sheet) for rule in found}
