"""
Which client a request comes from, as far as the network can tell.

``X-Forwarded-For`` is believed only from peers in ``TRUSTED_PROXIES``, and from the
right: each trusted proxy has added the address that it was called from, and what
stands further left is what the client wrote. ``Forwarded`` and ``X-Real-IP`` are
never read, so they change nothing.

IPv6 clients count by their /64, which is what one customer is given (RFC 6177); an
IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address.

Limit: a peer without an address, over a Unix socket for one, is not trusted, and all
such peers are one client. Behind a proxy, let the server listen on TCP.
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest

from backstay.conf import settings

#: The bucket of all peers whose address cannot be read.
UNKNOWN = "unknown"

_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def client_address(request: HttpRequest) -> str:
    """The client's address in its one spelling, or ``unknown``."""
    peer = client = _read(request.META.get("REMOTE_ADDR", ""))
    if client is None:
        return UNKNOWN
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while peer is not None and entries and _is_trusted(client):
        peer = _read(entries.pop())
        client = peer or client
    return str(client)


def address_bucket(address: str) -> str:
    """
    Whom requests from *address* are counted with.

    >>> address_bucket("2001:db8::17"), address_bucket("192.0.2.1")
    ('2001:db8::/64', '192.0.2.1')
    """
    parsed = _read(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed), 64), strict=False))
    return UNKNOWN if parsed is None else str(parsed)


def is_trusted_proxy(address: str) -> bool:
    """Whether what a peer with this address forwards is believed."""
    parsed = _read(address)
    return parsed is not None and _is_trusted(parsed)


def _is_trusted(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address with or without a port; ``None`` for what is none."""
    bare = text.strip()
    if match := _WITH_PORT.fullmatch(bare):
        bare = match[1] or match[2]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # Made anew without its zone, which names an interface of this machine.
    return address.ipv4_mapped or IPv6Address(int(address))
