"""The OpenAPI documents: valid, complete, and true of what is really answered."""

import re
from functools import cache
from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from rest_framework.test import APIClient

from tests.shop.factories import CommentFactory

pytestmark = [pytest.mark.M3, pytest.mark.django_db]

DOCUMENTED = {"get", "post", "put", "patch", "delete"}


@cache
def fetched(version):
    """The document as it is served; making one takes longer than any test of it."""
    response = APIClient().get("/api/schema/", {"version": version})
    assert response.status_code == 200
    return response.json()


@pytest.fixture
def document(version):
    return fetched(version)


def routes(patterns, prefix="/"):
    """Each route of the URL configuration, ``{}`` for what varies, with its methods."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, methods_of(pattern.callback)


def methods_of(callback):
    """What a DRF view answers, routed by a viewset's actions or by its own methods."""
    cls = getattr(callback, "cls", None)
    if cls is None:
        return set()
    routed = getattr(callback, "actions", None) or [
        name for name in cls.http_method_names if hasattr(cls, name)
    ]
    return set(routed) & set(cls.http_method_names) & DOCUMENTED


@pytest.mark.once
class TestDocument:
    def test_it_is_valid_openapi(self, document):
        assert document["openapi"].startswith("3.1")
        validate(document)

    def test_it_covers_exactly_the_routes(self, document, version):
        served = {
            (re.sub(r"<[^>]+>", "{}", path.replace("<str:version>", version)), method)
            for path, methods in routes(get_resolver().url_patterns)
            for method in methods
            if path.startswith(("/api/<str:version>/", "/api/token/"))
        }
        documented = {
            (re.sub(r"\{[^}]+\}", "{}", path), method)
            for path, operations in document["paths"].items()
            for method in operations.keys() & DOCUMENTED
        }

        assert documented == served
        assert len(documented) > 30

    def test_every_operation_has_its_own_id(self, document):
        ids = [
            operation["operationId"]
            for operations in document["paths"].values()
            for name, operation in operations.items()
            if name in DOCUMENTED
        ]
        assert len(ids) == len(set(ids))

    @pytest.mark.E2
    def test_every_operation_names_the_one_error_shape(self, document):
        for operations in document["paths"].values():
            for name, operation in operations.items():
                if name in DOCUMENTED:
                    other = followed(document, operation["responses"]["default"])
                    assert other["content"].keys() == {"application/problem+json"}

    @pytest.mark.parametrize(
        ("path", "always", "sometimes"),
        [
            ("orders/", {"next", "previous", "results"}, set()),
            ("products/", {"count", "next", "previous", "results"}, set()),
            ("users/", {"next", "previous", "results"}, {"count", "count_is"}),
        ],
        ids=["by cursor", "by number", "by either"],
    )
    def test_a_page_is_of_its_kind(self, document, api, path, always, sometimes):
        answer = document["paths"][f"{api}/{path}"]["get"]["responses"]["200"]
        page = followed(document, answer["content"]["application/json"]["schema"])

        assert set(page["required"]) == always
        assert page["properties"].keys() == always | sometimes

    def test_a_stream_has_no_validator(self, document, api):
        export = document["paths"][f"{api}/orders/export/"]["get"]

        assert not {"304", "412"} & export["responses"].keys()
        assert "ETag" not in export["responses"]["200"]["headers"]
        assert "If-None-Match" not in {one.get("name") for one in export["parameters"]}

    def test_it_explains_itself_to_a_reader(self, document):
        """Every group of operations is described, and what is common to all of them."""
        tags = {tag["name"] for tag in document["tags"] if tag["description"]}
        used = {
            tag
            for operations in document["paths"].values()
            for operation in operations.values()
            for tag in operation["tags"]
        }
        assert used == tags
        for word in ("Authorization", "Deprecation", "cursor", "problem+json", "RateLimit", "ETag"):
            assert word in document["info"]["description"]

    def test_without_a_version_it_is_v1(self, anonymous):
        default = anonymous.get("/api/schema/").json()
        assert default == anonymous.get("/api/schema/", {"version": "v1"}).json()

    def test_an_unknown_version_is_404(self, anonymous):
        assert anonymous.get("/api/schema/", {"version": "v3"}).status_code == 404

    def test_it_is_offered_as_yaml(self, anonymous):
        response = anonymous.get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi")
        assert response.status_code == 200
        assert response.content.startswith(b"openapi: 3.1")


@pytest.mark.V1
def test_an_answer_of_a_version_that_ends_tells_what_is_documented(anonymous, product, settings):
    ends = {"deprecated": "2027-01-01", "sunset": "2027-07-01"}
    settings.BACKSTAY = {**settings.BACKSTAY, "VERSION_POLICIES": {"v1": ends}}
    document = anonymous.get("/api/schema/?version=v1").json()

    answer = anonymous.get(f"/api/v1/products/{product.pk}/")

    documented = document["paths"]["/api/v1/products/{id}/"]["get"]
    assert documented["deprecated"]
    assert {"Deprecation", "Sunset", "Link"} <= documented["responses"]["200"]["headers"].keys()
    assert {"Deprecation", "Sunset", "Link"} <= answer.headers.keys()
    assert documented["responses"]["200"]["headers"].keys() <= answer.headers.keys() | {"Age"}


