"""The web app: one click leaves, nothing else changes anything, and no page tells on anybody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import insert, text, update
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from flows.cli.web import address, listen, make_server
from flows.models import Brand, IssueStatus
from flows.store.schema import issues
from flows.web import guards
from flows.web.app import create_app
from flows.web.connection import Connection
from subscribers import store
from subscribers.consent import agreement
from subscribers.models import ConsentAction, Newcomer, SubscriberStatus
from subscribers.tokens import Keys, Purpose, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.types import ASGIApp
    from uvicorn import Server

KEYS = Keys.load("a-key-for-tests-only-" * 2)
BRAND = Brand(
    title="Rocks & Rivers",
    sender="Rocks & Rivers <news@rivers.example>",
    postal_address="1 Bank Street, Riverton",
    base_url="https://rivers.example/news",
    privacy_url="https://rivers.example/privacy",
)
ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


@pytest.fixture
def ann(engine: Engine, now: datetime) -> int:
    people = [
        Newcomer(email=f"{name}@readers.example", key=f"{name}@readers.example")
        for name in ("ann", "bob")
    ]
    agreed = agreement("signed the sheet", source="fair")
    store.admit(engine, people, agreement=agreed, action=ConsentAction.ADDED, now=now)
    found = store.find(engine, "ann@readers.example")
    assert found is not None
    return found.id


@pytest.fixture
def app(engine: Engine, tmp_path: Path, now: datetime) -> ASGIApp:
    return create_app(
        engine=engine, keys=KEYS, brand=BRAND, issues=tmp_path / "issues", clock=lambda: now
    )


@pytest.fixture
def client(app: ASGIApp) -> TestClient:
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def link(ann: int) -> str:
    return "/u/" + sign(KEYS, Purpose.UNSUBSCRIBE, ann, 42)


@pytest.fixture
def publish(engine: Engine, tmp_path: Path) -> Callable[[int, IssueStatus], None]:
    def write(number: int, status: IssueStatus) -> None:
        folder = tmp_path / "issues" / f"{number:03}"
        folder.mkdir(parents=True)
        folder.joinpath("page.html").write_text("<h1>The issue</h1>", encoding="utf-8")
        with engine.begin() as connection:
            connection.execute(insert(issues).values(number=number, status=status.value))

    return write


def status(engine: Engine, subscriber_id: int) -> SubscriberStatus:
    found = store.get(engine, subscriber_id)
    assert found is not None
    return found.status


@pytest.mark.parametrize("prefix", ["", "/news"])
@pytest.mark.parametrize(
    "body", [ONE_CLICK.encode(), MULTIPART, b""], ids=["one-click", "multipart", "button"]
)
def test_a_post_lets_the_reader_go(
    engine: Engine, client: TestClient, link: str, prefix: str, body: bytes
) -> None:
    kind = FORM if body is not MULTIPART else {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post(prefix + link, content=body, headers=kind)
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert "set-cookie" not in answer.headers
    assert store.count(engine) == {"pending": 0, "active": 1, "unsubscribed": 1, "suppressed": 0}


def test_the_record_tells_the_issue_and_the_way(
    engine: Engine, client: TestClient, ann: int, link: str, now: datetime
) -> None:
    client.post(link, content=ONE_CLICK, headers=FORM)
    client.post(link)
    [record] = [r for r in store.records(engine, ann) if r.action is ConsentAction.UNSUBSCRIBED]
    assert (record.issue, record.source, record.at) == (42, "one click", now)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
def test_whoever_only_looks_unsubscribes_nobody(
    engine: Engine, client: TestClient, ann: int, link: str, method: str
) -> None:
    client.request(method, link)
    client.request(method, f"{link}?List-Unsubscribe=One-Click")
    assert status(engine, ann) is SubscriberStatus.ACTIVE


def test_a_scanner_that_opens_every_link_unsubscribes_nobody(
    engine: Engine, client: TestClient, link: str
) -> None:
    seen, open_links = set(), {link, f"/news{link}", "/", "/healthz", "/issues/42"}
    while open_links:
        url = open_links.pop()
        seen.add(url)
        client.head(url)
        page = client.get(url).text
        found = re.findall(r"""(?:href|action|src)=["']?([^"'\s>]+)""", page)
        open_links |= {target for target in found if target.startswith("/")} - seen
    assert store.count(engine)["active"] == 2


def test_the_page_asks_before_it_changes_anything(client: TestClient, link: str) -> None:
    page = client.get(link)
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert "Unsubscribe from Rocks &amp; Rivers?" in page.text
    assert "ann@" not in page.text


def test_head_answers_as_get_without_a_body(client: TestClient, link: str) -> None:
    answer = client.head(link)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(client.get(link).content))


