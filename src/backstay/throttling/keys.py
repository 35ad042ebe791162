"""
One caller's budget by its key, for operators: a rule and whose bucket it is.

``login:address:192.0.2.1``, ``user:user:7``, ``organization:organization:3``,
``login:account:ada@shop.example``. Of an account only the hash is kept and shown; the hash
is taken too. Every window of the rule is meant.
"""

import re
from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured
from rest_framework.settings import api_settings

from backstay.conf import settings
from backstay.throttling.charges import Charge
from backstay.throttling.checks import throttles_in_use
from backstay.throttling.identity import UNKNOWN, address_bucket
from backstay.throttling.rates import DEFAULT_RATES, Rate, rates_of
from backstay.throttling.throttles import OrganizationThrottle, account_bucket, plan_rates

_HASH = re.compile(r"[0-9a-f]{64}")


class BadKey(ValueError):
    """The text is no key, or its rule has no limit; the message says which, in one sentence."""


def charges_of(key: str) -> list[Charge]:
    """
    One charge for each window of the rule.

    Raises:
        BadKey: the key is none, or the rule has no limit.
    """
    rule, _, bucket = key.partition(":")
    kind, _, whose = bucket.partition(":")
    if not whose:
        raise BadKey(f"{key!r} is no key: expected RULE:BUCKET, as login:address:192.0.2.1.")
    if kind == "account" and not _HASH.fullmatch(whose):
        bucket = account_bucket(whose)
    elif kind == "address":
        bucket = f"address:{_address_bucket(whose)}"
    try:
        rates = dict.fromkeys(_rates_of(rule))
    except ImproperlyConfigured as error:
        raise BadKey(str(error)) from None
    if not rates:
        raise BadKey(f"The rule {rule!r} has no limit.")
    return [Charge(rule, bucket, rate) for rate in rates]


def _address_bucket(whose: str) -> str:
    """
    That of an address, or one as it is shown: ``2001:db8::/64``, ``unknown``.

    Raises:
        BadKey: neither; a slip of the pen must not lift somebody else's block.
    """
    found = address_bucket(whose.removesuffix("/64") if ":" in whose else whose)
    if found == UNKNOWN and whose != UNKNOWN:
        raise BadKey(f"{whose!r} is no address.")
    return found


def rates_by_rule() -> dict[str, dict[str, tuple[Rate, ...]]]:
    """Every rule with its rates, by plan where they depend on it and else under ``""``."""
    found = {
        scope: {"": rates_of(scope)}
        for scope in sorted({*DEFAULT_RATES, *api_settings.DEFAULT_THROTTLE_RATES})
    }
    for kind in throttles_in_use():
        if _is_planned(kind):
            found[kind().rule] = {plan: plan_rates(plan) for plan in settings.PLAN_RATES}
        elif kind.rate is not None:
            found[kind().rule] = {"": kind().rates()}
    return found


def _rates_of(rule: str) -> Iterator[Rate]:
    """
    Every rate under which *rule* may count.

    Raises:
        ImproperlyConfigured: there is no such rule.
    """
    kinds = [kind for kind in throttles_in_use() if kind().rule == rule]
    planned = [kind for kind in kinds if _is_planned(kind)]
    for plan in settings.PLAN_RATES if planned else ():
        yield from plan_rates(plan)
    for kind in kinds:
        if kind not in planned:
            yield from kind().rates()
    if not kinds:
        yield from rates_of(rule)


def _is_planned(kind: type) -> bool:
    return issubclass(kind, OrganizationThrottle) and not kind.rate
