"""The document of each version is valid, and says what that version takes and gives."""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from openapi_spec_validator import validate

from backstay.contrib.spectacular.documents import generate
from backstay.testing.document import whole
from backstay.versioning.contracts import breaking
from backstay.versioning.shapes import flat, target

pytestmark = [pytest.mark.M3, pytest.mark.once]

VERSIONS = ["v1", "v2"]


@pytest.fixture(autouse=True)
def project():
    with override_settings(
        ROOT_URLCONF="tests.backstay.contrib.urls", BACKSTAY={"VERSIONS": VERSIONS}
    ):
        yield


def document(version=None, client=None):
    query = {"version": version} if version else {}
    response = (client or Client()).get(
        "/api/schema/", query, headers={"Accept": "application/json"}
    )
    assert response.status_code == 200, response.content
    return json.loads(response.content)


@pytest.fixture(params=VERSIONS)
def any_version(request):
    return document(request.param)


@pytest.fixture
def v1():
    return document("v1")


@pytest.fixture
def v2():
    return document("v2")


def component(found, name):
    return found["components"]["schemas"][name]


def body_of(found, path, method, status=None):
    """The schema of a request's body, or of the answer of *status*."""
    operation = found["paths"][path][method]
    place = operation["responses"][status] if status else operation["requestBody"]
    schema = place["content"]["application/json"]["schema"]
    return component(found, schema["$ref"].rpartition("/")[2])


class TestDocument:
    def test_is_valid(self, any_version):
        assert any_version["openapi"].startswith("3.1")
        validate(any_version)

    def test_covers_the_routes_of_its_version_and_the_tokens(self, v1, v2):
        def others(document):
            return {path for path in document["paths"] if not path.startswith("/api/token/")}

        assert {"/api/v1/loans/", "/api/v1/loans/{id}/"} == others(v1)
        assert {"/api/v2/loans/", "/api/v2/loans/{id}/"} == others(v2)
        assert {"/api/token/", "/api/token/refresh/", "/api/token/verify/"} <= set(v1["paths"])

    def test_without_a_version_it_is_the_oldest(self, v1):
        assert document() == v1

    def test_is_json_or_yaml(self, v1):
        answer = Client().get(
            "/api/schema/?version=v1", headers={"Accept": "application/vnd.oai.openapi"}
        )

        assert yaml.safe_load(answer.content) == v1

    @pytest.mark.parametrize("version", ["v0", "V1", "1", "\x00", "é", "v" * 9_000])
    def test_of_an_unknown_version_is_404(self, version):
        assert Client().get("/api/schema/", {"version": version}).status_code == 404

    def test_of_two_versions_at_once_is_400(self):
        answer = Client().get("/api/schema/?version=v1&version=v2")
        assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
        assert Client().get("/api/schema/?version=v2&version=v2").status_code == 200

    def test_an_unknown_version_is_not_repeated_at_length(self):
        answer = Client().get("/api/schema/", {"version": "v" * 3_000})
        assert len(answer.content) < 400

    def test_an_operations_errors_are_of_the_one_shape(self, any_version):
        operations = [
            operation
            for path in any_version["paths"].values()
            for method, operation in path.items()
            if method in {"get", "post", "put", "patch", "delete"}
        ]

        assert operations
        for operation in operations:
            other = whole(any_version, operation["responses"]["default"])
            assert other["content"].keys() == {"application/problem+json"}
            schema = other["content"]["application/problem+json"]["schema"]
            assert schema == component(any_version, "Problem")

    def test_bearer_tokens_are_a_security_scheme(self, any_version):
        scheme = any_version["components"]["securitySchemes"]["bearer"]
        assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == (
            *("http", "bearer", "JWT"),
        )


class TestActions:
    def test_a_creation_shows_its_input_and_the_object_it_answers(self, v2):
        taken = body_of(v2, "/api/v2/loans/", "post")
        given = body_of(v2, "/api/v2/loans/", "post", "201")

        assert set(taken["properties"]) == {"shelf", "reader"}
        assert set(given["properties"]) == {"id", "reader", "charge", "shelf", "rank", "score"}

    def test_a_list_shows_its_own_fields_in_a_page(self, v2):
        page = body_of(v2, "/api/v2/loans/", "get", "200")
        row = component(v2, page["properties"]["results"]["items"]["$ref"].rpartition("/")[2])

        assert set(page["properties"]) == {"next", "previous", "results"}
        assert set(row["properties"]) == {"id", "reader"}

    def test_a_list_names_the_parameters_it_reads(self, v2):
        parameters = whole(v2, v2["paths"]["/api/v2/loans/"]["get"])["parameters"]

        assert {one["name"] for one in parameters if one["in"] == "query"} == {
            "cursor",
            "ordering",
            "page_size",
            "search",
        }

    def test_a_login_shows_what_it_gives(self, v2):
        assert set(body_of(v2, "/api/token/", "post", "200")["properties"]) == {
            "access",
            "refresh",
        }
        assert set(body_of(v2, "/api/token/", "post")["properties"]) == {"email", "password"}


