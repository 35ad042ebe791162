"""Views with each of the throttles, and actors who say who they are in a header."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.filters import BaseFilterBackend, SearchFilter
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient
from rest_framework.throttling import BaseThrottle
from rest_framework.versioning import BaseVersioning
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from backstay.pipeline import Part, ask
from backstay.store import key
from backstay.throttling import (
    AnonRateThrottle,
    LoginRateThrottle,
    OrganizationThrottle,
    RateThrottle,
    ScopedRateThrottle,
    SearchRateThrottle,
    UserRateThrottle,
    charge_failed_authentication,
    limits_of,
)
from backstay.throttling.views import RateLimitsView, ThrottlesFirstMixin


@dataclass(frozen=True)
class Actor:
    """A user as far as throttles look at one."""

    pk: int
    organization: Any = None
    is_authenticated: bool = True
    is_staff: bool = False


def actor_of(text: str) -> Actor:
    """``"7"``, or with the key and the plan of an organization: ``"7/3/free"``."""
    pk, *organization = text.split("/")
    if not organization:
        return Actor(int(pk))
    return Actor(int(pk), SimpleNamespace(pk=int(organization[0]), plan=organization[1]))


class ByHeader(BaseAuthentication):
    """``X-Actor`` says who it is; ``bad`` is nobody."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        text = request.headers.get("X-Actor")
        if text is None:
            return None
        if text == "bad":
            charge_failed_authentication(request)
            raise AuthenticationFailed
        return self.known(actor_of(text), request), None

    def known(self, user: Actor, request: Request) -> Actor:
        return user

    def authenticate_header(self, request: Request) -> str:
        return "Actor"


class Gate(Part):
    """Stops where the request says so, as the denylist does; ``unsure`` refuses nobody."""

    name = "gate"
    lua = "return args[1], args[1] ~= 'open'"

    def __init__(self, state: str) -> None:
        self.keys = [key("gate")]
        self.args = [state]

    def read(self, raw: Any) -> str:
        return str(raw.decode())

    def here(self) -> str:
        return str(self.args[0])

    in_outage = here

    def stops(self, answer: str) -> bool:
        return answer != "open"


class InOneTrip(ByHeader):
    """Asks for the limits together with what it asks itself."""

    def known(self, user: Actor, request: Request) -> Actor:
        limits = limits_of(request, user)
        state, *answers = ask(Gate(request.headers.get("X-Gate", "open")), *limits.parts)
        if state == "closed":
            raise AuthenticationFailed
        limits.settle(answers)
        return user


class Page(APIView):
    """Anyone's, with nothing of the defaults that DRF took from the settings at its import."""

    authentication_classes: Any = (ByHeader,)
    permission_classes: Any = ()
    renderer_classes = (JSONRenderer,)
    throttle_classes: Any = ()
    served = 0

    def get(self, request: Request, **_: Any) -> Response:
        Page.served += 1
        return Response({})

    def post(self, request: Request, **_: Any) -> Response:
        if "fail" in request.query_params:
            raise RuntimeError
        return Response({}, status=201)


class Usual(Page):
    throttle_classes: Any = (
        AnonRateThrottle,
        UserRateThrottle,
        OrganizationThrottle,
        SearchRateThrottle,
    )


class SearchByQ(SearchFilter):
    search_param = "q"


class Finding(Usual):
    filter_backends = (BaseFilterBackend, SearchByQ)


class UsualInOneTrip(Usual):
    authentication_classes = (InOneTrip,)


class Export(Page):
    throttle_classes = (UserRateThrottle, ScopedRateThrottle)
    throttle_scope = "export"


class Import(Export):
    throttle_scope = "import"


class Tried(UserRateThrottle):
    """A limit on trial."""

    scope = "tried"
    shadow = True


class TriedToo(Tried):
    scope = "tried_too"


class Trial(Page):
    throttle_classes = (Tried, TriedToo, UserRateThrottle)


class Burst(UserRateThrottle):
    scope = "burst"
    rate = "2/second"


class Own(Page):
    throttle_classes = (Burst,)


class OpenRule(UserRateThrottle):
    scope = "open"
    on_store_error = "open"


class ClosedRule(UserRateThrottle):
    scope = "closed"
    on_store_error = "closed"


class Asked(BaseThrottle):
    """One that is not ours, and counts how often it was asked."""

    times = 0
    allows = True

    def allow_request(self, request: Request, view: APIView) -> bool:
        type(self).times += 1
        return self.allows

    def wait(self) -> float:
        return 7


class Beside(Page):
    throttle_classes = (UserRateThrottle, Asked)


class ByHand(Page):
    """Asks a throttle of its own in the handler."""

    throttle_classes = (UserRateThrottle,)

    def get(self, request: Request, **_: Any) -> Response:
        Burst().allow_request(request, self)
        Burst().allow_request(request, self)
        return Response({})


class Curious(Page):
    """Its choice of throttles depends on who asks."""

    authentication_classes = (InOneTrip,)

    def get_throttles(self) -> list[Any]:
        return [UserRateThrottle()] if self.request.user.is_authenticated else [AnonRateThrottle()]


