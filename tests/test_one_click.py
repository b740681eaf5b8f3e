"""RFC 8058 as a contract: on the bytes that each transport hands over, down to the POST."""

from __future__ import annotations

import re
import socket
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller
from starlette.testclient import TestClient

from flows.deliver.outbox import Outbox
from flows.deliver.sendgrid import SendGrid
from flows.deliver.smtp import Smtp
from flows.models import Batch, Recipient
from flows.web.app import create_app
from subscribers import store
from subscribers.tokens import Purpose, sign
from tests.people import ISSUE, MAIL, NOW, add_people
from tests.people import email as address
from tests.sendgrid_server import KEY
from tests.signing_up import BRAND, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.sendgrid_server import SendGridServer

    Handed = dict[str, "Headers"]

BASE = BRAND.base_url
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
PEOPLE = 3


class Headers(NamedTuple):
    """What one recipient's mail has in its head: every value of a name, as it is written."""

    raw: list[tuple[str, str]]

    def of(self, name: str) -> list[str]:
        return [value for key, value in self.raw if key.lower() == name.lower()]


class Mailbox:
    """A mail server that keeps the bytes."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.taken[envelope.rcpt_tos[0]] = envelope.content
        return "250 OK"


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    add_people(engine, PEOPLE)
    return Site(engine, tmp_path)


@pytest.fixture
def batch(site: Site) -> Batch:
    def link(number: int) -> str:
        return f"{BASE}/u/{sign(site.keys, Purpose.UNSUBSCRIBE, number, ISSUE)}"

    return Batch(
        id=1,
        recipients=tuple(
            Recipient(subscriber_id=one, email=address(one), unsubscribe_url=link(one))
            for one in range(1, PEOPLE + 1)
        ),
    )


def raw_headers(content: bytes) -> Headers:
    """Return the headers as they stand on the wire, none of them unfolded or decoded."""
    head = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("ascii")
    lines = re.split(r"\n(?![ \t])", head)
    return Headers([(name, value.strip()) for name, _, value in (x.partition(":") for x in lines)])


def by_outbox(batch: Batch, tmp_path: Path) -> Handed:
    Outbox(tmp_path / "outbox", now=lambda: NOW).hand_over(MAIL, batch)
    files = sorted((tmp_path / "outbox").glob("*.eml"))
    contents = [file.read_bytes() for file in files]
    return {
        message_from_bytes(one, policy=default)["To"].addresses[0].addr_spec: raw_headers(one)
        for one in contents
    }


def by_smtp(batch: Batch, _tmp_path: Path) -> Handed:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with Smtp("127.0.0.1", port, now=lambda: NOW, security="none") as transport:
            transport.hand_over(MAIL, batch)
    finally:
        controller.stop()
    return {who: raw_headers(content) for who, content in mailbox.taken.items()}


@pytest.fixture(params=["outbox", "smtp", "sendgrid"])
def handed(
    request: pytest.FixtureRequest, batch: Batch, tmp_path: Path, sendgrid_server: SendGridServer
) -> Handed:
    """What each of three recipients was handed."""
    ways: dict[str, Callable[[Batch, Path], Handed]] = {"outbox": by_outbox, "smtp": by_smtp}
    if request.param in ways:
        return ways[request.param](batch, tmp_path)
    SendGrid(KEY, host=sendgrid_server.url, now=lambda: NOW).hand_over(MAIL, batch)
    # The wire is the provider's from here; these headers it takes over as they are.
    return {one.email: Headers(list(one.headers.items())) for one in sendgrid_server.accepted}


def links(handed: Handed) -> dict[str, str]:
    return {who: headers.of("List-Unsubscribe")[0][1:-1] for who, headers in handed.items()}


def test_every_mail_has_the_pair_of_headers_once_and_unbroken(handed: Handed) -> None:
    assert len(handed) == PEOPLE
    for headers in handed.values():
        [link] = headers.of("List-Unsubscribe")
        # Section 3.1: one HTTPS URI; ours is the only URI. A fold would break it at some readers.
        assert re.fullmatch(r"<https://[^<>,\s]+>", link)
        assert headers.of("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]


def test_each_link_is_its_readers_own_and_names_nobody(handed: Handed) -> None:
    found = links(handed)
    assert len(set(found.values())) == PEOPLE
    for who, link in found.items():
        token = urlsplit(link).path.rpartition("/")[2]
        assert re.fullmatch(r"[A-Za-z0-9_-]{40}", token)
        assert who.partition("@")[0] not in link
        assert not urlsplit(link).query


def test_a_post_without_cookies_lets_exactly_that_reader_go(handed: Handed, site: Site) -> None:
    link = links(handed)[address(2)]
    answer = TestClient(site.app, follow_redirects=False).post(urlsplit(link).path, data=ONE_CLICK)
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    told = {who.email: who.standing for who in store.everyone(site.engine)}
    assert told == {address(1): "active", address(2): "unsubscribed", address(3): "active"}


def test_opening_every_link_lets_nobody_go(handed: Handed, site: Site) -> None:
    client = TestClient(site.app, follow_redirects=False)
    for link in links(handed).values():
        assert client.get(urlsplit(link).path).status_code == 200
        assert client.head(urlsplit(link).path).status_code == 200
    assert store.count(site.engine)["active"] == PEOPLE


@pytest.fixture
def keyless(engine: Engine, tmp_path: Path, site: Site) -> Iterator[TestClient]:
    """The app without the sign-up form: leaving must not depend on it."""
    app = create_app(engine=engine, keys=site.keys, brand=BRAND, issues=tmp_path, clock=site.clock)
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_leaving_works_where_nobody_may_sign_up(handed: Handed, keyless: TestClient) -> None:
    for link in links(handed).values():
        assert keyless.post(urlsplit(link).path, data=ONE_CLICK).status_code == 200