def bad_links(ann: int) -> list[str]:
    good = sign(KEYS, Purpose.UNSUBSCRIBE, ann, 42)
    foreign = sign(Keys.load("another-key-" * 3), Purpose.UNSUBSCRIBE, ann, 42)
    confirm = sign(KEYS, Purpose.CONFIRM, ann, 42)
    return [good[:-1], good + "A", good[::-1], foreign, confirm, "x", "%00", "é", "a" * 3000]


def test_a_bad_link_is_told_what_to_do_and_nothing_else(
    engine: Engine, client: TestClient, ann: int
) -> None:
    answers = [
        client.request(method, f"/u/{token}")
        for token in bad_links(ann)
        for method in ("GET", "POST")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "news@rivers.example" in answers[0].text
    assert store.count(engine)["active"] == 2


def test_the_answer_is_the_same_for_whoever_left_or_was_never_there(
    engine: Engine, client: TestClient, link: str, now: datetime
) -> None:
    nobody = "/u/" + sign(KEYS, Purpose.UNSUBSCRIBE, 999, 42)
    first, again, stranger = (client.post(url).text for url in (link, link, nobody))
    assert first == again == stranger
    store.forget(engine, "ann@readers.example", now=now)
    assert client.post(link).text == first


@pytest.mark.parametrize("purpose", [Purpose.PROBE, Purpose.TEST])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_stands_for_nobody_changes_nothing(
    engine: Engine, client: TestClient, ann: int, purpose: Purpose, method: str
) -> None:
    url = "/u/" + sign(KEYS, purpose, ann, 42)
    answer = client.request(method, url, content=ONE_CLICK, headers=FORM)
    assert answer.status_code == 200
    assert "test" in answer.text or "check" in answer.text
    assert store.count(engine)["active"] == 2


def test_two_posts_at_once_are_both_answered_and_recorded_once(
    engine: Engine, client: TestClient, ann: int, link: str
) -> None:
    together = threading.Barrier(6)
    answers: list[int] = []

    def press() -> None:
        together.wait()
        answers.append(client.post(link).status_code)

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert len(store.records(engine, ann)) == 2


@pytest.mark.parametrize(
    ("issue_status", "code"),
    [
        (IssueStatus.DRAFT, 404),
        (IssueStatus.APPROVED, 404),
        (IssueStatus.STOPPED, 404),
        (IssueStatus.SENDING, 200),
        (IssueStatus.SENT, 200),
    ],
)
def test_an_issue_is_public_once_it_goes_out(
    client: TestClient,
    publish: Callable[[int, IssueStatus], None],
    issue_status: IssueStatus,
    code: int,
) -> None:
    publish(42, issue_status)
    for url in ("/issues/042", "/issues/42", "/news/issues/042"):
        answer = client.get(url)
        assert answer.status_code == code
        assert ("The issue" in answer.text) == (code == 200)


@pytest.mark.parametrize(
    "url",
    [f"/issues/{'9' * 5000}", "/issues/0", "/issues/٣", "/issues/-1", "/issues/x", "/issues/"],
    ids=lambda url: url[:12],
)
def test_an_issue_there_is_not_is_a_page_that_says_so(client: TestClient, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_the_page_of_an_issue_to_come_says_that_it_is_not_out(
    client: TestClient, publish: Callable[[int, IssueStatus], None]
) -> None:
    publish(42, IssueStatus.SENT)
    publish(43, IssueStatus.DRAFT)
    for number, told in ((41, "There is no such page"), (43, "This issue is not out")):
        answer = client.get(f"/issues/{number:03}")
        assert answer.status_code == 404
        assert told in answer.text
        assert "The issue" not in answer.text


def test_a_sent_issue_whose_page_is_gone_is_not_found(
    client: TestClient, publish: Callable[[int, IssueStatus], None], tmp_path: Path
) -> None:
    publish(42, IssueStatus.SENT)
    (tmp_path / "issues" / "042" / "page.html").unlink()
    assert client.get("/issues/042").status_code == 404


@pytest.mark.parametrize(
    "url", ["/issues/..%2f..%2fnewsletter.db", "/issues/042/../../newsletter.db", "/u/..%2f.."]
)
def test_no_other_file_can_be_reached(client: TestClient, url: str) -> None:
    assert client.get(url).status_code == 404


def test_health_is_what_the_database_says(engine: Engine, client: TestClient) -> None:
    healthy = client.get("/healthz")
    assert (healthy.status_code, healthy.text) == (200, "ok")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE consents"))
        connection.execute(text("DROP TABLE subscribers"))
    assert client.get("/healthz").status_code == 503


def test_a_leaving_that_is_not_recorded_is_not_confirmed(
    engine: Engine, client: TestClient, link: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE consents"))
        connection.execute(text("DROP TABLE subscribers"))
    answer = client.post(link)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert "nothing was changed" in answer.text
    probe = client.post("/u/" + sign(KEYS, Purpose.PROBE, 0, 42))
    assert probe.status_code == 503


def test_a_crash_is_a_plain_page_with_all_headers(engine: Engine, client: TestClient) -> None:
    with engine.begin() as connection:
        connection.execute(insert(issues).values(number=42, status="sent", subject=""))
        connection.execute(text("UPDATE issues SET sent_at = 'nonsense'"))
    answer = client.get("/issues/42")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_large_body_is_refused_and_changes_nothing(
    engine: Engine, client: TestClient, link: str
) -> None:
    answer = client.post(link, content=b"x" * (guards.LARGEST_BODY + 1))
    assert answer.status_code == 413
    assert store.count(engine)["active"] == 2


@pytest.mark.parametrize("url", ["/healthz", "/u/x", "/issues/42", "/nowhere"])
def test_every_answer_carries_the_security_headers(client: TestClient, url: str) -> None:
    headers = client.get(url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def test_the_policy_names_the_style_that_the_page_carries(client: TestClient, link: str) -> None:
    page = client.get(link)
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_an_issue_may_show_pictures_and_be_kept_for_a_while(
    client: TestClient, publish: Callable[[int, IssueStatus], None]
) -> None:
    publish(42, IssueStatus.SENT)
    headers = client.get("/issues/42").headers
    assert "script" not in headers["content-security-policy"]
    assert "img-src https:" in headers["content-security-policy"]
    assert headers["cache-control"] == "public, max-age=300"


def test_nothing_is_redirected(client: TestClient, link: str) -> None:
    for url in (f"{link}/", "/new", "/healthz/"):
        assert client.post(url).status_code == 404


def test_a_method_nobody_serves_is_a_plain_page(client: TestClient, link: str) -> None:
    answer = client.put(link)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_logs_name_nobody(client: TestClient, link: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="flows")
    client.post(link)
    client.get(link)
    assert "left from issue 42" in caplog.text
    assert "ann@" not in caplog.text
    assert link not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("flows"))


def test_a_title_cannot_bring_markup_into_a_page(engine: Engine, tmp_path: Path) -> None:
    evil = Brand(
        title="<script>alert(1)</script>",
        sender='"<b>" <x@y.example>',
        postal_address="<img src=x>",
        base_url="https://y.example",
    )
    app = create_app(engine=engine, keys=KEYS, brand=evil, issues=tmp_path)
    page = TestClient(app).get("/u/x").text
    assert "<script" not in page
    assert "<img" not in page


@pytest.fixture
def server(app: ASGIApp) -> Iterator[str]:
    with _serving(make_server(app)) as url:
        yield url


@contextlib.contextmanager
def _serving(running: Server) -> Iterator[str]:
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield address(listener)
        running.should_exit = True
        thread.join(20)


def test_one_click_over_the_wire(engine: Engine, server: str, ann: int, link: str) -> None:
    with httpx.Client(trust_env=False) as wire:
        assert wire.get(server + link).status_code == 200
        assert status(engine, ann) is SubscriberStatus.ACTIVE
        answer = wire.post(server + link, content=ONE_CLICK, headers=FORM)
    assert (answer.status_code, answer.history) == (200, [])
    assert status(engine, ann) is SubscriberStatus.UNSUBSCRIBED


def test_a_huge_address_is_refused_over_the_wire(server: str) -> None:
    with httpx.Client(trust_env=False) as wire:
        assert wire.get(f"{server}/u/{'a' * 60_000}").status_code == 400
        for size in (25_000, 100_000):
            assert wire.get(f"{server}/u/x", headers={"X-Large": "a" * size}).status_code == 400
        assert wire.get(f"{server}/u/x", headers={"X-Fair": "a" * 10_000}).status_code == 404


class Hasty(Connection):
    """A connection that gives up at once."""

    head_seconds = answer_seconds = 0.05


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX", b"POST %s HTTP/1.1\r\nHost: x\r\n%s"],
    ids=["nothing", "half a head", "half a body"],
)
def test_whoever_never_ends_a_request_is_cut_off(app: ASGIApp, link: str, sent: bytes) -> None:
    if sent.startswith(b"POST"):
        sent %= (link.encode(), b"Content-Length: 30\r\n\r\nList-")
    with _serving(make_server(app, connection=Hasty)) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as wire:
            wire.sendall(sent)
            with contextlib.suppress(ConnectionResetError):
                assert wire.recv(1000) == b""


def test_two_requests_on_one_connection_are_both_answered(server: str) -> None:
    with httpx.Client(trust_env=False) as wire:
        assert [wire.get(f"{server}/healthz").text for _ in range(3)] == ["ok"] * 3


def test_a_slow_body_is_given_up_on() -> None:
    async def drip() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    request = Request({"type": "http", "method": "POST", "headers": []}, drip)
    with pytest.raises(HTTPException) as caught:
        asyncio.run(guards.read_body(request, seconds=0.01))
    assert caught.value.status_code == 408


def test_a_reader_who_hangs_up_ends_quietly(engine: Engine, app: ASGIApp, link: str) -> None:
    async def hang_up() -> dict[str, object]:
        return {"type": "http.disconnect"}

    sent: list[int] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message.get("status", 0))

    scope = {"type": "http", "method": "POST", "path": link, "headers": [], "query_string": b""}

    async def answer() -> None:
        await app(scope, hang_up, send)

    asyncio.run(answer())
    assert sent[0] == 400
    assert store.count(engine)["active"] == 2


def test_the_pages_can_be_served_while_the_issue_is_written(
    engine: Engine, client: TestClient, publish: Callable[[int, IssueStatus], None]
) -> None:
    publish(42, IssueStatus.SENDING)
    with engine.begin() as connection:
        connection.execute(update(issues).values(status=IssueStatus.SENT.value))
        # Another process holds the write lock at this moment.
        assert client.get("/issues/42").status_code == 200
        assert client.get("/healthz").status_code == 200