@pytest.mark.V1
class TestVersions:
    def test_the_newest_shows_what_is_written(self, v2):
        loan = body_of(v2, "/api/v2/loans/{id}/", "get", "200")

        assert list(loan["properties"]) == ["id", "reader", "charge", "shelf", "rank", "score"]

    def test_an_older_one_is_derived(self, v1):
        loan = body_of(v1, "/api/v1/loans/{id}/", "get", "200")

        assert list(loan["properties"]) == [
            *["id", "reader", "fee", "urgent", "shelf", "rank", "score"]
        ]
        assert loan["properties"]["fee"]["type"] == "string"
        assert loan["properties"]["urgent"]["type"] == "boolean"
        assert loan["properties"]["shelf"]["type"] == "integer"
        assert loan["properties"]["shelf"]["readOnly"] is True

    def test_the_input_of_an_older_one_is_derived_too(self, v1, v2):
        older = body_of(v1, "/api/v1/loans/{id}/", "put")
        newer = body_of(v2, "/api/v2/loans/{id}/", "put")

        assert {"fee", "urgent"} <= set(older["properties"])
        assert "charge" not in older["properties"]
        assert {"reader", "fee"} <= set(older["required"])
        assert "urgent" not in older["required"]
        assert {"reader", "charge"} <= set(newer["required"])

    def test_a_partial_update_requires_nothing(self, any_version):
        path = next(path for path in any_version["paths"] if path.endswith("{id}/"))

        assert "required" not in body_of(any_version, path, "patch")


class TestDescriptions:
    def test_are_the_projects_own(self, any_version):
        path = next(path for path in any_version["paths"] if path.endswith("{id}/"))
        loan = body_of(any_version, path, "get", "200")

        assert loan["description"] == "A book that somebody has at home."

    def test_are_absent_where_the_project_says_nothing(self, any_version):
        """The docstrings of base classes speak to programmers, not to clients."""
        path = next(path for path in any_version["paths"] if path.endswith("/loans/"))

        assert "description" not in body_of(any_version, path, "post")
        assert "description" not in any_version["paths"][path]["post"]


@pytest.mark.P2
class TestVisibleFields:
    def test_are_described_and_not_required(self, any_version):
        path = next(path for path in any_version["paths"] if path.endswith("{id}/"))
        loan = body_of(any_version, path, "get", "200")

        assert loan["properties"]["rank"]["description"] == "For staff."
        assert loan["properties"]["score"]["description"] == "For staff or owner."
        assert not {"rank", "score"} & set(loan["required"])
        assert {"id", "reader"} <= set(loan["required"])


def both(make, times):
    """Two threads ask at the same moments; each tells how often it got the other's document."""
    expected = {version: make(version) for version in VERSIONS}
    together = Barrier(len(VERSIONS))

    def strangers(version):
        wrong = 0
        for _ in range(times):
            together.wait(timeout=60)
            wrong += make(version) != expected[version]
        return wrong

    with ThreadPoolExecutor(len(VERSIONS)) as pool:
        return list(pool.map(strangers, VERSIONS))


