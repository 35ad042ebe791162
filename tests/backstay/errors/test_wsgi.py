"""What only a server sends: bodies that end early, headers Django cannot read."""

import io
import json

import pytest
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstay.errors.wsgi import tolerate_content_type

pytestmark = [pytest.mark.E1, pytest.mark.usefixtures("kept_connection"), pytest.mark.once]


def post(body, *, path="/echo/", content_type="application/json", **environ):
    """POST as a WSGI server would; the status and the JSON of the answer."""
    answer: dict[str, int] = {}

    def start_response(status, headers, exc_info=None, /):
        answer["status"] = int(status[:3])
        return io.BytesIO().write

    application = tolerate_content_type(get_wsgi_application())
    content = application(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            **environ,
        },
        start_response,
    )
    return answer["status"], json.loads(b"".join(content))


class TestBody:
    def test_shorter_than_its_declared_length_is_refused(self):
        status, body = post(b'{"quantity": 1}', CONTENT_LENGTH="100")
        assert (status, body["code"]) == (400, "parse_error")
        assert body["detail"] == "The body ended after 15 of 100 bytes."

    def test_longer_than_its_declared_length_is_read_up_to_it(self):
        assert post(b'{"a": 1}{"b": 2}', CONTENT_LENGTH="8") == (200, {"a": 1})

    def test_of_a_connection_that_broke_is_refused(self):
        class Broken(io.RawIOBase):
            def read(self, *_):
                raise ConnectionResetError

        status, body = post(b"{}", **{"wsgi.input": Broken()})
        assert (status, body["code"]) == (400, "parse_error")


class TestContentType:
    @pytest.mark.parametrize(
        "content_type", ["application/json; charset*=foo''x", "text/csv", "x" * 300, "/", ";"]
    )
    def test_that_nobody_reads_is_415(self, content_type):
        status, body = post(b"{}", content_type=content_type)
        assert (status, body["code"]) == (415, "unsupported_media_type")


class TestAnyInput:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.binary(max_size=300), st.sampled_from(["/echo/", "/orders/", "/returned/"]))
    def test_no_body_gives_a_5xx(self, body, path):
        assert post(body, path=path)[0] < 500

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    )
    def test_no_json_gives_a_5xx(self, value):
        for document in (value, {"items": value}, {"items": [{"quantity": value}]}):
            assert post(json.dumps(document).encode(), path="/orders/")[0] < 500

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(st.characters(max_codepoint=255), max_size=60))
    def test_no_header_gives_a_5xx(self, text):
        for name in ("CONTENT_TYPE", "HTTP_ACCEPT", "HTTP_HOST", "HTTP_AUTHORIZATION"):
            assert post(b"{}", **{name: text})[0] < 500
