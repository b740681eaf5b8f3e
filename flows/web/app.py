"""The web app: coming and leaving, the archive's pages, and whether all is well.

A GET changes nothing anywhere, whoever opens it; only a POST with a genuine token does.
"""

from __future__ import annotations

import functools
import logging
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from flows.web import archive, pages
from flows.web.choices import preferences
from flows.web.events import receive
from flows.web.forms import confirm, subscribe
from flows.web.guards import SecurityHeaders, read_body
from flows.web.leaving import Exit
from flows.web.links import genuine
from flows.web.pages import MESSAGES, Pages
from flows.web.site import Site
from subscribers import store
from subscribers.errors import DatabaseError
from subscribers.models import Leaver
from subscribers.tokens import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from flows.models import Brand
    from flows.web.events import Hook
    from flows.web.site import SignUps
    from subscribers.tokens import Keys, Token

logger = logging.getLogger(__name__)

ONE_CLICK: Final = b"One-Click"
RETRY_SECONDS: Final = 60


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(  # noqa: PLR0913 - what an app needs
    *,
    engine: Engine,
    keys: Keys,
    brand: Brand,
    issues: Path,
    clock: Callable[[], datetime] = _now,
    signups: SignUps | None = None,
    hook: Hook | None = None,
) -> ASGIApp:
    """Return the app for one newsletter; `issues` is the folder of its issues.

    Without `signups` there is no form to sign up by, without `hook` no webhook.

    If `brand.base_url` has a path, its pages answer below it as well as at the root: some proxies
    cut the path off, some do not.
    """
    turn = Lock()
    site = Site(
        engine=engine,
        keys=keys,
        issues=issues,
        pages=Pages(brand, form=signups is not None),
        clock=clock,
        exit=Exit(engine, turn),
        turn=turn,
        signups=signups,
        hook=hook,
    )
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
    both = ["GET", "POST"]
    return [
        *(_form_routes(site, site.signups, prefix) if site.signups else []),
        *(_hook_routes(site, site.hook, prefix) if site.hook else []),
        Route(f"{prefix}/u/{{token}}", bind(unsubscribe, site), methods=both),
        Route(f"{prefix}/preferences/{{token}}", bind(preferences, site), methods=both),
        *archive.routes(site, prefix),
        Route(f"{prefix}/healthz", bind(health, site), methods=["GET"]),
    ]


def _form_routes(site: Site, signups: SignUps, prefix: str) -> list[Route]:
    form = functools.partial(subscribe, site, signups)
    link = functools.partial(confirm, site, signups)
    both = ["GET", "POST"]
    return [
        Route(f"{prefix}/subscribe", form, methods=both),
        Route(f"{prefix}/subscribe/embed", form, methods=both),
        Route(f"{prefix}/confirm/{{token}}", link, methods=both),
    ]


def _hook_routes(site: Site, hook: Hook, prefix: str) -> list[Route]:
    return [
        Route(f"{prefix}/hooks/sendgrid", functools.partial(receive, site, hook), methods=["POST"])
    ]


async def unsubscribe(site: Site, request: Request) -> Response:
    """Return the page with the button (GET), or let the reader go (POST: the button, one-click)."""
    token = genuine(site, request.path_params["token"])
    if token is None:
        return site.pages.tell(pages.BAD_LINK)
    if request.method == "POST":
        return await _post(site, token, await read_body(request))
    if token.purpose in pages.NOBODYS:
        return site.pages.tell(pages.NOBODYS[token.purpose])
    return site.pages.show("unsubscribe", token=request.path_params["token"])


async def _post(site: Site, token: Token, body: bytes) -> Response:
    if token.purpose is Purpose.PROBE:
        # Says yes only if an unsubscription would be recorded now.
        await run_in_threadpool(store.ping_for_writing, site.engine)
    if token.purpose in pages.NOBODYS:
        return site.pages.tell(pages.NOBODYS[token.purpose])
    source = "one click" if ONE_CLICK in body else "web page"
    who, at, issue = token.subscriber_id, site.clock(), token.issue or None
    await site.exit.let_go(Leaver(subscriber_id=who, source=source, at=at, issue=issue))
    # The same page for whoever left before, or is not known any more: it tells nothing of them.
    return site.pages.show("unsubscribed")


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
