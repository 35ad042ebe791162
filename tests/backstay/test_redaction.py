"""Secrets are taken out by their key and by their shape, and other text is left alone."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.redaction import REDACTED, one_line, redact, redact_text

pytestmark = [pytest.mark.M1, pytest.mark.once]

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw"


class TestByShape:
    @pytest.mark.parametrize(
        ("text", "secret"),
        [
            (f"token {JWT} was refused", JWT),
            ("Authorization: Bearer 9f8e7d6c5b4a", "9f8e7d6c5b4a"),
            ("Basic YWRhOnNlY3JldA== given", "YWRhOnNlY3JldA=="),
            ("no account ada.l+x@shop.example here", "ada.l+x@shop.example"),
            ("paid by 4111 1111 1111 1111 today", "4111 1111 1111 1111"),
            ("paid by 5500-0000-0000-0004", "5500-0000-0000-0004"),
            ("card=378282246310005", "378282246310005"),
            ("Cookie: sessionid=abc123; csrftoken=def456", "abc123"),
            ("set-cookie: __Host-access=abc123; Path=/", "abc123"),
            ("GET /reset/?token=abc123&next=/ HTTP/1.1", "abc123"),
            ("?new_password=hunter2&x=1", "hunter2"),
            ("postgresql://shop:hunter2@db:5432/shop", "hunter2"),
            ("redis://:hunter2@cache:6379/0", "hunter2"),
            ("ValueError: {'password': 'hunter2', 'n': 1}", "hunter2"),
            ('body was {"refresh_token":"hunter2"}', "hunter2"),
            ("login(password='hunter2')", "hunter2"),
        ],
    )
    def test_a_secret_is_taken_out(self, text, secret):
        assert secret not in redact_text(text)
        assert REDACTED in redact_text(text)

    @pytest.mark.parametrize(
        "text",
        [
            "Job catalog.low_stock_notice: done.",
            "order 4111111111111112 of 2026-11-26",  # The check digit is wrong.
            "4111 1111 1111 1111 1111 1111 1111",  # Too long for a card.
            "550e8400-e29b-41d4-a716-446655440000",
            "0af7651916cd43dd8448eb211c80319c",
            "The token has expired. Refresh it.",
            "Basic knowledge",
            "?page=2&ordering=price",
            "/api/v1/token/refresh/",
        ],
    )
    def test_other_text_is_left_alone(self, text):
        assert redact_text(text) == text

    @given(st.text(max_size=300))
    def test_twice_is_as_once(self, text):
        assert redact_text(redact_text(text)) == redact_text(text)

    @pytest.mark.parametrize(
        "unit", ["a", "1", "1 ", "a@", "@", "x=", "?password", "cookie", "eyJ", "'password':", ":/"]
    )
    def test_hostile_text_takes_linear_time(self, unit):
        def seconds(size: int) -> float:
            text = unit * (size // len(unit))
            began = time.process_time()
            redact_text(text)
            return time.process_time() - began

        assert seconds(64_000) < 0.5


class TestByKey:
    @pytest.mark.parametrize(
        "key",
        [
            *("password", "password_confirm", "PASSWORD", "access_token", "refresh", "Cookie"),
            *("api_key", "X-Api-Key", "csrfmiddlewaretoken", "sessionid", "card_number", "cvc"),
            *("HTTP_AUTHORIZATION", "client_secret", "email"),
        ],
    )
    @pytest.mark.parametrize("value", ["plain", 1234, ["plain"], {"a": "plain"}])
    def test_whatever_stands_there_is_taken_out(self, key, value):
        assert redact({"outer": [{key: value}]}) == {"outer": [{key: REDACTED}]}

    def test_other_keys_keep_their_values(self):
        event = {"event": "job", "token_type": "access", "n": 1, "ok": True, "none": None}

        assert redact(event) == event

    def test_what_is_nested_without_end_is_cut(self):
        loop: list[object] = []
        loop.append(loop)

        assert REDACTED in json.dumps(redact(loop))

    def test_an_object_is_its_text(self):
        assert redact(ValueError("ada@shop.example")) == REDACTED


class TestOneLine:
    @given(st.text())
    def test_it_is_one_for_every_reader(self, text):
        assert len(one_line(text).splitlines()) <= 1
        assert "\x1b" not in one_line(text)
