"""The fields ``RateLimit`` and ``RateLimit-Policy``, read as a client reads them."""

import re

#: A List of Items with a String and Integer parameters: RFC 9651 sections 3.1, 3.1.2, 3.3.
STRING = r'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
ITEM = re.compile(rf"({STRING})((?:; *[a-z*][a-z0-9_\-.*]*=-?[0-9]{{1,15}})*)")


def parse(field):
    """The parameters of each item by its string. Fails where the field is not well-formed."""
    items, place = {}, 0
    while True:
        match = ITEM.match(field, place)
        assert match, field[place:]
        name = re.sub(r"\\(.)", r"\1", match[1][1:-1])
        assert name not in items
        items[name] = {
            key: int(value) for key, value in re.findall(r"([a-z]+)=(-?[0-9]+)", match[2])
        }
        if match.end() == len(field):
            return items
        comma = re.compile(r"[ \t]*,[ \t]*").match(field, match.end())
        assert comma, field[match.end() :]
        place = comma.end()


def told(response):
    """Policy and standing of each budget, which have the same names."""
    policy = parse(response.headers["RateLimit-Policy"])
    standing = parse(response.headers["RateLimit"])
    assert list(policy) == list(standing)
    return {name: {**policy[name], **standing[name]} for name in policy}
