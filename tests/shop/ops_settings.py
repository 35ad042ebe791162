"""The service, for tests of its dashboard: every query is watched, and one view is careless."""

from shop.settings import *  # noqa: F403  # Django's way to derive settings.
from shop.settings import BACKSTAY

globals().update(BACKSTAY={**BACKSTAY, "QUERY_WATCH_SHARE": 1.0})
ROOT_URLCONF = "tests.shop.ops_urls"
