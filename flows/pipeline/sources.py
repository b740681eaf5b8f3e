"""The list of feeds: taking one in, giving one up, following one that moved, and whole lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.errors import NewsletterError, SettingsError
from flows.gather.discover import Discovered, discover
from flows.gather.fetch import open_client, user_agent
from flows.gather.opml import read_opml
from flows.gather.outlines import Sorted, key, sort_out
from flows.gather.pool import ParserPool
from flows.gather.reading import reading
from flows.models import DEFAULT_SECTION, Feed
from flows.pipeline.stores import open_store
from flows.settings.edit import add_feeds, move_feed, remove_feed, rewrite
from flows.store.feeds import forget_state, load_states, move_items
from flows.store.visits import save_reports

if TYPE_CHECKING:
    from datetime import datetime

    from flows.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A feed's old address and its new one."""

    feed: Feed
    url: str


def _index(settings: Settings, named: str) -> int:
    feeds = settings.feed_list()
    for same in (
        [n for n, feed in enumerate(feeds) if named in {feed.url, settings.feeds[n].url}],
        [n for n, feed in enumerate(feeds) if feed.name.casefold() == named.casefold()],
    ):
        if len(same) == 1:
            return same[0]
        if same:
            urls = ", ".join(feeds[n].url for n in same)
            raise NewsletterError(f"feeds: more than one is called {named!r}; name it by {urls}")
    raise NewsletterError(
        f"feeds: {named!r} is neither the address nor the name of one in {settings.path.name}; "
        "newsletter feeds list shows them"
    )


def look_up(settings: Settings, feed: Feed, *, now: datetime) -> Discovered:
    """Return the feed at an address, or the one the page there names.

    Raises NewsletterError if it is in the settings already or names a section that is not there,
    FeedError if there is no feed.
    """
    sections = [*(section.name for section in settings.sections), DEFAULT_SECTION]
    if feed.section and feed.section not in sections:
        raise NewsletterError(
            f"feeds: there is no section {feed.section!r}; there are {', '.join(sections)}"
        )
    _check_new(settings, feed.url)
    found = _discover(settings, feed, now=now)
    _check_new(settings, found.feed.url)
    return found


def _discover(settings: Settings, feed: Feed, *, now: datetime) -> Discovered:
    with (
        open_client(
            user_agent=user_agent(contact=settings.newsletter.base_url),
            allow_private_networks=settings.gather.allow_private_networks,
        ) as client,
        ParserPool() as parsers,
    ):
        return discover(feed, client=client, parsers=parsers, now=now)


def _check_new(settings: Settings, url: str, *, but: Feed | None = None) -> None:
    for feed in settings.feed_list():
        if key(feed.url) == key(url) and feed != but:
            name = f" as {feed.name}" if feed.name else ""
            raise NewsletterError(f"feeds: {feed.url} is in the settings already{name}")


def add_source(settings: Settings, found: Discovered, *, now: datetime) -> None:
    """Write the feed into the settings, and keep what it said, so that it is not asked twice."""
    rewrite(settings.path, lambda text: add_feeds(text, [found.feed]))
    with open_store(settings) as engine:
        save_reports(engine, [found.report], now=now)


def remove_source(settings: Settings, named: str) -> Feed:
    """Take a feed out of the settings and return it; its items stay, they were told."""
    index = _index(settings, named)
    feed = settings.feed_list()[index]
    rewrite(settings.path, lambda text: remove_feed(text, index))
    with open_store(settings) as engine:
        forget_state(engine, feed.url)
    return feed


def move_source(settings: Settings, named: str, url: str, *, now: datetime) -> Moved:
    """Follow a feed to `url`, else to where it was seen to move, and take its items along.

    Where it moved unseen, the page at its old address may name the new one. Raises
    NewsletterError if nothing does, FeedError if there is no feed.
    """
    index = _index(settings, named)
    feed = settings.feed_list()[index]
    with open_store(settings) as engine:
        state = load_states(engine, [feed.url]).get(feed.url)
        target = url or (state.moved_to if state and state.moved_to else "") or feed.url
        found = _discover(settings, replace(feed, url=target), now=now)
        if found.feed.url == feed.url:
            raise NewsletterError(f"feeds: {feed.url} is a feed and did not move; name a new one")
        _check_new(settings, found.feed.url, but=feed)
        rewrite(settings.path, lambda text: move_feed(text, index, found.feed.url))
        move_items(engine, feed.url, found.feed.url)
        # As the settings name it, which may be without a name.
        mark = reading(replace(feed, url=found.feed.url))
        report = replace(found.report, state=replace(found.report.state, reading=mark))
        save_reports(engine, [report], now=now)
    return Moved(feed=feed, url=found.feed.url)


def import_sources(settings: Settings, body: bytes, *, name: str) -> list[Sorted]:
    """Write the feeds of an OPML list into the settings; return what became of each line.

    Raises ParseError if it is none.
    """
    lines = sort_out(
        read_opml(body, name=name),
        known=settings.feed_list(),
        sections=[*(section.name for section in settings.sections), DEFAULT_SECTION],
    )
    feeds = [line.feed for line in lines if line.feed]
    if feeds:
        rewrite(settings.path, lambda text: add_feeds(text, feeds))
    return lines


def exported_sources(settings: Settings) -> list[Feed]:
    """Return the feeds that others could ask too; raises SettingsError if there are none."""
    feeds = [feed for feed in settings.feed_list() if feed.url.startswith(("http:", "https:"))]
    if not feeds:
        raise SettingsError(f"{settings.path}: it names no feeds on the web")
    return feeds
