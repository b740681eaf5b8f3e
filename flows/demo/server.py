"""Serves the sample feeds on loopback, with validators, to the one newsletter that reads them."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from flows.demo.publishers import NOT_FOUND, OK, Answer, publish
from flows.demo.samples import sample_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

LOOPBACK = "127.0.0.1"
NOT_MODIFIED = 304
NOWHERE = Answer(NOT_FOUND, "text/plain; charset=utf-8", b"No sample feed has this address.\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        super().__init__((LOOPBACK, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    # A client that says nothing must not hold a thread.
    timeout = 10

    def do_GET(self) -> None:
        answer = self.server.answers.get(self.path, NOWHERE)
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        if answer.status == OK and self.headers.get("If-None-Match") == etag:
            answer = Answer(NOT_MODIFIED, answer.content_type, b"")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Stay quiet: stderr is the demo's own narration."""


@contextlib.contextmanager
def serving(*, began: datetime, port: int = 0) -> Iterator[int]:
    """Serve the sample feeds and yield the port, a free one if `port` is taken or 0."""
    answers = {f"/{feed.slug}": publish(feed, began) for feed in sample_feeds()}
    server = _open(port, answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _open(port: int, answers: Mapping[str, Answer]) -> _Server:
    try:
        return _Server(port, answers)
    except OSError:
        return _Server(0, answers)