@pytest.mark.V1
class TestAnswers:
    """Real answers hold every documented field, no other, and of the documented types."""

    @pytest.fixture
    def conforms(self, document):
        def check(response, template, method):
            responses = document["paths"][template][method]["responses"]
            status = str(response.status_code)
            documented = responses[status if status in responses else "default"]
            documented = followed(document, documented)
            if "content" not in documented:
                assert response.json() == {}
                return
            media_type = response["Content-Type"].partition(";")[0]
            schema = documented["content"][media_type]["schema"]
            components = closed(document["components"])
            validator = OAS31Validator({**schema, "components": components})
            assert [error.message for error in validator.iter_errors(response.json())] == []

        return check

    @pytest.mark.parametrize(
        ("actor", "path", "arguments"),
        [
            ("anonymous", "products/", {}),
            ("anonymous", "products/{id}/", {"id": "product"}),
            ("customer", "addresses/", {}),
            ("customer", "addresses/{id}/", {"id": "address"}),
            ("customer", "orders/", {}),
            ("customer", "orders/{id}/", {"id": "paid"}),
            ("staff", "orders/", {}),
            ("anonymous", "articles/", {}),
            ("anonymous", "articles/{id}/", {"id": "article"}),
            ("staff", "articles/{id}/", {"id": "article"}),
            ("anonymous", "articles/{article_id}/comments/", {"article_id": "article"}),
            (
                "anonymous",
                "articles/{article_id}/comments/{id}/",
                {"article_id": "article", "id": "comment"},
            ),
            ("customer", "users/me/", {}),
            ("member", "users/me/", {}),
            # And their errors.
            ("anonymous", "orders/", {}),
            ("customer", "orders/{id}/", {"id": "foreign_order"}),
        ],
    )
    def test_a_read(
        self, request, client_of, conforms, make_order, customer, api, actor, path, arguments
    ):
        request.getfixturevalue("comment")
        rows = {"paid": make_order(customer, "paid")}
        CommentFactory.create(article=request.getfixturevalue("article"))
        ids = {
            name: (rows.get(row) or request.getfixturevalue(row)).pk
            for name, row in arguments.items()
        }
        response = client_of(actor).get(f"{api}/" + path.format(**ids))
        conforms(response, f"{api}/{path}", "get")

    def test_a_write(self, as_customer, conforms, product, address, api):
        items = [{"product": product.pk, "quantity": 1}]
        url = f"{api}/orders/"

        placed = as_customer.post(url, {"items": items, "shipping_address": address.pk})
        conforms(placed, url, "post")
        changed = as_customer.patch(placed["Location"], {"note": "x"})
        conforms(changed, f"{url}{{id}}/", "patch")
        paid = as_customer.post(f"{placed['Location']}pay/", {"method": "card"})
        conforms(paid, f"{url}{{id}}/pay/", "post")
        conforms(as_customer.post(url, {"items": []}), url, "post")

    def test_registration_and_tokens(self, anonymous, conforms, customer, api):
        body = {
            "email": "new@shop.example",
            "password": "a long enough secret",
            "password_confirm": "a long enough secret",
        }
        conforms(anonymous.post(f"{api}/users/", body), f"{api}/users/", "post")
        login = {name: body[name] for name in ("email", "password")}
        tokens = anonymous.post("/api/token/", login)
        conforms(tokens, "/api/token/", "post")
        refreshed = anonymous.post("/api/token/refresh/", {"refresh": tokens.json()["refresh"]})
        conforms(refreshed, "/api/token/refresh/", "post")
        verified = anonymous.post("/api/token/verify/", {"token": tokens.json()["access"]})
        conforms(verified, "/api/token/verify/", "post")
        conforms(anonymous.post("/api/token/", {}), "/api/token/", "post")


def followed(document, node):
    """What a reference to a component leads to."""
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    return document["components"][kind][name]


def closed(components):
    """The components with nothing allowed but what they name, except in errors."""
    schemas = {
        name: {**schema, "additionalProperties": False}
        if "properties" in schema and name != "Problem"
        else schema
        for name, schema in components["schemas"].items()
    }
    return {**components, "schemas": schemas}


class Assets(HTMLParser):
    """Collects what a page loads."""

    def __init__(self):
        super().__init__()
        self.urls = []

    def handle_starttag(self, tag, attributes):
        self.urls += [value for name, value in attributes if name in {"src", "href", "action"}]


@pytest.mark.once
class TestDocs:
    @pytest.fixture
    def page(self, anonymous):
        response = anonymous.get("/api/docs/")
        assert response.status_code == 200
        return response.content.decode()

    def test_it_loads_nothing_from_elsewhere(self, page):
        assets = Assets()
        assets.feed(page)

        assert len(assets.urls) >= 4
        assert all(re.match(r"/static/[^/]", url) for url in assets.urls)
        assert re.findall(r"""["'`(=](?:https?:)?//[^"'`)]+""", page) == []

    def test_what_it_loads_is_there(self, page):
        assets = Assets()
        assets.feed(page)
        for url in assets.urls:
            assert finders.find(url.removeprefix("/static/")), url

    def test_it_shows_this_service(self, page):
        assert '"/api/schema/"' in page

    def test_the_front_page_leads_there(self, anonymous):
        response = anonymous.get("/")
        assert (response.status_code, response["Location"]) == (302, "/api/docs/")
