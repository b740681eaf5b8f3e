"""Gathers many feeds at once, and hands over each report as soon as it is there."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.errors import FeedError
from flows.gather.lanes import Lanes
from flows.gather.limits import REST_SECONDS, Limits
from flows.gather.pool import ParserPool
from flows.gather.reading import readers
from flows.gather.visit import Visitor, first_state

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

    import httpx

    from flows.models import Feed, FeedReport, FeedState

logger = logging.getLogger(__name__)
LEAST_INTERVAL = timedelta(hours=1)


def gather(
    feeds: Sequence[Feed],
    states: Mapping[str, FeedState],
    *,
    client: httpx.Client,
    now: datetime,
    least_interval: timedelta = LEAST_INTERVAL,
) -> Generator[FeedReport, None, None]:
    """Yield how each feed fared, as it is done; one bad feed is one report with a problem.

    A report's state is to be saved after its items: a crash in between loses nothing. Who stops
    listening (Ctrl-C) ends what is under way within a second or two.
    """
    limits = Limits(rest=REST_SECONDS)
    # Found once: thirty threads that start together would each look through what is installed.
    readers()
    with ParserPool() as parsers:
        visitor = Visitor(
            client=client, parsers=parsers, limits=limits, now=now, least_interval=least_interval
        )
        known = {feed.url: states.get(feed.url) or first_state(feed) for feed in feeds}

        def visit(feed: Feed) -> FeedReport:
            return visitor.visit(feed, known[feed.url])

        with Lanes(feeds, visit, stopped=limits.stopped) as lanes:
            for feed, outcome in lanes.finished():
                yield _report(feed, outcome, known[feed.url], visitor)


def _report(
    feed: Feed, outcome: FeedReport | Exception, state: FeedState, visitor: Visitor
) -> FeedReport:
    if not isinstance(outcome, Exception):
        return outcome
    # What no one foresaw is a bug of ours, and still only this feed's misfortune.
    logger.error("gather: a visit ended in %s", type(outcome).__name__, exc_info=outcome)
    told = FeedError(f"gather: {type(outcome).__name__} ({outcome}), an error in newsletter itself")
    return visitor.failed(feed, state, told)
