"""Limits of the accounts' own."""

from typing import Any

from rest_framework.request import Request
from rest_framework.views import APIView

from backstay.throttling import AddressRateThrottle, Charge, RateThrottle


class RegisterRateThrottle(AddressRateThrottle):
    """Bounds new accounts. By address: or each new account could open ten more."""

    scope = "register"


class CurrentPasswordThrottle(RateThrottle):
    """
    Whoever has a stolen token guesses the password no faster than at a login.

    A bucket of its own: a guess here does not keep the owner from logging in.
    """

    scope = "login"

    def charges(self, request: Request, view: APIView, user: Any) -> list[Charge]:
        guessing = request.method == "POST" and user.is_authenticated
        return self.charge(f"current-password:{user.pk}") if guessing else []
