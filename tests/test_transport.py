"""Names that do not resolve, or not in time."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flows.errors import FetchError
from flows.gather.fetch import fetch, open_client
from flows.gather.limits import Limits, Trip
from tests.feed_server import FEED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.feed_server import FeedServer


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client(user_agent="newsletter/1", allow_private_networks=True) as client:
        yield client


def test_a_name_nobody_knows_is_a_sentence(
    client: httpx.Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_arguments: Any, **_options: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError, match=r"no\.example cannot be resolved: .*not known"):
        fetch(client, "http://no.example/feed", now=now)


def test_a_resolver_that_hangs_is_left_behind(
    client: httpx.Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def hang(*_arguments: Any, **_options: Any) -> list[Any]:
        ended.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(FetchError, match="did not answer in time"):
        fetch(client, "http://slow.example/feed", now=now, trip=Trip(Limits(seconds=0.1)))
    ended.set()


def test_the_second_address_is_tried_when_the_first_does_not_answer(
    client: httpx.Client,
    feed_server: FeedServer,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = socket.getaddrinfo

    def resolve(host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        if host != "two.example":
            return system(host, port, *arguments, **options)
        # Nothing listens on 127.0.0.2 at this port.
        family, kind = socket.AF_INET, socket.SOCK_STREAM
        return [(family, kind, 6, "", (one, port)) for one in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert fetch(client, feed_server.url(host="two.example"), now=now).body


def test_the_authorities_certificates_are_loaded_once_and_for_https_only(
    feed_server: FeedServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[ssl.SSLContext] = []
    create = httpx.create_ssl_context

    def note(**options: Any) -> ssl.SSLContext:
        loaded.append(create(**options))
        return loaded[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", note)
    with open_client(user_agent="newsletter/1", allow_private_networks=True) as client:
        assert fetch(client, feed_server.url(), now=now).body == FEED
        assert not loaded
        for _ in range(2):
            with pytest.raises(FetchError, match="SSL"):
                fetch(client, feed_server.url().replace("http:", "https:"), now=now)
    assert [context.verify_mode for context in loaded] == [ssl.CERT_REQUIRED]
