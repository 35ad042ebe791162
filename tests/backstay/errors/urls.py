"""The smallest project that can go wrong in every way: one path for each."""

from collections.abc import Callable
from typing import Any

from django import http
from django.contrib import admin
from django.core import exceptions as django_exceptions
from django.db import connection, transaction
from django.db.utils import ConnectionHandler
from django.urls import include, path
from django.views.decorators.csrf import csrf_protect
from rest_framework import exceptions, serializers, viewsets
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from backstay.errors import Conflict, FieldError, Problem, QueryParameterError, ServiceUnavailable
from tests.backstay.testapp.models import Book, Inventory, Shelf

SECRET = "password=hunter2"


class OutOfStock(Problem):
    """Fewer units are left than were asked for."""

    status_code = 409
    code = "out_of_stock"
    title = "Not enough stock"
    advice = "Order fewer."


class LegacyBlocked(exceptions.APIException):
    """As projects write them without backstay."""

    status_code = 402
    default_detail = "Pay first."
    default_code = "payment_overdue"


class LegacyError(exceptions.APIException):
    status_code = 400
    default_detail = "An error occurred"


#: A PostgreSQL that is not there.
NOWHERE = ConnectionHandler(
    {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "nothing",
            "HOST": "127.0.0.1",
            "PORT": "1",
        }
    }
)


def database_down():
    NOWHERE["default"].ensure_connection()


def overflow():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 2147483647 + 1")


RAISED: dict[str, Callable[[], Any]] = {
    "out-of-stock": lambda: OutOfStock(
        "2 are left.", errors=[FieldError("/items/0/quantity", "max_value", "At most 2.")]
    ),
    "conflict": Conflict,
    "unavailable": lambda: ServiceUnavailable(retry_after_seconds=1.2),
    "query": lambda: QueryParameterError("page_size", "Must be from 1 to 100."),
    "legacy": LegacyBlocked,
    "legacy-without-code": LegacyError,
    "http404": lambda: http.Http404("No Book matches the given query."),
    "django-denied": lambda: django_exceptions.PermissionDenied("Not yours."),
    "suspicious": lambda: django_exceptions.SuspiciousOperation(SECRET),
    "too-big": django_exceptions.RequestDataTooBig,
    "too-many-fields": django_exceptions.TooManyFieldsSent,
    "unreadable": http.UnreadablePostError,
    "parse": exceptions.ParseError,
    "not-authenticated": exceptions.NotAuthenticated,
    "failed": exceptions.AuthenticationFailed,
    "failed-inactive": lambda: exceptions.AuthenticationFailed("No.", code="user_inactive"),
    "failed-expired": lambda: exceptions.AuthenticationFailed("Old.", code="token_expired"),
    "failed-simplejwt": lambda: exceptions.AuthenticationFailed(
        {"detail": "Token is invalid", "code": "token_not_valid", "messages": []}
    ),
    "denied": exceptions.PermissionDenied,
    "denied-by-plan": lambda: exceptions.PermissionDenied("Pro only.", code="plan_required"),
    "csrf": lambda: exceptions.PermissionDenied("CSRF Failed: CSRF token missing."),
    "not-found": exceptions.NotFound,
    "not-acceptable": exceptions.NotAcceptable,
    "media-type": lambda: exceptions.UnsupportedMediaType("text/csv"),
    "throttled": lambda: exceptions.Throttled(wait=2.3),
    "throttled-without-wait": exceptions.Throttled,
    "api-exception": exceptions.APIException,
    "database-down": database_down,
    "overflow": overflow,
    "mistake": lambda: RuntimeError(SECRET),
}


@api_view(["GET", "POST", "DELETE"])
@authentication_classes([])
@permission_classes([AllowAny])
def raise_in_view(request, name):
    raise RAISED[name]()


def raise_in_django_view(request, name):
    raise RAISED[name]()


class Line(serializers.Serializer):
    quantity = serializers.IntegerField(min_value=1)

    def validate(self, attrs):
        if attrs["quantity"] == 13:
            raise serializers.ValidationError("Not thirteen.", code="unlucky")
        return attrs


class Order(serializers.Serializer):
    items = Line(many=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=3), required=False)
    prices = serializers.DictField(child=serializers.IntegerField(), required=False)

    def validate(self, attrs):
        if not attrs["items"]:
            raise serializers.ValidationError("Order something.", code="empty")
        return attrs


