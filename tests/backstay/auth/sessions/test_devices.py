"""A device has a name that its owner recognises, whatever its ``User-Agent`` says."""

import time

import pytest

from backstay.auth.sessions.devices import MAX_LENGTH, device_of

pytestmark = pytest.mark.once

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S921B)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

AGENTS = [
    (f"{WINDOWS} {CHROME} Safari/537.36", "Chrome on Windows"),
    (f"{WINDOWS} {CHROME} Safari/537.36 Edg/126.0.0.0", "Edge on Windows"),
    (f"{WINDOWS} {CHROME} Safari/537.36 OPR/111.0.0.0", "Opera on Windows"),
    (f"{MAC} {CHROME} Safari/537.36", "Chrome on macOS"),
    (f"{MAC} {APPLE} Version/17.5 Safari/605.1.15", "Safari on macOS"),
    (f"{IPHONE} {APPLE} Version/17.5 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
    (f"{IPHONE} {APPLE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
    (f"{IPHONE} {APPLE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone"),
    (f"{IPHONE} {APPLE} Version/17.0 EdgiOS/125.0 Mobile Safari/604.1", "Edge on iPhone"),
    (f"{IPAD} {APPLE} Version/17.5 Mobile/15E148 Safari/604.1", "Safari on iPad"),
    (f"{ANDROID} {CHROME} Mobile Safari/537.36", "Chrome on Android"),
    (f"{ANDROID} {CHROME} Mobile Safari/537.36 EdgA/125.0", "Edge on Android"),
    (
        f"{ANDROID} AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        "Samsung Internet on Android",
    ),
    ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox on Android"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Linux"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "Chrome on ChromeOS"),
    ("Firefox/127.0", "Firefox"),
    ("curl/8.9.1", "curl/8.9.1"),
    ("python-requests/2.32.3", "python-requests/2.32.3"),
    ("okhttp/4.12.0", "okhttp/4.12.0"),
    ("PostmanRuntime/7.39.0", "PostmanRuntime/7.39.0"),
    ("Shop/3.1 (iPhone; iOS 17.5)", "Shop/3.1"),
    ("Mozilla/5.0", "Mozilla/5.0"),
    ("", ""),
]

HOSTILE = {
    "10 KB": "a" * 10_240,
    "10 KB of a browser": f"{WINDOWS} {'Chrome/1 ' * 1_200}",
    "control characters": "\x00\x07\x1b[31mred\x7f",
    "after a product": "curl/8.9\x1b[31m\r\n\x00",
    "newlines": "\r\nSet-Cookie: a=b\r\n",
    "right to left": "\u202elrucs/1.0",
    "markup": "<script>alert(1)</script>",
    "lone surrogates": "\udcff\udcfe",
    "slashes": "/" * 1_000,
    "what backtracks": "Version/" + "1." * 500,
    "what backtracks twice": "Version/1 " * 1_000,
}


@pytest.mark.parametrize(("agent", "name"), AGENTS)
def test_a_device_is_named(agent, name):
    assert device_of(agent) == name


@pytest.mark.E1
@pytest.mark.parametrize("agent", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_one_is_short_and_printable(agent):
    start = time.perf_counter()
    name = device_of(agent)
    assert time.perf_counter() - start < 0.1
    assert len(name) <= MAX_LENGTH
    assert name.isascii()
    assert name.isprintable()
    assert "<" not in name
