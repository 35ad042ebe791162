"""The end of a version of the shop: told by every mount, and then 410."""

import ast
import json

import pytest
import time_machine
from django.test import Client

from backstay.versioning import usage
from shop.environment import ROOT, Environment

pytestmark = [pytest.mark.V1, pytest.mark.django_db]

LINK = "https://shop.example/v1-ends"
API_VERSIONS = json.dumps(
    {"v1": {"deprecated": "2027-01-01", "sunset": "2027-07-01", "link": LINK}}
)
TOLD = {"Deprecation": "@1798761600", "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT"}
V1 = {"Accept": "application/json; version=1"}


@pytest.fixture(autouse=True)
def ending(settings):
    """As the settings make it of ``API_VERSIONS``."""
    environ = {"SECRET_KEY": "x" * 50, "API_VERSIONS": API_VERSIONS}
    read = Environment.read(environ).api_versions["v1"]
    ends = {"deprecated": read.deprecated, "sunset": read.sunset, "link": read.link}
    settings.BACKSTAY = {**settings.BACKSTAY, "VERSION_POLICIES": {"v1": ends}}


@pytest.fixture
def clock():
    with time_machine.travel("2027-02-01T12:00Z", tick=False) as clock:
        yield clock


def told(answer):
    return {name: answer.headers[name] for name in TOLD if name in answer.headers}


@pytest.mark.usefixtures("clock")
class TestDeprecated:
    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [
            ("/api/v1/products/", {}, 200),
            ("/api/v1/products/", V1, 200),
            ("/api/v1/orders/", {}, 401),
            ("/api/v1/orders/", {"Authorization": "Bearer garbled"}, 401),
            ("/api/v1/products/999/", {}, 404),
            ("/api/v1/products/?colour=red", {}, 400),
            ("/api/v1/products/", {"Accept": "text/csv"}, 406),
            ("/api/v1/reports/sales/", {}, 401),
            ("/mobile/products/", V1, 401),
            ("/partners/v1/products/", {}, 401),
        ],
    )
    def test_is_told_by_every_answer(self, anonymous, path, headers, status):
        answer = anonymous.get(path, headers=headers)
        assert (answer.status_code, told(answer)) == (status, TOLD)
        assert f'<{LINK}>; rel="deprecation", <{LINK}>; rel="sunset"' in answer.headers["Link"]

    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("/api/v2/products/", {}),
            ("/mobile/products/", {}),
            ("/partners/v2/products/", {}),
            # No version at all, or none that there is.
            ("/api/token/sessions/", {}),
            ("/api/token/sessions/", V1),
            ("/api/rate-limits/", V1),
            ("/api/schema/?version=v1", {}),
            ("/api/v9/products/", {}),
            ("/api/v1/nothing/", {}),
            ("/api/v1/products/", {"Accept": "*/*; version=2"}),
            ("/health/live/", V1),
        ],
    )
    def test_is_told_by_no_other(self, anonymous, path, headers):
        assert told(anonymous.get(path, headers=headers)) == {}

    def test_names_the_same_object_in_the_next_version(self, as_customer, order):
        for mount in ("/api", "/partners"):
            link = as_customer.get(f"{mount}/v1/orders/{order.pk}/").headers["Link"]
            assert link.endswith(f'<{mount}/v2/orders/{order.pk}/>; rel="successor-version"')
        by_accept = as_customer.get(f"/mobile/orders/{order.pk}/", headers=V1)
        assert "successor-version" not in by_accept.headers["Link"]

    @pytest.mark.M2
    def test_may_be_read_by_scripts_of_listed_origins(self, anonymous, settings):
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
        answer = anonymous.get("/api/v1/orders/", headers={"Origin": "https://app.example"})
        exposed = answer.headers["Access-Control-Expose-Headers"].lower().split(", ")
        assert {"deprecation", "sunset", "link"} <= set(exposed)


class TestSunset:
    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("/api/v1/products/", {}),
            ("/api/v1/orders/", {}),
            ("/api/v1/users/me/", {}),
            ("/mobile/products/", V1),
            ("/partners/v1/products/", {}),
        ],
    )
    def test_is_410_whoever_asks(self, anonymous, clock, path, headers):
        clock.move_to("2027-07-01T00:00Z")
        answer = anonymous.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (410, "version_sunset")
        assert told(answer) == TOLD

    def test_leaves_the_rest_as_it_is(self, anonymous, clock):
        clock.move_to("2027-07-01T00:00Z")
        for path in ("/api/v2/products/", "/api/rate-limits/", "/health/live/"):
            assert anonymous.get(path).status_code == 200
        login = anonymous.post("/api/token/", {"email": "a@b.example", "password": "x"}, headers=V1)
        assert login.status_code == 401

    @pytest.mark.M3
    def test_leaves_its_document_to_be_read(self, clock):
        clock.move_to("2027-07-01T00:00Z")
        document = Client().get("/api/schema/?version=v1").json()
        assert "/api/v1/orders/" in document["paths"]

    def test_takes_no_write(self, signed_in, customer, clock, address, product):
        clock.move_to("2027-07-01T00:00Z")
        body = {"items": [{"product": product.pk, "quantity": 1}], "shipping_address": address.pk}
        assert signed_in(customer).post("/api/v1/orders/", body).status_code == 410
        assert signed_in(customer).post("/mobile/orders/", body, headers=V1).status_code == 410
        product.refresh_from_db()
        assert product.stock == 50


def test_usage_is_counted_over_all_mounts(as_customer, settings):
    settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": None}
    for path in ("/api/v1/orders/", "/partners/v1/orders/", "/mobile/orders/", "/api/rate-limits/"):
        as_customer.get(path, headers={"User-Agent": "okhttp/4.12"})
    counts = {(one.version, one.client): one.count for one in usage.totals()}
    assert counts == {("v1", "okhttp (signed in)"): 2, ("v2", "okhttp (signed in)"): 1}


def asks_for_a_version(source: str) -> list[int]:
    """Lines that compare or branch by ``request.version`` or by a version's name."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare | ast.Match | ast.If | ast.IfExp)
        and any(
            getattr(part, "attr", getattr(part, "id", "")) in {"version", "api_version"}
            for part in ast.walk(node.test if isinstance(node, ast.If | ast.IfExp) else node)
        )
    ]


@pytest.mark.once
class TestOneCodePath:
    def test_no_code_of_the_service_asks_for_the_version(self):
        # ``shop.variables`` reads the environment's ``API_VERSIONS``.
        modules = [path for path in (ROOT / "shop").rglob("*.py") if path.name != "variables.py"]
        assert {path.name: asks_for_a_version(path.read_text()) for path in modules} == {
            path.name: [] for path in modules
        }

    @pytest.mark.parametrize(
        "source",
        [
            "if request.version == 'v1': pass",
            "x = 1 if self.request.version != 'v2' else 2",
            "match request.version:\n    case 'v1': pass",
            "y = version in ('v1',)",
        ],
    )
    def test_a_branch_would_be_seen(self, source):
        assert asks_for_a_version(source) == [1] * len(asks_for_a_version(source)) != []