class Open(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class Orders(Open):
    def post(self, request):
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        return Response(order.data, status=201)


class Returned(Open):
    """Answers errors instead of raising them, as many views do."""

    def post(self, request):
        order = Order(data=request.data)
        order.is_valid()
        return Response(order.errors, status=400)

    def get(self, request):
        return Response({"detail": "Closed on Sundays."}, status=403)


class Echo(Open):
    def post(self, request):
        return Response(request.data)

    def get(self, request):
        return Response({})


class Unrenderable(Open):
    def get(self, request):
        return Response({"never": object()})


class Browsable(Open):
    renderer_classes = (JSONRenderer, BrowsableAPIRenderer)

    def post(self, request):
        raise OutOfStock


class Protected(APIView):
    authentication_classes = (BasicAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request):
        return Response({})


class BookSerializer(serializers.ModelSerializer):
    """Without the validators that look first: what the loser of a race meets."""

    class Meta:
        model = Book
        fields = ["id", "shelf", "position", "pages", "title", "isbn"]
        validators: list[Any] = []
        extra_kwargs: dict[str, Any] = {"isbn": {"validators": []}, "pages": {"validators": []}}


class ShelfSerializer(serializers.ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "name"]
        extra_kwargs: dict[str, Any] = {"name": {"validators": []}}


class Books(viewsets.ModelViewSet):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    queryset = Book.objects.all()
    serializer_class = BookSerializer


class Shelves(viewsets.ModelViewSet):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    queryset = Shelf.objects.all()
    serializer_class = ShelfSerializer


class Import(Open):
    """A nested body whose foreign keys only the database checks."""

    @transaction.atomic
    def post(self, request):
        for item in request.data["books"]:
            Book.objects.create(shelf_id=item["shelf"], title="x", position=item["position"])
        return Response(status=201)


class Internal(Open):
    """Breaks a constraint that the client knows nothing of."""

    def post(self, request):
        Inventory.objects.create(number=1, note="first")
        Inventory.objects.create(number=1, note="second")


class Regretted(Open):
    """Writes, and then refuses."""

    def post(self, request):
        Shelf.objects.create(name="Poetry")
        raise Conflict


class WritesOnGet(Open):
    queryset = Shelf.objects.all()

    def get(self, request):
        Shelf.objects.create(name=request.query_params["name"])


class NotNull(Open):
    def post(self, request):
        Shelf.objects.create(name="Poetry")
        Shelf.objects.update(name=None)


class FullClean(Open):
    def post(self, request):
        Shelf(name="").full_clean()


@csrf_protect
def form(request):
    return http.HttpResponse(request.POST.get("a", ""))


def django_json(request):
    return http.JsonResponse({"detail": "Not on Sundays.", "code": "nonsense"}, status=503)


def with_headers(request):
    response = http.HttpResponseNotAllowed(["PUT"])
    response.set_cookie("seen", "1")
    response.headers["ETag"] = '"old"'
    response.headers["Vary"] = "Cookie"
    return response


def streamed(request):
    return http.StreamingHttpResponse(iter([b"partial"]), status=500)


router = SimpleRouter()
router.register("books", Books)
router.register("shelves", Shelves)

urlpatterns = [
    path("raise/<name>/", raise_in_view),
    path("django/<name>/", raise_in_django_view),
    path("orders/", Orders.as_view()),
    path("returned/", Returned.as_view()),
    path("echo/", Echo.as_view()),
    path("unrenderable/", Unrenderable.as_view()),
    path("browsable/", Browsable.as_view()),
    path("protected/", Protected.as_view()),
    path("import/", Import.as_view()),
    path("internal/", Internal.as_view()),
    path("regretted/", Regretted.as_view()),
    path("writes-on-get/", WritesOnGet.as_view()),
    path("not-null/", NotNull.as_view()),
    path("full-clean/", FullClean.as_view()),
    path("form/", form),
    path("django-json/", django_json),
    path("with-headers/", with_headers),
    path("streamed/", streamed),
    path("admin/missing/<name>/", raise_in_django_view),
    path("admin/", admin.site.urls),
    path("errors/", include("backstay.errors.urls")),
    *router.urls,
]