class Refusing(BaseAuthentication):
    """Of another make: it refuses, and charges nobody."""

    def authenticate(self, request: Request) -> None:
        raise AuthenticationFailed

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class CuriousAndRefused(Curious):
    authentication_classes = (Refusing,)  # type: ignore[assignment]  # Of another make.


class Members(Usual):
    permission_classes = (IsAuthenticated,)


class Forbidden(Usual):
    permission_classes = (IsAdminUser,)


class OneVersion(BaseVersioning):
    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        if kwargs.get("version", "v1") != "v1":
            raise Http404
        return "v1"


class MembersCounted(ThrottlesFirstMixin, Members):
    throttle_classes = (*Members.throttle_classes, Asked)
    versioning_class: Any = OneVersion


class StaffCounted(ThrottlesFirstMixin, Forbidden):
    """For those that few callers are."""


class Login(Page):
    authentication_classes = ()
    throttle_classes = (LoginRateThrottle,)


class Items(ThrottlesFirstMixin, Page, ViewSet):
    def get_throttles(self) -> list[Any]:
        return [UserRateThrottle()] if self.action == "list" else [AnonRateThrottle()]

    def list(self, request: Request) -> Response:
        return Response([])


class Budgets(RateLimitsView):
    authentication_classes = (ByHeader,)
    renderer_classes = (JSONRenderer,)
    shown_throttles: Any = (*Usual.throttle_classes, LoginRateThrottle)
    shown_scopes = ("export",)


class TrialBudgets(Budgets):
    shown_throttles = Trial.throttle_classes


class UsualBudgets(RateLimitsView):
    authentication_classes = (ByHeader,)
    renderer_classes = (JSONRenderer,)


def twice(request: HttpRequest) -> HttpResponse:
    """Dispatches one request to two views, as a batch endpoint or a wrapper may."""
    Usual.as_view()(request)
    return Usual.as_view()(request)


def plain(_: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def outage(*kinds: type[RateThrottle]) -> Any:
    return Page.as_view(throttle_classes=kinds)


router = SimpleRouter(use_regex_path=False)
router.register("items", Items, basename="item")

urlpatterns = [
    path("usual/", Usual.as_view()),
    path("finding/", Finding.as_view()),
    path("one-trip/", UsualInOneTrip.as_view()),
    path("export/", Export.as_view()),
    path("import/", Import.as_view()),
    path("trial/", Trial.as_view()),
    path("own/", Own.as_view()),
    path("beside/", Beside.as_view()),
    path("by-hand/", ByHand.as_view()),
    path("curious/", Curious.as_view()),
    path("curious-and-refused/", CuriousAndRefused.as_view()),
    path("members/", Members.as_view()),
    path("members-counted/", MembersCounted.as_view()),
    path("forbidden/", Forbidden.as_view()),
    path("<str:version>/members-counted/", MembersCounted.as_view()),
    path("staff-counted/", StaffCounted.as_view()),
    path("trial-budgets/", TrialBudgets.as_view()),
    path("login/", Login.as_view()),
    path("twice/", twice),
    path("plain/", plain),
    path("unlimited/", Page.as_view()),
    path("open/", outage(OpenRule)),
    path("closed/", outage(ClosedRule, UserRateThrottle)),
    path("open-and-local/", outage(OpenRule, UserRateThrottle)),
    path("budgets/", Budgets.as_view()),
    path("usual-budgets/", UsualBudgets.as_view()),
    path("", include(router.urls)),
]


#: Rates under which nothing of a test is refused unless it says so.
RATES = {
    **dict.fromkeys(("anon", "user", "search", "login", "auth_failure"), "100/hour"),
    **dict.fromkeys(("export", "import", "tried", "tried_too", "open", "closed"), "100/hour"),
}


def configure(settings: Any, **rates: str | None) -> None:
    """These views under these rates, in whatever limiter the project has."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "backstay.errors.ProblemMiddleware",
        "backstay.throttling.RateLimitMiddleware",
    ]
    settings.REST_FRAMEWORK = {
        "EXCEPTION_HANDLER": "backstay.errors.exception_handler",
        "DEFAULT_THROTTLE_RATES": {**RATES, **rates},
        "TEST_REQUEST_DEFAULT_FORMAT": "json",
    }


class Caller:
    """Somebody at an address, who may be known."""

    def __init__(self, address: str = "192.0.2.1", actor: str | None = None) -> None:
        self.client = APIClient(REMOTE_ADDR=address)
        if actor is not None:
            self.client.credentials(HTTP_X_ACTOR=actor)

    def get(self, path: str, **extra: Any) -> Any:
        return self.client.get(path, **extra)

    def post(self, path: str, body: Any = None, **extra: Any) -> Any:
        return self.client.post(path, body, **extra)

    def statuses(self, path: str, times: int) -> list[int]:
        return [self.get(path).status_code for _ in range(times)]


def anonymous(number: int = 1) -> Caller:
    return Caller(f"192.0.2.{number}")


def customer(number: int = 7) -> Caller:
    """Known, and of no organization."""
    return Caller(actor=str(number))


def member(number: int = 7, *, of: int = 3, plan: str = "free") -> Caller:
    return Caller(actor=f"{number}/{of}/{plan}")
