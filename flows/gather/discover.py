"""Finds the feed at an address: the address itself, or the one that the page there names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.errors import FeedError, ParseError
from flows.gather.fetch import fetch
from flows.gather.guards import shown
from flows.gather.limits import Trip
from flows.gather.manners import after_answer
from flows.gather.reading import reading
from flows.gather.visit import cost
from flows.models import FeedReport, FeedState

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from flows.gather.pool import ParserPool
    from flows.models import Feed

_LEAST = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """The feed as it may go into the settings, its first report, and other feeds of the page."""

    report: FeedReport
    others: tuple[str, ...] = ()

    @property
    def feed(self) -> Feed:
        """The feed, at the address it has for good."""
        return self.report.feed


def discover(feed: Feed, *, client: httpx.Client, parsers: ParserPool, now: datetime) -> Discovered:
    """Return the feed at `feed.url`, or the first usable one that the page there names.

    Raises FeedError if there is none.
    """
    try:
        return Discovered(report=_read(feed, client, parsers, now))
    except ParseError as error:
        if not error.alternates:
            raise
        return _first(feed, error, client=client, parsers=parsers, now=now)


def _first(
    feed: Feed, page: ParseError, *, client: httpx.Client, parsers: ParserPool, now: datetime
) -> Discovered:
    problems = []
    for url in page.alternates:
        try:
            report = _read(replace(feed, url=url), client, parsers, now)
        except FeedError as error:
            problems.append(str(error))
            continue
        others = tuple(other for other in page.alternates if other != url)
        return Discovered(report=report, others=others)
    raise FeedError(
        f"{shown(feed.url)} is a web page, and none of the feeds it names can be used: "
        + "; ".join(problems),
        url=feed.url,
    ) from page


def _read(feed: Feed, client: httpx.Client, parsers: ParserPool, now: datetime) -> FeedReport:
    with Trip() as trip:
        answer = fetch(client, feed.url, trip=trip, now=now)
        parsed = parsers.parse(
            answer.body or b"", feed=feed, url=answer.url, content_type=answer.content_type, now=now
        )
    # What has no name of its own in the settings bears the title that its publisher gives it.
    found = replace(feed, url=answer.moved_to or feed.url, name=feed.name or parsed.title)
    state = after_answer(FeedState(url=found.url), answer, now=now, least_interval=_LEAST)
    state = replace(state, reading=reading(found), moved_to=None, moves_seen=0)
    return FeedReport(
        feed=found,
        state=state,
        items=parsed.items,
        count=len(parsed.items),
        status="new",
        notes=parsed.problems,
        visit=cost(trip, state, at=now),
    )
