"""
Throttles for DRF's ``throttle_classes``, and the one for credentials that were refused.

A throttle says what a request would take (``charges``) and does nothing else; one
step decides on all of it. Over the limit is :class:`Throttled`, raised and not
returned, so that later throttles of the view charge nothing.

DRF asks throttles after authentication: a request with a wrong token never gets to
them. Authenticators call :func:`charge_failed_authentication` instead.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.http.request import RawPostDataException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request, clone_request
from rest_framework.throttling import BaseThrottle

from backstay.counters import count
from backstay.pipeline import ask
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.errors import Throttled
from backstay.throttling.identity import address_bucket, client_address
from backstay.throttling.rates import rates_of
from backstay.throttling.redis import ThrottlePart

if TYPE_CHECKING:
    # It loads the project's authenticators, and those load this module.
    from rest_framework.views import APIView

# Normalization takes quadratic time for some texts; no account's name is longer.
_NAME_CHARACTERS = 1_000


def charges_for(scope: str, bucket: str) -> list[Charge]:
    """One charge for each rate of *scope*."""
    return [Charge(scope, bucket, rate) for rate in rates_of(scope)]


def enforce(charges: Sequence[Charge]) -> list[Decision]:
    """
    Charge them all, or none.

    Raises:
        Throttled: a bucket has no room.
    """
    if not charges:
        return []
    decisions: list[Decision]
    [decisions] = ask(ThrottlePart(charges))
    refused = {decision.charge.rule for decision in decisions if not decision.allowed}
    outcome = "refused" if refused else "allowed"
    for rule in sorted(refused or {charge.rule for charge in charges}):
        count("throttle", rule=rule, outcome=outcome)
    if refused:
        raise Throttled(decisions)
    return decisions


def charge_failed_authentication(request: HttpRequest | Request) -> None:
    """
    Charge ``auth_failure`` to the client's address; for authenticators, on a refused credential.

    Raises:
        Throttled: too many of them; say this instead of what is wrong with the credential.
    """
    enforce(charges_for("auth_failure", _address(request)))


class RateThrottle(BaseThrottle):
    """What the throttles have in common."""

    def charges(self, request: Request, view: "APIView") -> list[Charge]:
        """What *request* would take. Changes nothing."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """
        Raises:
            Throttled: a bucket has no room.
        """
        enforce(self.charges(request, view))
        return True


class LoginRateThrottle(RateThrottle):
    """
    Bounds guessing: one bucket for the client's address, and one for the account.

    The account is what the body gives as the user model's ``USERNAME_FIELD``, in one
    spelling and hashed, whether there is such an account or not. A body that cannot
    be read names none; the address is charged all the same, and the view says what is
    wrong with it.
    """

    scope = "login"

    def charges(self, request: Request, view: "APIView") -> list[Charge]:
        if request.method in SAFE_METHODS:
            return []  # Nothing is guessed.
        charges = charges_for(self.scope, _address(request))
        name = _username(_body(request))
        return charges if name is None else charges + charges_for(self.scope, account_bucket(name))


def account_bucket(name: str) -> str:
    """
    Whom attempts to log in as *name* are counted with.

    Spellings that a project may take for one name share it: case, compatibility
    characters, surrounding blanks. No name can be read from it.
    """
    folded = normalize("NFKC", name.strip()[:_NAME_CHARACTERS]).strip().casefold()
    canonical = normalize("NFKC", folded).encode("utf-8", "surrogatepass")
    return f"account:{sha256(canonical).hexdigest()}"


def _address(request: Any) -> str:
    return f"address:{address_bucket(client_address(request))}"


def _body(request: Request) -> object:
    """
    What the body holds, ``None`` where it cannot be read.

    A copy reads it: after a failure DRF takes the body for empty, and the view would
    no longer say that it was malformed.
    """
    with suppress(RawPostDataException):  # Read as a form before; DRF goes on from there.
        _ = request.body  # Kept by Django from here on, for the view to read again.
    try:
        return clone_request(request, request.method or "").data
    # Parsers raise what they like; the view meets the same, and has an answer for it.
    except Exception:  # noqa: BLE001
        return None


def _username(body: object) -> str | None:
    """As DRF's ``CharField`` would take it: text, or a number."""
    value = body.get(get_user_model().USERNAME_FIELD) if isinstance(body, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)
