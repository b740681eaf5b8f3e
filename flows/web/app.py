"""The web app: leaving by one click, the archive's pages, and whether all is well.

A GET changes nothing anywhere, whoever opens it; only a POST with a genuine token does.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from flows.models import IssueStatus
from flows.pipeline.files import IssueFiles
from flows.store import issues as issue_store
from flows.web import pages
from flows.web.guards import SecurityHeaders, read_body
from flows.web.pages import MESSAGES, Pages
from subscribers import store
from subscribers.errors import DatabaseError, InvalidToken
from subscribers.tokens import Purpose, Token, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from flows.models import Brand
    from subscribers.tokens import Keys

logger = logging.getLogger(__name__)

# An issue is public from its first hand-over on: its first readers look while it is being sent.
PUBLIC: Final = (IssueStatus.SENDING, IssueStatus.SENT)
# The issue's own styles stand in it, its pictures come from where the stories are.
ISSUE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Links that stand for nobody: they tell what they are, whatever is done with them.
NOBODYS: Final = {Purpose.TEST: pages.TEST_LINK, Purpose.PROBE: pages.PROBE_LINK}
ONE_CLICK: Final = b"One-Click"
HIGHEST_ISSUE: Final = 999_999
RETRY_SECONDS: Final = 60


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages work with; opened at the edge and handed in."""

    engine: Engine
    keys: Keys
    issues: Path
    pages: Pages
    clock: Callable[[], datetime]
    # SQLite's writers poll for their turn, each in ever longer steps; ours queue up here first.
    turn: Lock = field(default_factory=Lock)


def create_app(
    *, engine: Engine, keys: Keys, brand: Brand, issues: Path, clock: Callable[[], datetime] = _now
) -> ASGIApp:
    """Return the app for one newsletter; `issues` is the folder of its issues.

    If `brand.base_url` has a path, its pages answer below it as well as at the root: some proxies
    cut the path off, some do not.
    """
    site = Site(engine=engine, keys=keys, issues=issues, pages=Pages(brand), clock=clock)
    prefix = urlsplit(brand.base_url).path.rstrip("/")
    app = Starlette(
        routes=[route for path in dict.fromkeys(("", prefix)) for route in _routes(site, path)],
        exception_handlers={
            HTTPException: functools.partial(_refuse, site),
            DatabaseError: functools.partial(_postpone, site),
            ClientDisconnect: _hang_up,
            Exception: functools.partial(_break, site),
        },
    )
    # One-click must not be redirected (RFC 8058 section 3.1).
    app.router.redirect_slashes = False
    # Around everything: Starlette answers a crash outside of its own middleware.
    return SecurityHeaders(app)


def _routes(site: Site, prefix: str) -> list[Route]:
    bind = functools.partial
    return [
        Route(f"{prefix}/u/{{token}}", bind(unsubscribe, site), methods=["GET", "POST"]),
        Route(f"{prefix}/issues/{{number:int}}", bind(issue, site), methods=["GET"]),
        Route(f"{prefix}/healthz", bind(health, site), methods=["GET"]),
    ]


async def unsubscribe(site: Site, request: Request) -> Response:
    """Return the page with the button (GET), or let the reader go (POST: the button, one-click)."""
    token = _genuine(site, request.path_params["token"])
    if token is None:
        return site.pages.tell(pages.BAD_LINK)
    if request.method == "POST":
        return await _post(site, token, await read_body(request))
    if token.purpose in NOBODYS:
        return site.pages.tell(NOBODYS[token.purpose])
    return site.pages.show("unsubscribe")


def _genuine(site: Site, text: str) -> Token | None:
    try:
        token = read(site.keys, text)
    except InvalidToken:
        return None
    return token if token.purpose is not Purpose.CONFIRM else None


async def _post(site: Site, token: Token, body: bytes) -> Response:
    if token.purpose is Purpose.PROBE:
        # Says yes only if an unsubscription would be recorded now.
        await run_in_threadpool(store.ping_for_writing, site.engine)
    if token.purpose in NOBODYS:
        return site.pages.tell(NOBODYS[token.purpose])
    source = "one click" if ONE_CLICK in body else "web page"
    await run_in_threadpool(_let_go, site, token, source)
    # The same page for whoever left before, or is not known any more: it tells nothing of them.
    return site.pages.show("unsubscribed")


def _let_go(site: Site, token: Token, source: str) -> None:
    now, number = site.clock(), token.issue or None
    with site.turn:
        left = store.unsubscribe(
            site.engine, token.subscriber_id, source=source, now=now, issue=number
        )
    if left.changed:
        logger.info("subscriber %d left from issue %d", token.subscriber_id, token.issue)


def issue(site: Site, request: Request) -> Response:
    """Return a sent issue's page as it was mailed, else a page that says there is none."""
    number = request.path_params["number"]
    record = issue_store.find(site.engine, number) if number <= HIGHEST_ISSUE else None
    if record is None or record.status not in PUBLIC:
        return site.pages.tell(pages.NOT_FOUND)
    path = IssueFiles(issues=site.issues, number=number).page
    try:
        text = path.read_bytes()
    except OSError as error:
        logger.warning("the page of issue %d could not be read: %s", number, error.strerror)
        return site.pages.tell(pages.NOT_FOUND)
    headers = {"Content-Security-Policy": ISSUE_POLICY, "Cache-Control": "public, max-age=300"}
    return HTMLResponse(text, headers=headers | {"X-Robots-Tag": "all"})


def health(site: Site, _request: Request) -> Response:
    """Return "ok" if the database answers, else 503."""
    try:
        store.ping(site.engine)
    except DatabaseError as error:
        logger.error("the health check failed: %s", error)  # noqa: TRY400 - told, not traced
        return PlainTextResponse("the database does not answer", status_code=503)
    return PlainTextResponse("ok")


def _refuse(site: Site, _request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return site.pages.tell(MESSAGES.get(status, pages.NOT_FOUND), headers)


def _postpone(site: Site, _request: Request, error: Exception) -> Response:
    logger.error("a request was not carried out: %s", error)
    return site.pages.tell(pages.UNAVAILABLE, {"Retry-After": str(RETRY_SECONDS)})


def _break(site: Site, _request: Request, _error: Exception) -> Response:
    # Starlette raises it again for the server to log, with its traceback.
    return site.pages.tell(pages.BROKEN)


def _hang_up(_request: Request, _error: Exception) -> Response:
    # Nobody is there to read it any more.
    return Response(status_code=400)