@pytest.fixture
def eager_switches():
    """Threads take turns after microseconds, not milliseconds."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.V1
@pytest.mark.usefixtures("eager_switches")
class TestThreads:
    """Made each time, since what is served is made once and waits for nobody."""

    def test_that_make_two_versions_at_once_see_their_own(self):
        assert both(generate, 10) == [0, 0]

    def test_that_serve_two_versions_at_once_see_their_own(self):
        assert both(document, 10) == [0, 0]

    @pytest.mark.long
    @pytest.mark.parametrize("make", [generate, document])
    def test_that_serve_two_versions_for_long_see_their_own(self, make):
        assert both(make, 250) == [0, 0]


class TestIdempotencyKey:
    def test_writes_that_take_one_say_so_and_what_can_go_wrong(self, v2):
        operation = whole(v2, v2["paths"]["/api/v2/loans/"]["post"])
        (header,) = [one for one in operation["parameters"] if one["in"] == "header"]
        assert (header["name"], header.get("required", False)) == ("Idempotency-Key", False)
        assert header["schema"]["maxLength"] == 255
        assert "422" in operation["responses"]

    def test_a_view_that_requires_one_says_so(self, monkeypatch):
        monkeypatch.setattr(
            "tests.backstay.contrib.urls.LoanViewSet.idempotency_key_required", True
        )
        found = generate("v2")
        parameters = whole(found, found["paths"]["/api/v2/loans/"]["post"])["parameters"]
        assert [one["required"] for one in parameters if one["in"] == "header"] == [True]

    def test_reads_and_other_views_do_not(self, v2):
        for path, method in (("/api/v2/loans/", "get"), ("/api/token/", "post")):
            parameters = whole(v2, v2["paths"][path][method]).get("parameters", [])
            assert "Idempotency-Key" not in {one["name"] for one in parameters}


def told(found, path, method, status):
    return set(whole(found, found["paths"][path][method]["responses"][status]).get("headers", {}))


def codes(found, path, method):
    """The codes that an operation names, by status."""
    named = {}
    for status, response in found["paths"][path][method]["responses"].items():
        if "$ref" in response and status != "default":
            content = target(found, response["$ref"])["content"]["application/problem+json"]
            [form] = flat(found, content["schema"])
            [code] = flat(found, form["properties"]["code"])
            named[status] = code["enum"]
    return named


class TestErrors:
    def test_each_operation_names_its_codes_by_status(self, v2):
        assert codes(v2, "/api/v2/loans/", "post") == {
            "400": ["validation_error", "parse_error"],
            "401": ["not_authenticated", "token_expired", "token_invalid"],
            "403": ["permission_denied"],
            "406": ["not_acceptable"],
            "409": ["conflict", "idempotency_in_progress", "shelf_full"],
            "413": ["payload_too_large"],
            "415": ["unsupported_media_type"],
            "422": ["idempotency_key_reused"],
            "429": ["throttled"],
            "500": ["internal_error"],
            "503": ["service_unavailable"],
        }

    def test_a_view_names_its_own_for_the_action_that_has_them(self, v2):
        assert "409" not in codes(v2, "/api/v2/loans/", "get")
        response = whole(v2, v2["paths"]["/api/v2/loans/"]["post"]["responses"]["409"])
        assert "`shelf_full`: No book fits on it." in response["description"]
        example = response["content"]["application/problem+json"]["examples"]["shelf_full"]
        assert example["value"]["title"] == "Shelf full"

    def test_where_nobody_is_known_nobody_is_refused_for_who_they_are(self, v2):
        assert codes(v2, "/api/token/", "post")["401"] == ["invalid_credentials"]
        assert "403" not in codes(v2, "/api/token/", "post")


class TestHeaders:
    def test_limits_are_told_on_answers_and_errors(self, v2):
        for status in ("200", "400", "429", "default"):
            headers = told(v2, "/api/v2/loans/", "get", status)
            assert {"RateLimit", "RateLimit-Policy", "X-Request-ID"} <= headers

    def test_a_refusal_says_when_to_come_back_and_how_to_authenticate(self, v2):
        assert "Retry-After" in told(v2, "/api/v2/loans/", "post", "429")
        assert "Retry-After" in told(v2, "/api/v2/loans/", "post", "503")
        assert "Retry-After" in told(v2, "/api/v2/loans/", "post", "409")
        assert "Retry-After" not in told(v2, "/api/v2/loans/", "post", "400")
        assert "WWW-Authenticate" in told(v2, "/api/v2/loans/", "post", "401")

    def test_a_creation_says_where_and_whether_it_is_a_replay(self, v2):
        assert {"Location", "Idempotency-Replayed"} <= told(v2, "/api/v2/loans/", "post", "201")
        assert "Idempotency-Replayed" not in told(v2, "/api/v2/loans/", "get", "200")

    def test_what_is_kept_tells_caches_and_what_is_only_read_has_its_validator(self, v2):
        kept = {"Age", "Cache-Control", "Cache-Status", "ETag"}
        assert kept <= told(v2, "/api/v2/loans/", "get", "200")
        assert kept & told(v2, "/api/v2/loans/{id}/", "get", "200") == {"ETag"}
        assert kept <= told(v2, "/api/v2/loans/", "get", "304")
        assert kept & told(v2, "/api/v2/loans/{id}/", "get", "304") == {"ETag"}

    @pytest.mark.parametrize(
        ("written", "is_key"),
        [("8e03978e-40d5", True), ('"8e03978e-40d5"', True), ('"half', False), ("a b", False)],
    )
    def test_a_key_is_taken_with_quotes_and_without(self, v2, written, is_key):
        operation = whole(v2, v2["paths"]["/api/v2/loans/"]["post"])
        (key,) = [one for one in operation["parameters"] if one["name"] == "Idempotency-Key"]

        assert bool(re.search(key["schema"]["pattern"], written)) == is_key

    def test_tokens_are_never_stored(self, v2):
        assert "Cache-Control" in told(v2, "/api/token/", "post", "200")

    def test_conditions_are_taken_where_there_is_an_object(self, v2):
        def taken(path, method):
            operation = whole(v2, v2["paths"][path][method])
            return {one["name"] for one in operation["parameters"] if one["in"] == "header"}

        assert taken("/api/v2/loans/{id}/", "put") == {"Idempotency-Key", "If-Match"}
        assert taken("/api/v2/loans/{id}/", "get") == {"If-None-Match"}
        assert taken("/api/v2/loans/", "post") == {"Idempotency-Key"}


class TestEnds:
    """A version that is to end says so, from the day that is written down."""

    ENDING = {"Deprecation", "Link", "Sunset"}

    @pytest.fixture
    def ending(self, settings):
        def end(**dates):
            settings.BACKSTAY = {**settings.BACKSTAY, "VERSION_POLICIES": {"v1": dates}}
            return {version: generate(version) for version in VERSIONS}

        return end

    def test_on_every_operation_answer_and_error_of_it(self, ending):
        v1 = ending(deprecated="2027-01-01", sunset="2027-07-01")["v1"]

        operations = v1["paths"]["/api/v1/loans/"]
        assert [one["deprecated"] for one in operations.values()] == [True, True]
        for status in ("200", "304", "400", "429", "default"):
            assert told(v1, "/api/v1/loans/", "get", status) >= self.ENDING
        assert codes(v1, "/api/v1/loans/", "get")["410"] == ["version_sunset"]

    def test_a_date_alone_has_its_own_header(self, ending):
        v1 = ending(deprecated="2027-01-01")["v1"]

        headers = told(v1, "/api/v1/loans/", "get", "200")
        assert headers & self.ENDING == {"Deprecation", "Link"}
        assert "410" not in codes(v1, "/api/v1/loans/", "get")

    def test_other_versions_and_what_has_none_say_nothing(self, ending):
        documents = ending(deprecated="2027-01-01", sunset="2027-07-01")

        for version, path in (("v2", "/api/v2/loans/"), ("v1", "/api/token/")):
            operation = documents[version]["paths"][path]["post"]
            assert "deprecated" not in operation
            assert "410" not in operation["responses"]
            status = "201" if version == "v2" else "200"
            assert not told(documents[version], path, "post", status) & self.ENDING

    def test_it_breaks_no_contract_and_neither_does_calling_it_off(self, ending):
        current, ends = ending()["v1"], ending(deprecated="2027-01-01", sunset="2027-07-01")["v1"]

        assert breaking("v1", current, ends) == []
        assert breaking("v1", ends, current) == []


class TestReaders:
    """Whoever reads it for the first time finds a sentence about everything."""

    def test_every_operation_answer_and_parameter_is_described(self, any_version):
        for path, item in any_version["paths"].items():
            for method, operation in whole(any_version, item).items():
                assert operation["summary"], (path, method)
                for parameter in operation.get("parameters", ()):
                    assert parameter["description"], (path, method, parameter["name"])
                for status, response in operation["responses"].items():
                    assert response["description"], (path, method, status)

    def test_operations_are_summed_up_by_what_they_do(self, v2):
        assert v2["paths"]["/api/v2/loans/"]["post"]["summary"] == "Create a loan"
        assert v2["paths"]["/api/v2/loans/"]["get"]["summary"] == "List loans"
        said = v2["paths"]["/api/token/refresh/"]["post"]["summary"]
        assert said == "Exchange a refresh token for a new pair"


class TestExamples:
    @pytest.fixture
    def examples(self, settings, tmp_path):
        def write(told):
            path = tmp_path / "examples.json"
            path.write_text(told if isinstance(told, str) else json.dumps(told))
            settings.BACKSTAY = {**settings.BACKSTAY, "DOCUMENT_EXAMPLES": path}

        return write

    def test_they_are_shown_beside_their_schema(self, examples):
        body = {"access": "a", "refresh": "b"}
        problem = {"code": "throttled"}
        told = {"answers": {"POST /api/token/ 200": body}, "problems": {"throttled": problem}}
        examples({"v1": told})

        v1 = generate("v1")

        shown = v1["paths"]["/api/token/"]["post"]["responses"]["200"]["content"]
        assert shown["application/json"]["example"] == body
        assert v1["components"]["examples"]["throttled"]["value"] == problem
        assert "example" not in generate("v2")["paths"]["/api/token/"]["post"]["responses"]["200"]

    @pytest.mark.parametrize(
        "told", ["", "{", {"v1": {"answers": {"GET /api/v1/shelves/ 200": {}}}}]
    )
    def test_a_file_that_is_out_of_date_is_an_error(self, examples, told):
        examples(told)
        with pytest.raises(ImproperlyConfigured):
            generate("v1")
