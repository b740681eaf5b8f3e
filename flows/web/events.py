"""`/hooks/sendgrid`: SendGrid's event webhook, which settles doubts and keeps the list clean.

Only what SendGrid signed just now is heeded; whatever comes twice or late changes nothing more.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from flows.deliver.events import EventKey, read_events
from flows.errors import EventsRefused, NewsletterError
from flows.pipeline.feedback import heed_events
from flows.pipeline.receipts import renew_receipt
from flows.web.guards import read_body

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.requests import Request

    from flows.settings import Settings
    from flows.web.site import Site

logger = logging.getLogger(__name__)

# SendGrid gathers events for up to some hundred kilobytes; ten thousand of them fit.
LARGEST_BODY: Final = 6 << 20
BODY_SECONDS: Final = 30.0
SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """How the events are told from a stranger's, and when soft bounces are too many."""

    key: EventKey
    settings: Settings


def open_hook(settings: Settings) -> Hook | None:
    """Return the webhook, None if the settings have no key for it; raises SettingsError."""
    text = settings.sending.webhook_key
    return Hook(key=EventKey.load(text), settings=settings) if text else None


async def receive(site: Site, hook: Hook, request: Request) -> Response:
    """Take the events in; 403 for a stranger's or a replayed request, 400 for what is no array."""
    body = await read_body(request, seconds=BODY_SECONDS, largest=LARGEST_BODY)
    signature = request.headers.get(SIGNATURE, "")
    timestamp = request.headers.get(TIMESTAMP, "")
    try:
        hook.key.require(body, signature=signature, timestamp=timestamp, now=site.clock())
        await run_in_threadpool(_heed, site, hook, body)
    except EventsRefused as error:
        logger.warning("a request to the webhook was refused: %s", error)
        return PlainTextResponse(f"{error}\n", status_code=error.status)
    return Response(status_code=204)


def _heed(site: Site, hook: Hook, body: bytes) -> None:
    events = read_events(body)
    with site.turn:
        heeded = heed_events(
            site.engine,
            events,
            soft_bounces=hook.settings.sending.soft_bounces,
            now=site.clock(),
        )
    if heeded.suppressed or heeded.left or heeded.settled:
        logger.info(
            "%d events: %d people suppressed, %d left, %d deliveries settled",
            events.count,
            heeded.suppressed,
            heeded.left,
            heeded.settled,
        )
    for issue in heeded.issues:
        _renew(site.engine, hook.settings, issue)


def _renew(engine: Engine, settings: Settings, issue: int) -> None:
    try:
        renew_receipt(settings, engine, issue)
    except NewsletterError as error:
        # The events are taken in: to have them sent again would mend nothing.
        logger.warning("the receipt of issue %d was not renewed: %s", issue, error)
