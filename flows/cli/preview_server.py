"""The preview's server, on this machine only: a page that is drawn anew as its files change."""

from __future__ import annotations

import hashlib
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Event, Lock
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from flows.cli.preview_page import environment, in_scheme, page
from flows.errors import NewsletterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from flows.cli.preview_page import View

# How often the files are looked at, and how long they must stand still: editors write in steps.
LOOK_EVERY = 0.05
STILL_FOR = 0.03
# What no file tells is asked for so often at most, in seconds: it costs a look at the database.
ASK_EVERY = 1.0
# So long a page's question waits for a change; then it asks again.
LONGEST_WAIT = 20.0

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# Same origin, so that the page can keep a frame's place when it loads anew; nothing in a mail can
# make use of that, as no script of its runs. Its links open beside it.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; "
    "form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_HOSTS = ("127.0.0.1", "localhost")
_ASSETS = {
    "/preview.css": "text/css",
    "/growth.css": "text/css",
    "/preview.js": "text/javascript",
}
_NO_MAIL = '<!doctype html><html lang="en"><title>No mail yet</title>'
_SCHEMES = {"/light.html": "light", "/dark.html": "dark"}


class PreviewServer(ThreadingHTTPServer):
    """A server on the loopback interface that follows files; `with` closes it."""

    daemon_threads = True

    def __init__(
        self,
        draw: Callable[[], View],
        *,
        watched: Iterable[Path],
        port: int = 0,
        people: Callable[[], str] | None = None,
        status: Callable[[], str] | None = None,
    ) -> None:
        # Before the port is asked for: who does not get it closes again at once.
        self._closing = Event()
        super().__init__(("127.0.0.1", port), _Handler)
        self._draw = draw
        self.people = people
        self._watched = tuple(watched)
        self._status = status
        self._known = ""
        self._ask_at = 0.0
        self._asking = Lock()
        self._turn = Lock()
        self._drawn = ""
        self.view: View | None = None
        self.problem: NewsletterError | None = None
        self.pages = environment()

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.server_port}/"

    def server_close(self) -> None:
        """Let go of the port and of the pages that wait."""
        self._closing.set()
        super().server_close()

    def follow(self) -> str:
        """Draw what there is to show now, unless that is drawn; return the word that stands for it.

        What was drawn last, if anything was, stays while the files are broken (`problem`).
        """
        with self._turn:
            # The word is taken first: a change while drawing is seen by the next look.
            word = self._word()
            if word != self._drawn:
                try:
                    self.view, self.problem = self._draw(), None
                except NewsletterError as error:
                    self.problem = error
                self._drawn = word
            return word

    def changed(self, since: str) -> str:
        """Return the word as soon as it is another, at the latest when asked too long."""
        limit = time.monotonic() + LONGEST_WAIT
        word = self._word()
        while word == since and time.monotonic() < limit and not self._closing.wait(LOOK_EVERY):
            word = self._word()
        while word != since and not self._closing.wait(STILL_FOR):
            before, word = word, self._word()
            if before == word:
                break
        return word

    def _word(self) -> str:
        """Return the word for the files, and for the status as it was a moment ago."""
        with self._asking:
            if self._status and time.monotonic() >= self._ask_at:
                try:
                    self._known = self._status()
                except NewsletterError as error:
                    # Drawing tells of it; once it is mended, it is to be drawn again.
                    self._known = str(error)
                self._ask_at = time.monotonic() + ASK_EVERY
            status = self._known
        return stamp(self._watched, status=status)


def open_server(
    draw: Callable[[], View],
    *,
    watched: Iterable[Path],
    port: int = 0,
    people: Callable[[], str] | None = None,
    status: Callable[[], str] | None = None,
) -> PreviewServer:
    """Return a server that listens already; raises NewsletterError if the port is taken.

    `people` draws the page on the list, if there is one; `status` is what else is shown that may
    change, and stands in no file.
    """
    try:
        return PreviewServer(draw, watched=watched, port=port, people=people, status=status)
    except OSError as error:
        raise NewsletterError(
            f"preview: cannot listen on port {port}: {error.strerror}; leave --port out, or give "
            "another"
        ) from error


def stamp(watched: Iterable[Path], *, status: str = "") -> str:
    """Return a word that changes when the status, a file, or a file in one of the folders does."""
    found = sorted(set(_seen(watched)))
    return hashlib.sha256(repr((status, found)).encode()).hexdigest()[:16]


def _seen(watched: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for path in watched:
        for file in (path, *path.rglob("*")) if path.is_dir() else (path,):
            try:
                now = file.stat()
            except OSError:
                # Gone, or for a moment: some editors write a file by putting another in its place.
                continue
            yield str(file), now.st_mtime_ns, now.st_size


class _Handler(BaseHTTPRequestHandler):
    server: PreviewServer
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """Answer; a page that was closed while it waited is no trouble."""
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:  # the name the standard library calls
        path = urlsplit(self.path).path
        # A page elsewhere could have its own name resolve to this machine, and read the mail.
        if self.headers.get("Host") not in {f"{name}:{self.server.server_port}" for name in _HOSTS}:
            self._answer("Ask for 127.0.0.1.", "text/plain", status=HTTPStatus.FORBIDDEN)
        elif path == "/changes":
            since = parse_qs(urlsplit(self.path).query).get("since", [""])[0]
            self.server.changed(since)
            # Drawn at once, so that the mails can be loaded while the page is.
            word = self.server.follow()
            broken = {"X-Broken": "yes"} if self.server.problem else {}
            self._answer(word, "text/plain", headers=broken)
        elif path in _ASSETS:
            text = files("templates").joinpath("web", path.lstrip("/")).read_text(encoding="utf-8")
            self._answer(text, _ASSETS[path])
        elif path == "/" or path in _SCHEMES:
            self._show(path)
        elif path == "/subscribers" and self.server.people is not None:
            self._show_people(self.server.people)
        else:
            self._answer("There is no such page.", "text/plain", status=HTTPStatus.NOT_FOUND)

    def _show(self, path: str) -> None:
        word = self.server.follow()
        view = self.server.view
        if path == "/":
            problem = str(self.server.problem or "")
            text = page(self.server.pages, view, problem=problem, stamp=word)
            self._answer(text, "text/html")
        else:
            text = in_scheme(view.mail.html, _SCHEMES[path]) if view else _NO_MAIL
            self._answer(text, "text/html", policy=_MAIL_POLICY)

    def _show_people(self, people: Callable[[], str]) -> None:
        try:
            self._answer(people(), "text/html")
        except NewsletterError as error:
            # The database may be gone for a moment.
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(str(error), "text/plain", status=status)

    def _answer(
        self,
        text: str,
        kind: str,
        *,
        policy: str = _PAGE_POLICY,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: a look is no news."""
