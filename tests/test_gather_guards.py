"""Which addresses are asked, and that the check is made where the connection is."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from flows.errors import RefusedAddress
from flows.gather.fetch import fetch, open_client
from flows.gather.guards import check_address, check_url, is_public, shown

if TYPE_CHECKING:
    from datetime import datetime

    from tests.feed_server import FeedServer

PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104 - refused, not bound
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(RefusedAddress, match="not a public address"):
        check_address("inside.example", address, allow_private_networks=False)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::6810:84e5", "::ffff:8.8.8.8"])
def test_a_public_address_is_not(address: str) -> None:
    assert is_public(address)
    check_address("example.org", address, allow_private_networks=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_link_local_addresses_are_refused_even_where_private_ones_are_allowed(address: str) -> None:
    with pytest.raises(RefusedAddress):
        check_address("metadata.example", address, allow_private_networks=True)
    check_address("inside.example", "10.0.0.1", allow_private_networks=True)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/", "feed.xml", "http://"])
def test_only_http_addresses_with_a_host_are_fetched(url: str) -> None:
    with pytest.raises(RefusedAddress):
        check_url(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]"]
)
def test_loopback_is_refused_however_it_is_spelled(
    feed_server: FeedServer, now: datetime, host: str
) -> None:
    with (
        open_client(user_agent="newsletter/1", allow_private_networks=False) as client,
        pytest.raises(RefusedAddress, match="not a public address"),
    ):
        fetch(client, feed_server.url(host=host), now=now)
    assert feed_server.requests == []


def test_every_address_a_name_has_is_checked_and_none_is_resolved_twice(
    feed_server: FeedServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_options: Any) -> list[Any]:
        # Public at first sight; the second address is the one an attacker is after.
        asked.append(host)
        addresses = ["93.184.215.14", "127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with (
        open_client(user_agent="newsletter/1", allow_private_networks=False) as client,
        pytest.raises(RefusedAddress, match=r"rebind\.example leads to 127\.0\.0\.1"),
    ):
        fetch(client, feed_server.url(host="rebind.example"), now=now)
    assert asked == ["rebind.example"]
    assert feed_server.requests == []


def test_a_name_is_resolved_once_so_that_what_was_checked_is_asked(
    feed_server: FeedServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, *_arguments: Any, **_options: Any) -> list[Any]:
        # Good at first, and somebody else's a moment later.
        asked.append(host)
        address = "127.0.0.1" if asked.count(host) == 1 else "127.0.0.9"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with open_client(user_agent="newsletter/1", allow_private_networks=True) as client:
        assert fetch(client, feed_server.url(host="rebind.example"), now=now).body
    assert asked.count("rebind.example") == 1


def test_the_hop_after_a_redirect_is_checked_too(feed_server: FeedServer, now: datetime) -> None:
    target = "http://169.254.169.254/latest/"
    with (
        open_client(user_agent="newsletter/1", allow_private_networks=True) as client,
        pytest.raises(RefusedAddress, match=r"169\.254\.169\.254"),
    ):
        fetch(client, feed_server.url(f"/redirect/302?to={target}"), now=now)


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("https://me:secret@x.example/a@b") == "https://x.example/a@b"
    assert shown("feed.xml") == "feed.xml"
