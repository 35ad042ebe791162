"""What the history is told of: every request but those of the page itself."""

from functools import lru_cache

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, reverse

from backstay.monitoring import history
from backstay.monitoring.record import Record


def keep(record: Record) -> None:
    mount = _mount(settings.ROOT_URLCONF)
    if mount is None or not record.route.startswith(mount):
        history.add(record)


@lru_cache(maxsize=8)
def _mount(_: str) -> str | None:
    """Where the page is, in the URLconf of that name, whatever the service is mounted at."""
    try:
        path = reverse("backstay_dashboard:page")
    except NoReverseMatch:
        return None
    return "/" + path.removeprefix(get_script_prefix())
