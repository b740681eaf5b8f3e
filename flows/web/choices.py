"""The reader's choice: every issue, or none for four weeks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool

from flows.web import pages
from flows.web.guards import read_body
from flows.web.links import genuine
from subscribers import store
from subscribers.models import SubscriberStatus
from subscribers.store import choices

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from flows.web.site import Site
    from subscribers.models import Subscriber
    from subscribers.tokens import Token

PAUSE: Final = timedelta(weeks=4)


async def preferences(site: Site, request: Request) -> Response:
    """Return the page with the choice (GET), or keep what was chosen (POST).

    The link is the one to unsubscribe by: who may leave may pause.
    """
    token = genuine(site, request.path_params["token"])
    if token is None:
        return site.pages.tell(pages.BAD_LINK)
    if token.purpose in pages.NOBODYS:
        return site.pages.tell(pages.NOBODYS[token.purpose])
    if request.method != "POST":
        return await run_in_threadpool(_show, site, token)
    chosen = parse_qs((await read_body(request)).decode(errors="replace")).get("choice", [""])[0]
    return await run_in_threadpool(_choose, site, token, chosen)


def _show(site: Site, token: Token) -> Response:
    who = store.get(site.engine, token.subscriber_id)
    if who is None or who.status is not SubscriberStatus.ACTIVE:
        return site.pages.tell(pages.NOT_SUBSCRIBED)
    return site.pages.show("preferences", until=_until(site, who))


def _until(site: Site, who: Subscriber) -> str:
    """Return the day that a pause lasts to, "" for who gets every issue."""
    if who.paused_until is None or who.paused_until <= site.clock():
        return ""
    return site.pages.day(who.paused_until)


def _choose(site: Site, token: Token, chosen: str) -> Response:
    now = site.clock()
    with site.turn:
        if chosen == "pause":
            done = choices.pause(site.engine, token.subscriber_id, until=now + PAUSE, now=now)
        elif chosen == "every":
            done = choices.resume(site.engine, token.subscriber_id, now=now)
        else:
            return _show(site, token)
    if not done:
        return site.pages.tell(pages.NOT_SUBSCRIBED)
    until = site.pages.day(now + PAUSE) if chosen == "pause" else ""
    return site.pages.show("preferences_saved", until=until)
