"""Past issues held against today's feeds: what they would have offered, and what no feed has.

Nothing is fetched: the feeds are known by the items that are stored.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.edit.canonical import canonical
from flows.edit.past import read_past
from flows.edit.sentences import folded_words
from flows.edit.sites import PATH_TENANTS, VIDEO_HOSTS, domain, site
from flows.edit.workshop import host
from flows.pipeline.files import read_file
from flows.pipeline.moving import past_files
from flows.pipeline.stores import open_store
from flows.store.items import count_items
from flows.store.offers import find_offers, newest_addresses, stored_since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.models import Feed
    from flows.settings import Settings

# A title of fewer words is many stories' title.
LEAST_WORDS = 4
# A feed is of the site that at least this share of its items is on.
MOSTLY = 0.5
# Sites where everybody writes: a feed of one channel does not cover the others.
_EVERYBODYS = VIDEO_HOSTS | {
    *("twitter.com", "reddit.com", "linkedin.com", "facebook.com", "news.ycombinator.com"),
    *("stackoverflow.com", "mastodon.social", "docs.google.com", "t.co", "bsky.app"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """A feed: links it offered, those that no other did, those on its site, issues, items."""

    name: str
    url: str
    offered: int
    alone: int
    near: int
    issues: int
    items: int

    @property
    def verdict(self) -> str:
        """Whether it earns its place, in words."""
        if self.alone:
            return "earns its place"
        if self.offered:
            return "offers what others do"
        if self.near:
            return "on its site; not stored"
        return "offered nothing" if self.items else "nothing stored yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """A site that was linked and that no feed covers."""

    name: str
    links: int
    issues: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How the links of past issues stand to the feeds; each file is an issue.

    `near` links are on a feed's site without being stored, `missing` ones on no feed's.
    `unread` says of each file without links why.
    """

    issues: int
    links: int
    offered: int
    near: int
    missing: int
    feeds: tuple[FeedRow, ...]
    sites: tuple[SiteRow, ...]
    unread: tuple[tuple[Path, str], ...]
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A link of a past issue: its one spelling, its title's words, its issue's place."""

    address: str
    words: tuple[str, ...]
    url: str
    title: str
    issue: int


@dataclass(slots=True)
class _Tally:
    """What is counted of one feed or site."""

    links: int = 0
    alone: int = 0
    near: int = 0
    issues: set[int] = field(default_factory=set)


def backtest(settings: Settings, source: Path, *, progress: Callable[[int, int], None]) -> Backtest:
    """Return what today's feeds have of the issues in a file or folder.

    `progress` is told how many files of how many are read. Raises NewsletterError if there is
    nothing to read.
    """
    links, unread, issues = _links(settings, source, progress)
    with open_store(settings) as engine:
        feeds = settings.feed_list()
        offers = _offers(engine, feeds, links)
        covered = {feed.url: _sites_of(engine, feed) for feed in feeds}
        items = count_items(engine, [feed.url for feed in feeds])
        since = stored_since(engine)
    by_feed: defaultdict[str, _Tally] = defaultdict(_Tally)
    by_site: defaultdict[str, _Tally] = defaultdict(_Tally)
    fates = Counter(_judge(link, offers, covered, by_feed, by_site) for link in links)
    return Backtest(
        issues=issues,
        links=len(links),
        offered=fates["offered"],
        near=fates["near"],
        missing=fates["missing"],
        feeds=tuple(_feed_rows(feeds, by_feed, items)),
        sites=tuple(_site_rows(by_site)),
        unread=unread,
        since=since,
    )


def _links(
    settings: Settings, source: Path, progress: Callable[[int, int], None]
) -> tuple[list[_Link], tuple[tuple[Path, str], ...], int]:
    own = domain(host(settings.newsletter.base_url))
    paths, _others = past_files(source)
    links: list[_Link] = []
    unread: list[tuple[Path, str]] = []
    for done, path in enumerate(paths, start=1):
        try:
            past = read_past(read_file(path), path=path)
        except OSError as error:
            unread.append((path, f"it cannot be read: {error.strerror or error}"))
            continue
        if not past.items:
            unread.append((path, past.note))
        told = {canonical(item.url): item for item in past.items}
        links += [
            _Link(
                address=address,
                words=tuple(folded_words(item.title)),
                url=item.url,
                title=item.title,
                issue=done,
            )
            for address, item in told.items()
            if domain(host(address)) != own
        ]
        progress(done, len(paths))
    return links, tuple(unread), len(paths) - len(unread)


class _Offers:
    """The feeds that offered an address or a headline."""

    def __init__(self) -> None:
        self.at: defaultdict[str, set[str]] = defaultdict(set)
        self.named: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)

    def of(self, link: _Link) -> set[str]:
        """Return the addresses of the feeds that offered a link."""
        named = self.named.get(link.words, set()) if len(link.words) >= LEAST_WORDS else set()
        return self.at.get(link.address, set()) | named


def _offers(engine: Engine, feeds: Sequence[Feed], links: Sequence[_Link]) -> _Offers:
    known = {feed.url for feed in feeds}
    urls = {url for link in links for url in (link.url, link.address)}
    offers = _Offers()
    for offer in find_offers(engine, urls, {link.title for link in links if link.title}):
        # Items of a feed that was removed are stored still.
        if offer.feed_url in known:
            offers.at[canonical(offer.url)].add(offer.feed_url)
            offers.named[tuple(folded_words(offer.title))].add(offer.feed_url)
    return offers


def _sites_of(engine: Engine, feed: Feed) -> set[str]:
    """Return the sites whose news a feed tells: its own, and the one most of its items are on."""
    counted = Counter(_site(canonical(url)) for url in newest_addresses(engine, feed.url))
    total = counted.total()
    found = {name for name, count in counted.items() if count >= MOSTLY * total}
    return {name for name in (*found, _site(canonical(feed.url))) if name not in _EVERYBODYS}


def _site(address: str) -> str:
    try:
        parts = urlsplit(address)
        return site(parts.hostname or "", parts.path)
    except ValueError:
        return ""


def _judge(
    link: _Link,
    offers: _Offers,
    covered: dict[str, set[str]],
    by_feed: defaultdict[str, _Tally],
    by_site: defaultdict[str, _Tally],
) -> str:
    """Count a link where it belongs, and return its fate."""
    if feeds := offers.of(link):
        for url in feeds:
            by_feed[url].links += 1
            by_feed[url].alone += len(feeds) == 1
            by_feed[url].issues.add(link.issue)
        return "offered"
    own = _site(link.address)
    near = [url for url, sites in covered.items() if own and own in sites]
    for url in near:
        by_feed[url].near += 1
    if near:
        return "near"
    host = own.partition("/")[0]
    # Of a site of many owners each is linked once or twice; together they are a source.
    tally = by_site[host if host in PATH_TENANTS else own]
    tally.links += 1
    tally.issues.add(link.issue)
    return "missing"


def _feed_rows(
    feeds: Iterable[Feed], counted: dict[str, _Tally], items: dict[str, int]
) -> list[FeedRow]:
    rows = [
        FeedRow(
            name=feed.name or feed.url,
            url=feed.url,
            offered=tally.links,
            alone=tally.alone,
            near=tally.near,
            issues=len(tally.issues),
            items=items.get(feed.url, 0),
        )
        for feed in feeds
        for tally in (counted.get(feed.url, _Tally()),)
    ]
    return sorted(rows, key=lambda row: (-row.offered, -row.alone, -row.near, row.name.casefold()))


def _site_rows(counted: dict[str, _Tally]) -> list[SiteRow]:
    rows = [
        SiteRow(name=name, links=tally.links, issues=len(tally.issues))
        for name, tally in counted.items()
    ]
    return sorted(rows, key=lambda row: (-row.issues, -row.links, row.name))
