"""One request, one version: wherever it is said, and a refusal where it is none or two."""

from typing import Any

import pytest
from django.test import RequestFactory, override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework import viewsets

from backstay.filtering import known_parameters
from backstay.versioning import PathVersioning, QueryVersioning, version_of
from backstay.versioning.sources import canonical

pytestmark = [pytest.mark.V1, pytest.mark.once]

VERSIONS = ["v1", "v2", "v3"]


def said(response):
    """The version that answered, or the refusal in the one shape."""
    if response.status_code == 200:
        return response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert len(body["detail"]) < 250
    return response.status_code, body["code"]


NOT_FOUND, NOT_ACCEPTABLE = (404, "not_found"), (406, "not_acceptable")
CONFLICT, WRONG = (400, "parse_error"), (400, "validation_error")


class TestPath:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_says_it(self, api, version):
        assert said(api.get(f"/{version}/which/")) == version

    def test_without_one_the_newest_is_meant(self, api):
        assert said(api.get("/which/")) == "v3"

    @pytest.mark.parametrize(
        "version", ["v0", "v4", "V1", "1", "v1.0", "v1 ", "v%00", "é", "v" * 5000]
    )
    def test_of_an_unknown_one_is_404(self, api, version):
        assert said(api.get(f"/{version}/which/")) == NOT_FOUND

    def test_does_not_look_at_what_else_is_said(self, api):
        answer = api.get("/v1/which/?version=2", headers={"Accept": "*/*; version=3"})
        assert said(answer) == "v1"

    def test_the_versions_are_a_setting(self, api):
        with override_settings(BACKSTAY={"VERSIONS": ["v1", "v9"]}):
            assert said(api.get("/v9/which/")) == "v9"
            assert said(api.get("/v2/which/")) == NOT_FOUND

    def test_so_is_the_one_that_is_meant_without_a_word(self, api):
        with override_settings(BACKSTAY={"VERSIONS": VERSIONS, "DEFAULT_VERSION": "v2"}):
            assert said(api.get("/which/")) == "v2"


class TestNamespace:
    def test_says_it(self, api):
        assert said(api.get("/named/v1/which/")) == "v1"

    def test_of_an_unknown_version_is_404(self, api):
        assert said(api.get("/named/v4/which/")) == NOT_FOUND

    def test_of_another_purpose_says_nothing(self, api):
        assert said(api.get("/named/shop/which/")) == "v3"
        assert said(api.get("/named/shop/which/", headers={"Accept": "*/*; version=1"})) == "v1"


JSON = "application/json"


class TestAccept:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            (JSON, "v3"),
            ("*/*", "v3"),
            (f"{JSON}; version=1", "v1"),
            (f"{JSON};version=v1", "v1"),
            (f"{JSON} ; VERSION = 1", "v1"),
            ('*/*; version="2"', "v2"),
            (r'*/*; version="\2"', "v2"),
            (f"{JSON}; version=2; q=0.5", "v2"),
            (f"{JSON}; q=0.1; version=2, */*; q=0.01", "v2"),
            (f"text/html, {JSON}; version=2, */*", "v2"),
            (f"{JSON}; version=1, */*; version=v1", "v1"),
            # Who does not want a version has not asked for it.
            (f"{JSON}; version=1; q=0, */*; version=2", "v2"),
            (f"{JSON}; version=9; q=0.000, */*", "v3"),
            # Neither a type nor another parameter is the version.
            ("application/vnd.version+json, */*", "v3"),
            ('*/*; note="; version=1"', "v3"),
            ('*/*; note=", */*; version=1"', "v3"),
            (f"{JSON}; conversion=1", "v3"),
            (f"{JSON}; version=1, {JSON}; version=2", CONFLICT),
            (f"{JSON}; version=1; q=0.1, {JSON}; version=2; q=0.9", CONFLICT),
            (f"{JSON}; version=1; version=2", CONFLICT),
            (f"{JSON}; version=", NOT_ACCEPTABLE),
            (f"{JSON}; version", NOT_ACCEPTABLE),
            (f'{JSON}; version=""', NOT_ACCEPTABLE),
            (f'{JSON}; version="1,2"', NOT_ACCEPTABLE),
            (f'{JSON}; version="1', NOT_ACCEPTABLE),
            (f"{JSON}; version=1.0", NOT_ACCEPTABLE),
            (f"{JSON}; version=01", NOT_ACCEPTABLE),
            (f"{JSON}; version=-1", NOT_ACCEPTABLE),
            (f"{JSON}; version=latest", NOT_ACCEPTABLE),
            (f"{JSON}; version=²", NOT_ACCEPTABLE),
            (f"{JSON}; version=\x00", NOT_ACCEPTABLE),
            (f"{JSON}; version={'9' * 8_000}", NOT_ACCEPTABLE),
            (f'{JSON}; version="{"1" * 8_000}', NOT_ACCEPTABLE),
            (",".join([f"{JSON}; version=1"] * 300), "v1"),
            (",".join(f"{JSON}; version={1 + n % 3}" for n in range(300)), CONFLICT),
            ("*/*" + "; version=1" * 700, NOT_ACCEPTABLE),
            ("; version=1" * 700, NOT_ACCEPTABLE),
            (";" * 8_000 + "version=2", NOT_ACCEPTABLE),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_says_it_or_is_refused(self, api, accept, expected):
        assert said(api.get("/accept/which/", headers={"Accept": accept})) == expected

    def test_the_path_and_the_query_are_not_looked_at(self, api):
        assert said(api.get("/accept/which/?version=1")) == "v3"


