"""
A name for a device that its owner recognises: "Firefox on Linux".

Made of ``User-Agent``, which says what it likes: a label for people, never a
credential. What is unknown keeps the product's own name (``curl/8.9``).
"""

import re

MAX_LENGTH = 100

# The first that fits: every browser claims to be the ones before it.
_BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Version/[\d.]+ .*Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux|X11"),
)
_PRODUCT = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(/[A-Za-z0-9.+_-]+)?")


def device_of(user_agent: str) -> str:
    """
    >>> device_of("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox on Linux'
    >>> device_of("curl/8.9.1")
    'curl/8.9.1'
    """
    text = user_agent[:1000]
    browser, system = _first(_BROWSERS, text), _first(_SYSTEMS, text)
    if browser:
        return f"{browser} on {system}" if system else browser
    product = _PRODUCT.match(text)
    return product.group()[:MAX_LENGTH] if product else ""


def _first(patterns: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for name, pattern in patterns if re.search(pattern, text)), None)
