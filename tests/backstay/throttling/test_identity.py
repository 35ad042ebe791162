"""Which client a request comes from: what a client writes changes nothing."""

import pytest
from django.test import RequestFactory

from backstay.throttling import address_bucket, client_address, is_trusted_proxy
from tests.backstay.throttling.conftest import project

pytestmark = [pytest.mark.T4, pytest.mark.once]

PROXIES = ["10.0.0.0/8", "2001:db8:aaaa::/48"]


def address(peer, forwarded=None, proxies=PROXIES, **headers):
    if forwarded is not None:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded
    with project(TRUSTED_PROXIES=proxies):
        return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))


@pytest.mark.parametrize("proxies", [[], PROXIES], ids=["no proxy", "other proxies"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_X_FORWARDED_FOR": "198.51.100.7"},
        {"HTTP_X_FORWARDED_FOR": "198.51.100.7, 10.0.0.1"},
        {"HTTP_FORWARDED": "for=198.51.100.7"},
        {"HTTP_X_REAL_IP": "198.51.100.7"},
        {"HTTP_X_CLIENT_IP": "198.51.100.7", "HTTP_CF_CONNECTING_IP": "198.51.100.7"},
    ],
)
def test_a_client_that_calls_directly_is_its_peer_address_whatever_it_sends(proxies, headers):
    assert address("203.0.113.9", proxies=proxies, **headers) == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (None, "10.0.0.1"),
        ("", "10.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("  203.0.113.9  ", "203.0.113.9"),
        # What stands left of the first stranger is what that one wrote.
        ("198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("10.0.0.5, 203.0.113.9, 2001:db8:aaaa::1, 10.9.9.9", "203.0.113.9"),
        # All are proxies: the furthest of them asked for itself.
        ("10.2.2.2, 10.3.3.3", "10.2.2.2"),
        # What cannot be read ends the walk at what could.
        ("203.0.113.9, unknown", "10.0.0.1"),
        ("203.0.113.9, , 10.9.9.9", "10.9.9.9"),
        ("203.0.113.9, 10.9.9.9,", "10.0.0.1"),
        ("203.0.113.9, 10.9.9.256", "10.0.0.1"),
        ("203.0.113.9, 10.9.9.9:port", "10.0.0.1"),
        ("203.0.113.9, \u0661\u0660.9.9.9", "10.0.0.1"),
        # Some proxies write the port too.
        ("203.0.113.9:5678", "203.0.113.9"),
        ("203.0.113.9, 10.9.9.9:80", "203.0.113.9"),
        ("[2001:db8::17]:80", "2001:db8::17"),
        ("[2001:db8::17]", "2001:db8::17"),
        ("2001:DB8:0::17", "2001:db8::17"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, ::ffff:10.9.9.9", "203.0.113.9"),
    ],
)
def test_behind_a_trusted_proxy_it_is_the_last_address_that_no_proxy_has(forwarded, client):
    assert address("10.0.0.1", forwarded) == client


@pytest.mark.parametrize("header", ["HTTP_FORWARDED", "HTTP_X_REAL_IP"])
def test_behind_a_trusted_proxy_other_headers_change_nothing(header):
    spoofed = {header: "for=198.51.100.7"}
    assert address("10.0.0.1", "203.0.113.9", **spoofed) == "203.0.113.9"
    assert address("10.0.0.1", **spoofed) == "10.0.0.1"


@pytest.mark.parametrize("peer", ["", "unix:", "not an address", "10.0.0.256"])
def test_a_peer_without_an_address_is_unknown_and_not_believed(peer):
    assert address(peer, "198.51.100.7", proxies=["0.0.0.0/0", "::/0"]) == "unknown"


def test_a_peer_that_the_server_names_not_at_all_is_unknown():
    request = RequestFactory().get("/")
    del request.META["REMOTE_ADDR"]
    assert client_address(request) == "unknown"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("2001:db8::1", "2001:0DB8:0:0:0::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1%eth1"),
        ("unknown", ""),
    ],
)
def test_addresses_of_one_client_share_a_bucket(one, other):
    assert address_bucket(one) == address_bucket(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("192.0.2.1", "unknown"),
        # An address that only ends like a mapped one is no IPv4 address.
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses_of_different_clients_do_not(one, other):
    assert address_bucket(one) != address_bucket(other)


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8:aaaa::9", True),
        ("11.1.2.3", False),
        ("2001:db8:bbbb::9", False),
        ("", False),
        ("10.0.0.0/8", False),
    ],
)
def test_a_proxy_is_trusted_by_its_network(peer, trusted):
    with project(TRUSTED_PROXIES=PROXIES):
        assert is_trusted_proxy(peer) is trusted
