"""
Throttles for DRF's ``throttle_classes``, and the one for credentials that were refused.

Names, scopes and settings are DRF's. Rates are read at use. Over the limit is
:class:`Throttled`, raised and not returned, so that later throttles of the view are not
asked. DRF's own throttles, and others, work beside these.

DRF asks throttles after authentication: a request with a wrong token never gets to
them. Authenticators call :func:`charge_failed_authentication` instead.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.request import RawPostDataException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request, clone_request
from rest_framework.settings import api_settings

from backstay.conf import settings
from backstay.pipeline import ask
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.errors import Throttled
from backstay.throttling.identity import address_bucket, client_address
from backstay.throttling.limits import RateThrottle, count_outcome, decided
from backstay.throttling.rates import Rate, parse_rates
from backstay.throttling.redis import ThrottlePart

if TYPE_CHECKING:
    # It loads the project's authenticators, and those load this module.
    from rest_framework.views import APIView

# Normalization takes quadratic time for some texts; no account's name is longer.
_NAME_CHARACTERS = 1_000


def enforce(
    charges: Sequence[Charge], request: HttpRequest | Request | None = None
) -> list[Decision]:
    """
    Charge them all, or none; the answer to *request* tells what is left.

    Raises:
        Throttled: a bucket has no room.
    """
    if not charges:
        return []
    decisions: list[Decision]
    [decisions] = ask(ThrottlePart(charges))
    count_outcome(decisions)
    if request is not None:
        decided(request).decisions += decisions
    if not all(decision.allowed for decision in decisions):
        raise Throttled(decisions)
    return decisions


def charge_failed_authentication(request: HttpRequest | Request) -> None:
    """
    Charge ``auth_failure`` to the client's address; for authenticators, on a refused credential.

    Raises:
        Throttled: too many of them; say this instead of what is wrong with the credential.
    """
    enforce(FailedAuthenticationThrottle().charge(address_of(request)), request)


class AnonRateThrottle(RateThrottle):
    """Bounds callers without an account, by address."""

    scope = "anon"

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        return [] if is_known(user) else self.charge(address_of(request))


class AddressRateThrottle(RateThrottle):
    """Bounds each address, whoever calls from it. A subclass says the ``scope``."""

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        return self.charge(address_of(request))


class RefreshRateThrottle(AddressRateThrottle):
    """Bounds what is done with tokens that are not looked at: refresh, verify, log out."""

    scope = "refresh"


class FailedAuthenticationThrottle(AddressRateThrottle):
    """What ``charge_failed_authentication`` charges; for a view that shows what is left."""

    scope = "auth_failure"


class UserRateThrottle(RateThrottle):
    """
    Bounds each account.

    Callers without one are counted by address, unless the view has an
    ``AnonRateThrottle`` that does.
    """

    scope = "user"

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        if not is_known(user) and any(
            isinstance(other, AnonRateThrottle) and other.charges(request, view, user)
            for other in view.get_throttles()
        ):
            return []
        return self.charge(caller_of(request, user))


class ScopedRateThrottle(RateThrottle):
    """Bounds what a caller asks of the views with one ``throttle_scope``; of others nothing."""

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        self.scope = getattr(view, "throttle_scope", None)
        return self.charge(caller_of(request, user)) if self.scope else []


class SearchRateThrottle(RateThrottle):
    """Bounds searching; charged beside the view's other throttles."""

    scope = "search"

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        backends = getattr(view, "filter_backends", ())
        names = {api_settings.SEARCH_PARAM, *(getattr(one, "search_param", "") for one in backends)}
        searched = not names.isdisjoint(request.query_params)
        return self.budgets(request, view, user) if searched else []

    def budgets(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        return self.charge(caller_of(request, user))


class OrganizationThrottle(RateThrottle):
    """
    Bounds what all users of one organization ask together, by the rate of its plan.

    Rates are those of ``PLAN_RATES``, the organization that of ``ORGANIZATION_OF``. Who
    has none is not charged. Another plan keeps what was counted, as long as its rate has
    the same window.
    """

    scope = "organization"

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        found = organization_of(user) if is_known(user) else None
        if found is None:
            return []
        key, plan = found
        rates = plan_rates(plan) if self.rate is None else self.rates()
        return [Charge(self.rule, f"organization:{key}", rate) for rate in rates]


class LoginRateThrottle(AddressRateThrottle):
    """
    Bounds guessing: one bucket for the client's address, and one for the account.

    The account is what the body gives as the user model's ``USERNAME_FIELD``, in one
    spelling and hashed, whether there is such an account or not. A body that cannot
    be read names none; the address is charged all the same, and the view says what is
    wrong with it.
    """

    scope = "login"
    budgets = AddressRateThrottle.charges

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        if request.method in SAFE_METHODS:
            return []  # Nothing is guessed.
        name = _username(_body(request))
        account = [] if name is None else self.charge(account_bucket(name))
        return self.budgets(request, view, user) + account


def plan_rates(plan: str) -> tuple[Rate, ...]:
    """
    The rates of an organization on *plan*.

    Raises:
        ImproperlyConfigured: there are none for it, or they cannot be read.
    """
    rates = settings.PLAN_RATES
    if plan not in rates:
        raise ImproperlyConfigured(f'BACKSTAY["PLAN_RATES"] has no rate for {plan!r}.')
    text = rates[plan]
    try:
        return () if text is None else parse_rates(text)
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f'BACKSTAY["PLAN_RATES"][{plan!r}]: {error}') from None


def organization_of(user: Any) -> tuple[object, str] | None:
    """The key and the plan of the organization that *user* acts for."""
    hook = settings.ORGANIZATION_OF
    if hook is not None:
        found: tuple[object, str] | None = hook(user)
        return found
    organization = getattr(user, "organization", None)
    return None if organization is None else (organization.pk, organization.plan)


def account_bucket(name: str) -> str:
    """
    Whom attempts to log in as *name* are counted with.

    Spellings that a project may take for one name share it: case, compatibility
    characters, surrounding blanks. No name can be read from it.
    """
    folded = normalize("NFKC", name.strip()[:_NAME_CHARACTERS]).strip().casefold()
    canonical = normalize("NFKC", folded).encode("utf-8", "surrogatepass")
    return f"account:{sha256(canonical).hexdigest()}"


def address_of(request: Any) -> str:
    """The bucket of the client's address."""
    return f"address:{address_bucket(client_address(request))}"


def caller_of(request: Any, user: Any) -> str:
    """The bucket of the account, or of the address where there is none."""
    return f"user:{user.pk}" if is_known(user) else address_of(request)


def is_known(user: Any) -> bool:
    """Whether it is somebody's account."""
    return bool(user and user.is_authenticated)


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