class TestQuery:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", "v3"),
            ("?page=2", "v3"),
            ("?version=1", "v1"),
            ("?version=v2", "v2"),
            ("?version=2&version=v2", "v2"),
            ("?version=1&version=2", CONFLICT),
            ("?version=", WRONG),
            ("?version=9", WRONG),
            ("?version=1.0", WRONG),
            ("?version=%00", WRONG),
            ("?version=%FF", WRONG),
            (f"?version={'9' * 8_000}", WRONG),
            ("?" + "version=1&" * 900, "v1"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_says_it_or_is_refused(self, api, query, expected):
        assert said(api.get(f"/query/which/{query}")) == expected

    def test_is_a_parameter_that_lists_and_objects_know(self):
        for detail in (False, True):
            view: Any = viewsets.GenericViewSet(detail=detail, versioning_class=QueryVersioning)
            assert "version" in known_parameters(view)
            view.versioning_class = PathVersioning
            assert "version" not in known_parameters(view)

    def test_a_refusal_points_at_the_parameter(self, api):
        [error] = api.get("/query/which/?version=9").json()["errors"]
        assert (error["pointer"], error["code"]) == ("?version", "unknown_version")


class TestSeveral:
    @pytest.mark.parametrize(
        ("path", "accept", "expected"),
        [
            ("/all/v1/which/", "*/*", "v1"),
            ("/all/v1/which/?version=1", "*/*; version=1", "v1"),
            ("/all/which/?version=2", "*/*; version=v2", "v2"),
            ("/all/which/", "*/*; version=2", "v2"),
            ("/all/v1/which/", "*/*; version=2", CONFLICT),
            ("/all/v1/which/?version=2", "*/*", CONFLICT),
            ("/all/which/?version=2", "*/*; version=3", CONFLICT),
            ("/named/v1/which/", "*/*; version=2", CONFLICT),
            # What is unknown is refused by where it stands, the URL first.
            ("/all/v9/which/?version=9", "*/*; version=9", NOT_FOUND),
            ("/all/v1/which/?version=9", "*/*; version=9", NOT_ACCEPTABLE),
            ("/all/v1/which/?version=9", "*/*; version=1", WRONG),
        ],
    )
    def test_agree_or_are_refused(self, api, path, accept, expected):
        assert said(api.get(path, headers={"Accept": accept})) == expected

    def test_a_conflict_tells_who_says_what(self, api):
        answer = api.get("/any/v1/which/", headers={"Accept": "*/*; version=2"})
        assert answer.json()["detail"] == (
            "The versions differ: the URL says v1, the Accept header says v2."
        )


class TestLinks:
    @pytest.mark.parametrize(
        ("path", "accept"),
        [
            ("/links/v2/link/", "*/*"),
            ("/links-named/v3/link/", "*/*"),
            ("/links/link/?version=v2", "*/*"),
            ("/links/link/", "*/*; version=2"),
        ],
    )
    def test_say_the_version_where_the_request_did(self, api, path, accept):
        answer = api.get(path, headers={"Accept": accept})
        assert answer.json() == f"http://testserver{path}"


class TestVersionOf:
    """What a middleware may ask, whether the view was reached or not."""

    @pytest.mark.parametrize(
        ("path", "expected"),
        [("/v1/which/", "v1"), ("/accept/which/", "v3"), ("/none/which/", None), ("/plain/", None)],
    )
    def test_of_what_was_routed(self, api, path, expected):
        request = api.get(path).wsgi_request
        assert version_of(request) == expected
        # As where something before the view has answered.
        vars(request).pop("api_version", None)
        assert version_of(request) == expected

    def test_of_what_was_not_is_none(self, api):
        assert version_of(RequestFactory().get("/v1/which/")) is None

    @pytest.mark.parametrize("path", ["/v9/which/", "/query/which/?version=9"])
    def test_of_what_is_refused_for_it_is_none(self, api, path):
        assert version_of(api.get(path).wsgi_request) is None

    @pytest.mark.E1
    def test_of_what_cannot_be_read_is_none(self, api):
        request = api.get("/query/which/?" + "a&" * 2_000).wsgi_request
        assert version_of(request) is None


@given(st.text())
def test_only_a_number_has_another_name(text):
    with override_settings(BACKSTAY={"VERSIONS": VERSIONS}):
        assert canonical(text) in {text, f"v{text}"}
        assert canonical(f"v{text}") == f"v{text}"


#: What headers are made of, in any order.
PIECES = st.sampled_from(
    [
        *("application/json", "*/*", "text/html", ";", ",", "=", '"', "\\", " ", "\t", "version"),
        *("Version", "q", "0", "1", "2", "9", "v1", "v2", ".", "é", "²", "\x00", "\x7f", "/", "'"),
    ]
)
WORDS = st.lists(PIECES, max_size=40).map("".join) | st.text(
    st.characters(max_codepoint=255), max_size=60
)


@pytest.mark.E1
@pytest.mark.long
class TestAnything:
    @hypothesis_settings(
        max_examples=3_000, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(accept=WORDS, query=WORDS, version=st.sampled_from(["v1/", "v2/", "v9/", ""]))
    def test_is_a_version_or_a_refusal(self, api, accept, query, version):
        path = f"/all/{version}which/"
        answer = api.get(path, {"version": query}, headers={"Accept": accept})
        assert said(answer) in {*VERSIONS, NOT_FOUND, NOT_ACCEPTABLE, CONFLICT, WRONG}
