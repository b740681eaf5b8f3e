"""The preview's page, on this machine only: a mail in every light, drawn anew when it changes."""

from __future__ import annotations

import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from flows.errors import NewsletterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from flows.cli.preview import Preview
    from flows.models import Brand

_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
# Links of a mail open beside it; the page itself asks whether anything changed.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
)
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http:; form-action 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


class PreviewServer(ThreadingHTTPServer):
    """A server on a free port of the loopback interface; `with` closes it."""

    daemon_threads = True

    def __init__(
        self, draw: Callable[[], Preview], *, brand: Brand, watched: Iterable[Path]
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.draw = draw
        self.brand = brand
        self.watched = tuple(watched)
        self.pages = Environment(
            loader=PackageLoader("templates", "web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.server_port}/"


def open_server(
    draw: Callable[[], Preview], *, brand: Brand, watched: Iterable[Path]
) -> PreviewServer:
    """Return a server that listens already; `draw` is called for every look."""
    return PreviewServer(draw, brand=brand, watched=watched)


def stamp(watched: Iterable[Path]) -> str:
    """Return a word that changes when one of the files, or a file in one of the folders, does."""
    files = [file for path in watched for file in (path, *path.rglob("*"))]
    return ",".join(str(file.stat().st_mtime_ns) for file in sorted(files) if file.is_file())


def in_scheme(html: str, scheme: str) -> str:
    """Return the mail's HTML as a client in the given scheme ("light" or "dark") shows it.

    A frame cannot ask its browser for the dark, so the question itself is answered.
    """
    query = "@media all" if scheme == "dark" else "@media not all"
    html = _DARK.sub(query, html)
    html = html.replace("color-scheme: light dark", f"color-scheme: {scheme}")
    return html.replace("<head>", '<head><base target="_blank">', 1)


class _Handler(BaseHTTPRequestHandler):
    server: PreviewServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name the standard library calls
        # A page elsewhere could have its own name resolve to this machine, and read the mail.
        if self.headers.get("Host") not in {f"{name}:{self.server.server_port}" for name in _HOSTS}:
            self._answer("Ask for 127.0.0.1.", "text/plain", status=HTTPStatus.FORBIDDEN)
        elif self.path == "/stamp":
            self._answer(stamp(self.server.watched), "text/plain")
        elif self.path in {"/", "/light.html", "/dark.html"}:
            self._show()
        else:
            self._answer("There is no such page.", "text/plain", status=HTTPStatus.NOT_FOUND)

    def _show(self) -> None:
        # The word is taken first: a change while drawing is shown by the next look.
        word = stamp(self.server.watched)
        try:
            preview = self.server.draw()
        except NewsletterError as error:
            page = self.server.pages.get_template("preview_error.html.j2")
            self._answer(page.render(error=str(error), stamp=word), "text/html")
            return
        if self.path == "/":
            page = self.server.pages.get_template("preview.html.j2")
            self._answer(
                page.render(
                    mail=preview.mail,
                    brand=self.server.brand,
                    findings=preview.findings,
                    size=len(preview.mail.html.encode()),
                    stamp=word,
                ),
                "text/html",
            )
        else:
            scheme = self.path.removeprefix("/").removesuffix(".html")
            self._answer(in_scheme(preview.mail.html, scheme), "text/html", policy=_MAIL_POLICY)

    def _answer(
        self,
        text: str,
        kind: str,
        *,
        policy: str = _PAGE_POLICY,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: a look a second is no news."""


_HOSTS = ("127.0.0.1", "localhost")
