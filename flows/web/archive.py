"""The archive's pages: the list of issues, each issue as it was mailed, and the feed."""

from __future__ import annotations

import hashlib
import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from flows.pipeline.archive import FEED, MOST_IN_FEED, feed, read_archive
from flows.pipeline.files import IssueFiles
from flows.store.archive import published
from flows.web import pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from flows.pipeline.archive import Entry
    from flows.web.pages import Pages
    from flows.web.site import Site

logger = logging.getLogger(__name__)

# The issue's own styles stand in it, its pictures come from where the stories are.
ISSUE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# These pages are for everybody: they may be kept for a while, and found.
_PUBLIC: Final = {"Cache-Control": "public, max-age=300", "X-Robots-Tag": "all"}
NUMBER: Final = re.compile(r"[0-9]{1,6}")


def routes(site: Site, prefix: str) -> list[Route]:
    """Return the routes of the archive below a path."""
    listing = partial(issues, site)
    found = [
        Route(f"{prefix}/", listing, methods=["GET"]),
        Route(f"{prefix}/issues", listing, methods=["GET"]),
        Route(f"{prefix}/issues/{{number}}", partial(issue, site), methods=["GET"]),
        Route(f"{prefix}/{FEED}", partial(rss, site), methods=["GET"]),
    ]
    if prefix:
        # The list's links are relative, so that they work below any path.
        here = partial(issues, site, below=f"{prefix.rpartition('/')[2]}/")
        found.append(Route(prefix, here, methods=["GET"]))
    return found


def issues(site: Site, request: Request, *, below: str = "") -> Response:
    """Return the list of the issues that readers have."""
    found = read_archive(site.engine, site.issues, now=site.clock()).entries
    return _conditional(request, list_page(site.pages, found, below=below))


def list_page(
    made: Pages, entries: Sequence[Entry], *, below: str = "", suffix: str = ""
) -> Response:
    """Return the page that lists the issues; its links are relative, from `below` to `suffix`."""
    zone = ZoneInfo(made.brand.timezone)
    return made.show(
        "issues",
        issues=[
            {
                "link": f"{below}{entry.name}{suffix}",
                "title": entry.title,
                "description": entry.description,
                "day": entry.at.astimezone(zone),
                "number": entry.number,
            }
            for entry in entries
        ],
        feed=f"{below}{FEED}",
    )


def issue(site: Site, request: Request) -> Response:
    """Return a sent issue's page as it was mailed, else a page that says there is none."""
    asked = request.path_params["number"]
    number = int(asked) if NUMBER.fullmatch(asked) else 0
    out = {one.number for one in published(site.engine, now=site.clock())}
    if number not in out:
        # Tests of an issue link it before it is out.
        is_ahead = number > max(out, default=0)
        return site.pages.tell(pages.NOT_OUT if is_ahead else pages.NOT_FOUND)
    path = IssueFiles(issues=site.issues, number=number).page
    try:
        text = path.read_bytes()
    except OSError as error:
        logger.warning("the page of issue %d could not be read: %s", number, error.strerror)
        return site.pages.tell(pages.NOT_FOUND)
    page = HTMLResponse(text, headers={"Content-Security-Policy": ISSUE_POLICY})
    return _conditional(request, page)


def rss(site: Site, request: Request) -> Response:
    """Return the feed of the newest issues."""
    found = read_archive(site.engine, site.issues, now=site.clock(), most=MOST_IN_FEED)
    body = feed(found.entries, site.pages.brand)
    return _conditional(request, Response(body, media_type="application/rss+xml"))


def _conditional(request: Request, answer: Response) -> Response:
    """Return the answer, without its body to whoever has it already (RFC 9110, 13.1.2)."""
    digest = hashlib.sha256(bytes(answer.body)).hexdigest()[:32]
    answer.headers.update({**_PUBLIC, "ETag": f'"{digest}"'})
    known = request.headers.get("if-none-match", "")
    if f'"{digest}"' not in known and known.strip() != "*":
        return answer
    kept = ("etag", "cache-control", "x-robots-tag")
    headers = {name: answer.headers[name] for name in kept}
    return Response(status_code=304, headers=headers)
