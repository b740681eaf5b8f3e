"""What time it is by other clocks than this machine's: those of the feeds' servers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from flows.errors import NewsletterError
from flows.gather.fetch import open_client, user_agent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.settings import Settings

# One may be wrong itself; of three the middle one is believed.
MOST_CLOCKS = 3
# Hosts that are asked before it is given up.
MOST_ASKED = 6


def web_time(settings: Settings) -> datetime | None:
    """Return what time it is by the servers of the feeds, None if none of them tells."""
    began = time.monotonic()
    # Each is told a little later than the one before.
    told = sorted(one - timedelta(seconds=time.monotonic() - began) for one in _told(settings))
    if not told:
        return None
    return told[len(told) // 2]


def _told(settings: Settings) -> Iterator[datetime]:
    hosts = {urlsplit(feed.url).netloc: feed.url for feed in settings.feeds if feed.is_web}
    with open_client(
        user_agent=user_agent(contact=settings.newsletter.base_url),
        allow_private_networks=settings.gather.allow_private_networks,
    ) as client:
        asked = (_asked(client, url) for url in [*hosts.values()][:MOST_ASKED])
        yield from islice((one for one in asked if one is not None), MOST_CLOCKS)


def _asked(client: httpx.Client, url: str) -> datetime | None:
    """Return the time by the server of this address, None if it does not tell."""
    try:
        with client.stream("HEAD", url) as response:
            # A cache hands out old answers, and says how old (RFC 9111, section 5.1).
            age = timedelta(seconds=int(response.headers.get("Age", "0")))
            return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC) + age
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        NewsletterError,
        KeyError,
        ValueError,
        OverflowError,
    ):
        return None
