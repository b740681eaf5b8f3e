"""A small feed server on loopback with the faults of the real web, for the tests.

    with FeedServer() as server:
        server.put("/feed", FEED, etag='"v1"', last_modified="Wed, 18 Dec 2024 12:00:00 GMT")
        client.get(server.url("/feed"))
        assert server.requests[-1].headers["if-none-match"] == '"v1"'

What was put is answered conditionally (304) and gzipped when asked for. Other paths misbehave:
/status/CODE, /retry/CODE/VALUE (Retry-After), /redirect/CODE?to=ADDRESS, /hops/N (302s, then
/feed), /loop, /cookie, /crowd/N/... (stays a moment, or until N ask at once), /drip, /drip-head,
/hang, /hang-body, /close, /garbage (no HTTP), /truncated, /bomb/MEGABYTES, /endless, /page (HTML
that names /feed), /login (a redirect to HTML that names none), /missing/... (404), /stray (204, and
bytes behind it).
"""

from __future__ import annotations

import gzip
import threading
import zlib
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

FEED = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Harbour Notes</title><link>https://harbour.example/</link>
<item><title>Cranes that queue</title><link>https://harbour.example/cranes</link>
<guid>h-1</guid><pubDate>Sun, 22 Nov 2026 09:00:00 +0000</pubDate>
<description>How a crane waits its turn.</description></item>
<item><title>Ropes, measured</title><link>https://harbour.example/ropes</link>
<guid>h-2</guid><pubDate>Sat, 21 Nov 2026 09:00:00 +0000</pubDate>
<description>Nine ropes, one winner.</description></item></channel></rss>
"""
PAGE = b"""<!DOCTYPE html><html><head><title>Harbour</title>
<link rel="alternate" type="application/rss+xml" href="/feed"></head><body>Hello</body></html>"""
# So long a request stays, so that others would meet it if they were let.
# A crowd gathers within so much for each four of it, also on a busy machine.
CROWD_SECONDS = 0.2
LOGIN = b"<!DOCTYPE html><html><body><form action='/login'>Who are you?</form></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What stands at a path."""

    body: bytes
    etag: str | None = None
    last_modified: str | None = None
    content_type: str = "application/rss+xml"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came, header names in lower case, values byte for byte (Latin-1)."""

    path: str
    headers: Mapping[str, str]


class FeedServer:
    """Serves what it is given on 127.0.0.1 and a free port, and remembers who asked for what."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.documents: dict[str, Document] = {"/feed": Document(body=FEED)}
        self.most_at_once = 0
        self.at_once = 0
        self._lock = threading.Condition()
        # Set when the server ends, so that nothing that hangs outlives the test.
        self.ended = threading.Event()
        handler = type("Handler", (_Handler,), {"feeds": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/feed", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes, **about: str) -> str:
        """Let `body` stand at `path`; `about` are Document's other fields, or headers by name."""
        known = {"etag", "last_modified", "content_type"}
        fields = {name: value for name, value in about.items() if name in known}
        headers = {
            name.replace("_", "-"): value for name, value in about.items() if name not in known
        }
        self.documents[path] = Document(body=body, headers=headers, **fields)
        return self.url(path)

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def counted(self) -> Counter[str]:
        return Counter(request.path for request in self.requests)

    def wait_for(self, count: int) -> None:
        """Wait until so many ask at once, but a moment at most."""
        seconds = CROWD_SECONDS * max(1, count / 4)
        with self._lock:
            self._lock.wait_for(lambda: self.most_at_once >= count, timeout=seconds)

    @contextmanager
    def serving(self, request: Request) -> Iterator[None]:
        with self._lock:
            self.requests.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self._lock.notify_all()
        try:
            yield
        finally:
            with self._lock:
                self.at_once -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that give up are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; without this each answer waits 40 ms for the other's ACK.
    disable_nagle_algorithm = True
    feeds: FeedServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        name, _, rest = unquote(parts.path).lstrip("/").partition("/")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        with self.feeds.serving(Request(path=self.path, headers=headers)), suppress(OSError):
            document = self.feeds.documents.get(parts.path)
            if document:
                self._document(document, headers)
                return
            fault = getattr(self, f"_{name.replace('-', '_')}", None)
            if fault is None:
                self._answer(404, b"nothing here")
            else:
                fault(rest, query)

    def _document(self, document: Document, headers: Mapping[str, str]) -> None:
        about = dict(document.headers)
        if document.etag:
            about["ETag"] = document.etag
        if document.last_modified:
            about["Last-Modified"] = document.last_modified
        if _matches(document, headers):
            self._answer(304, None, **about)
            return
        body = document.body
        if "gzip" in headers.get("accept-encoding", "") and "Content-Encoding" not in about:
            body, about["Content-Encoding"] = gzip.compress(body), "gzip"
        self._answer(200, body, **{"Content-Type": document.content_type, **about})

    def _answer(self, status: int, body: bytes | None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def _status(self, rest: str, _query: Mapping[str, str]) -> None:
        self._answer(int(rest), b"" if rest in {"204", "304"} else b"a status page")

    def _retry(self, rest: str, _query: Mapping[str, str]) -> None:
        status, _, value = rest.partition("/")
        self._answer(int(status), b"later", **{"Retry-After": value})

    def _redirect(self, rest: str, query: Mapping[str, str]) -> None:
        self._answer(int(rest), b"moved", Location=query["to"])

    def _hops(self, rest: str, _query: Mapping[str, str]) -> None:
        left = int(rest) - 1
        self._answer(302, b"", Location=f"/hops/{left}" if left else "/feed")

    def _loop(self, _rest: str, _query: Mapping[str, str]) -> None:
        self._answer(302, b"", Location="/loop")

    def _cookie(self, _rest: str, _query: Mapping[str, str]) -> None:
        cookie = {"Set-Cookie": "who=you; Path=/"}
        self._answer(200, FEED, **{"Content-Type": "application/rss+xml", **cookie})

    def _page(self, _rest: str, _query: Mapping[str, str]) -> None:
        self._answer(200, PAGE, **{"Content-Type": "text/html"})

    def _login(self, _rest: str, _query: Mapping[str, str]) -> None:
        self.feeds.put("/who", LOGIN, content_type="text/html")
        self._answer(302, b"", Location="/who")

    def _bomb(self, rest: str, _query: Mapping[str, str]) -> None:
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        block = b"A" * 2**20
        packed = b"".join(pack.compress(block) for _ in range(int(rest))) + pack.flush()
        self._answer(200, packed, **{"Content-Encoding": "gzip"})

    def _close(self, _rest: str, _query: Mapping[str, str]) -> None:
        self.close_connection = True

    def _garbage(self, _rest: str, _query: Mapping[str, str]) -> None:
        self.close_connection = True
        self.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")

    def _stray(self, _rest: str, _query: Mapping[str, str]) -> None:
        self._answer(204, None)
        self.wfile.write(b"what a 204 must not have")

    def _truncated(self, _rest: str, _query: Mapping[str, str]) -> None:
        self._begin(len(FEED))
        self.wfile.write(FEED[: len(FEED) // 2])

    def _hang(self, _rest: str, _query: Mapping[str, str]) -> None:
        self.close_connection = True
        self.feeds.ended.wait(30)

    def _hang_body(self, _rest: str, _query: Mapping[str, str]) -> None:
        self._begin(len(FEED))
        self.wfile.write(FEED[:50])
        self.feeds.ended.wait(30)

    def _drip(self, _rest: str, _query: Mapping[str, str]) -> None:
        self._begin(len(FEED))
        for at in range(len(FEED)):
            self.wfile.write(FEED[at : at + 1])
            if self.feeds.ended.wait(0.02):
                return

    def _drip_head(self, _rest: str, _query: Mapping[str, str]) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.feeds.ended.wait(0.02):
            self.wfile.write(b"a")

    def _crowd(self, rest: str, _query: Mapping[str, str]) -> None:
        self.feeds.wait_for(int(rest.partition("/")[0]))
        self._answer(200, FEED, ETag='"crowd"')

    def _endless(self, _rest: str, _query: Mapping[str, str]) -> None:
        self._begin(2**40)
        block = b"<item><title>more</title></item>" * 2000
        while not self.feeds.ended.is_set():
            self.wfile.write(block)

    def _begin(self, length: int) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the test tells what went wrong."""


def _matches(document: Document, headers: Mapping[str, str]) -> bool:
    # If-None-Match wins where both are there (RFC 9110 13.2.2).
    if "if-none-match" in headers:
        return document.etag is not None and headers["if-none-match"] == document.etag
    known = headers.get("if-modified-since")
    return known is not None and known == document.last_modified
