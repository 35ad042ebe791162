"""Where a page begins, for the peers that have no cursor of their own."""

from datetime import datetime
from urllib.parse import urlencode

#: When the last order of the page before was made, and its key.
Position = tuple[datetime, int]


def parse(text: str | None) -> Position | None:
    """
    Raises:
        ValueError: the text is none that ``link`` made.
    """
    if text is None:
        return None
    made, _, key = text.rpartition("/")
    return datetime.fromisoformat(made), int(key)


def link(url: str, last: Position | None) -> str | None:
    """The address of the page after *last*; ``None``: there is none."""
    return last and f"{url}?{urlencode({'after': f'{last[0].isoformat()}/{last[1]}'})}"
