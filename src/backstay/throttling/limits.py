"""
All limits of one request, decided in one step and at most once.

Whoever comes first asks for all throttles of the view: an authenticator, in the trip
that also asks whether the session has ended, or the first throttle that DRF asks. What
was decided is kept on Django's request: the other throttles find it there, and so does
whoever writes the headers. A request that is dispatched again is not charged again.

    limits = limits_of(request, user)
    verdict, *answers = ask(DenylistPart(family), *limits.parts)
    limits.settle(answers)

A throttle says what a request would take, and nothing else. One in ``shadow`` is counted
and reported by itself after the others have let the request in, and refuses nobody.

Limit: what a view does in ``check_throttles`` comes after the charge. Say in
``get_throttles`` which throttles a request has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from backstay.conf import settings
from backstay.counters import Name, add, named
from backstay.errors import ServiceUnavailable
from backstay.measure import throttled
from backstay.pipeline import Part, ask
from backstay.throttling import local, refusals
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.errors import Throttled
from backstay.throttling.rates import Rate, parse_rates, rates_of
from backstay.throttling.redis import ThrottlePart

if TYPE_CHECKING:
    # It loads the project's authenticators, and those load this module.
    from rest_framework.views import APIView

#: What holds for a rule while Redis is out: each worker counts its part; no limit; 503.
OutagePolicy = Literal["local", "open", "closed"]

#: Where Django's request keeps what was decided about it.
KEPT = "backstay_limits"


@dataclass(slots=True)
class Decided:
    """What was decided about one request so far."""

    #: Kinds of throttles that have been asked.
    throttles: set[type["RateThrottle"]] = field(default_factory=set)
    #: On every bucket that could refuse; for the headers.
    decisions: list[Decision] = field(default_factory=list)
    #: The view is being asked for its throttles, and they for what they would take; any of
    #: them may ask who the user is.
    gathering: bool = False


def decided(request: HttpRequest | Request) -> Decided:
    """What was decided about *request*, its copies included."""
    plain = getattr(request, "_request", request)
    kept: Decided | None = getattr(plain, KEPT, None)
    if kept is None:
        kept = Decided()
        setattr(plain, KEPT, kept)
    return kept


class RateThrottle(BaseThrottle):
    """
    What the throttles have in common; the attributes are for subclasses to set.

    The rule is called as its ``scope``: two classes with one scope count together.
    """

    scope: str | None = None
    #: Instead of the rate that the settings have for the scope.
    rate: str | None = None
    #: Count and report what would be refused, and refuse nothing.
    shadow: ClassVar[bool] = False
    on_store_error: ClassVar[OutagePolicy] = "local"

    @property
    def rule(self) -> str:
        return self.scope or type(self).__name__

    def rates(self) -> tuple[Rate, ...]:
        return rates_of(self.rule) if self.rate is None else parse_rates(self.rate)

    def charges(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        """
        What *request* would take. Changes nothing.

        Take the *user* that is given: this may be asked before ``request.user`` is there.
        """
        raise NotImplementedError

    def budgets(self, request: Request, view: "APIView", user: Any) -> list[Charge]:
        """What the caller of *request* has to spend with this throttle, by any request."""
        return self.charges(request, view, user)

    def charge(self, bucket: str) -> list[Charge]:
        """One charge to *bucket* for each rate."""
        return [Charge(self.rule, bucket, rate) for rate in self.rates()]

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """
        Decide for all throttles of *view*, unless that was done; raised, not returned.

        Raises:
            Throttled: a bucket has no room.
            ServiceUnavailable: Redis is out, and a rule is closed then.
        """
        user = request.user  # Its authenticator may be the one to decide.
        kept = decided(request)
        if type(self) not in kept.throttles:
            throttles = _pending(view, kept)
            if type(self) not in map(type, throttles):
                throttles = [self]
            Limits(throttles, request, view, user).decide()
        if not all(decision.allowed for decision in kept.decisions):
            raise Throttled(kept.decisions)
        return True


class Limits:
    """What some throttles would take of one request: ``parts`` to ask, answers to ``settle``."""

    def __init__(
        self,
        throttles: Sequence[RateThrottle],
        request: Request,
        view: "APIView",
        user: Any,
        *,
        alone: bool = False,
    ) -> None:
        self.kept = decided(request)
        self.throttles = throttles
        charges: list[Charge] = []
        policies: list[OutagePolicy] = []
        self.shadows: list[ShadowPart] = []
        for throttle in throttles:
            taken = throttle.charges(request, view, user)
            if throttle.shadow and taken:
                self.shadows.append(ShadowPart(taken))
            elif taken:
                charges += taken
                policies += [throttle.on_store_error] * len(taken)
        self.enforced = [LimitsPart(charges, policies)] if charges else []
        #: What the view asks of Redis besides; it is not asked where a limit refuses.
        self.view: Any = view
        further = None if alone else getattr(view, "trip_parts", None)
        self.further: Sequence[Part] = further(request, user) if further else ()
        self.parts: list[Part] = [*self.enforced, *self.shadows, *self.further]

    def decide(self) -> None:
        """Ask for these alone."""
        self.settle(ask(*self.parts) if self.parts else [])

    def settle(self, answers: Sequence[Any]) -> None:
        """Keep and count what was decided; nothing was where another part stopped these."""
        if self.parts and not answers:
            return
        self.kept.throttles.update(map(type, self.throttles))
        enforced = len(self.enforced)
        limits = enforced + len(self.shadows)
        for decisions in answers[:enforced]:
            self.kept.decisions += decisions
            count_outcome(decisions)
        for decisions in answers[enforced:limits]:
            count_outcome(decisions, refused="would_refuse")
        if self.further:
            self.view.trip_answers(answers[limits:])


class LimitsPart(ThrottlePart):
    """The charges that can refuse; each rule says what holds while Redis is out."""

    def __init__(self, charges: Sequence[Charge], policies: Sequence[OutagePolicy]) -> None:
        super().__init__(charges)
        self.policies = policies

    def in_outage(self) -> list[Decision]:
        """
        Raises:
            ServiceUnavailable: a rule is closed; nothing was charged.
        """
        if "closed" in self.policies:
            raise ServiceUnavailable("Limits cannot be counted now.", retry_after_seconds=1)
        throttled("degraded")
        workers = settings.WORKERS
        bounded = [
            charge.shared_by(workers)
            for charge, policy in zip(self.charges, self.policies, strict=True)
            if policy != "open"
        ]
        return local.stand_in.decide(bounded)


class ShadowPart(ThrottlePart):
    """The charges of one throttle that refuses nobody, so it stops no part after it."""

    lua = f"local answer = (function() {ThrottlePart.lua} end)() return answer"

    def stops(self, answer: list[Decision]) -> bool:
        return False


def limits_of(request: Request, user: Any) -> Limits:
    """
    What the view of *request* would charge *user*; nothing where that has been decided.

    For authenticators, who know the user before ``request.user`` does.
    """
    view: Any = request.parser_context.get("view")
    kept = decided(request)
    if kept.gathering:
        return Limits([], request, view, user, alone=True)
    kept.gathering = True
    try:
        return Limits(_pending(view, kept), request, view, user)
    finally:
        kept.gathering = False


def budgets_of(request: Request, view: "APIView", user: Any) -> list[Charge]:
    """What *user* has to spend on *view*."""
    return [
        charge
        for throttle in _ours(view)
        if not throttle.shadow
        for charge in throttle.budgets(request, view, user)
    ]


def peek(charges: Sequence[Charge]) -> list[Decision]:
    """How each bucket stands. Charges nothing."""
    if not charges:
        return []
    decisions: list[Decision]
    [decisions] = ask(ThrottlePart(charges, peek=True))
    return decisions


def count_outcome(decisions: Sequence[Decision], *, refused: str = "refused") -> None:
    """Of a refused request only the rules that refused it; the others were not charged."""
    if not decisions:
        return
    over = [decision for decision in decisions if not decision.allowed]
    outcome = refused if over else "allowed"
    if outcome == "refused":
        refusals.note(decisions)
    for rule in {decision.charge.rule for decision in over or decisions}:
        add(_counter(rule, outcome))
    throttled(_TOLD[outcome])


@cache
def _counter(rule: str, outcome: str) -> Name:
    return named("throttle", rule=rule, outcome=outcome)


#: What a request's own record says.
_TOLD = {"allowed": "admitted", "refused": "refused", "would_refuse": "shadow"}


def _pending(view: Any, kept: Decided) -> list[RateThrottle]:
    return [throttle for throttle in _ours(view) if type(throttle) not in kept.throttles]


def _ours(view: Any) -> list[RateThrottle]:
    throttles: list[Any] = getattr(view, "get_throttles", list)()
    return [throttle for throttle in throttles if isinstance(throttle, RateThrottle)]
