"""The limits on the page: each rule, who is kept out by it now, and one caller's budget."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from backstay.monitoring.history.sheets import Row, Sheet
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.keys import rates_by_rule
from backstay.throttling.limits import peek
from backstay.throttling.rates import Rate

#: Who was refused longer ago than a window and its sixtieth is let in again.
_WINDOWS = 61 / 60


def rules(asked: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Each rule with its rates, and how often it was *asked* with which outcome."""
    return [
        {
            "rule": rule,
            "rates": [
                {"plan": plan, **_rate(rate)} for plan, rates in planned.items() for rate in rates
            ],
            "allowed": asked.get(rule, {}).get("allowed", 0),
            "refused": asked.get(rule, {}).get("refused", 0),
            "would_refuse": asked.get(rule, {}).get("would_refuse", 0),
        }
        for rule, planned in rates_by_rule().items()
    ]


def blocks(refused: Sheet, now: float) -> list[dict[str, Any]]:
    """Those of the *refused* that would be refused now, the latest first."""
    recent = [
        row
        for row in refused.values()
        if now - row.said["last_at"] < row.said["window_seconds"] * _WINDOWS
    ]
    recent.sort(key=lambda row: row.said["last_at"], reverse=True)
    decisions = peek([_charge(row) for row in recent])
    return [
        {**_budget(decision), "refused": row.sums["n"], "last_at": row.said["last_at"]}
        for row, decision in zip(recent, decisions, strict=True)
        if not decision.allowed
    ]


def budgets(charges: Sequence[Charge]) -> list[dict[str, Any]]:
    """What is left of each."""
    return [_budget(decision) for decision in peek(charges)]


def _charge(row: Row) -> Charge:
    said = row.said
    rate = Rate(said["limit"], said["window_seconds"], said["smooth"])
    return Charge(said["rule"], said["bucket"], rate)


def _budget(decision: Decision) -> dict[str, Any]:
    charge = decision.charge
    return {
        "key": f"{charge.rule}:{charge.bucket}",
        **_rate(charge.rate),
        "remaining": decision.remaining,
        "retry_after_seconds": ceil(decision.retry_after_seconds),
        "reset_after_seconds": ceil(decision.reset_after_seconds),
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {"limit": rate.limit, "window_seconds": rate.window_seconds, "smooth": rate.smooth}
