"""What single publishers do differently: one row each, sorted by name.

To mend a feed, save it as tests/feeds/NAME.xml, write what should come out as NAME.json beside
it, see the test fail, and add a row here.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from flows.gather.dates import read_date
from flows.gather.entry import dicts_of, text_of
from flows.gather.items import absolute, host, on_host
from flows.gather.river import shared_item
from flows.gather.text import lines
from flows.models import Item, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flows.gather.items import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An item as it was read so far, the entry it was read from, and the feed around it."""

    item: Item
    entry: Mapping[str, Any]
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """One publisher's habit: which entries have it, why it matters, and what mends them."""

    name: str
    why: str
    applies: Callable[[Reading], bool]
    mend: Callable[[Reading], Item]


def mend(item: Item, entry: Mapping[str, Any], context: Context) -> Item:
    """Return the item after every quirk that its entry has."""
    reading = Reading(item=item, entry=entry, context=context)
    for quirk in QUIRKS:
        if quirk.applies(reading):
            reading = replace(reading, item=quirk.mend(reading))
    return reading.item


def _dated_by_element(reading: Reading) -> Item:
    stamp = text_of(reading.entry["time"], "datetime")
    context = reading.context
    published = read_date(stamp, zone=context.zone, now=context.now)
    return replace(reading.item, published=published or reading.item.published)


def _original_link(reading: Reading) -> Item:
    link = text_of(reading.entry, "feedburner_origlink")
    original = absolute(link, base=reading.context.base)
    return replace(reading.item, url=original or reading.item.url)


def _unwrapped(reading: Reading) -> Item:
    item = reading.item
    targets = parse_qs(urlsplit(item.url).query).get("url", [])
    return replace(item, url=absolute(targets[0], base="") if targets else item.url)


_SNIPPET = re.compile(r'<p class="medium-feed-snippet">(.*?)</p>', re.DOTALL)


def _snippet(reading: Reading) -> Item:
    found = _SNIPPET.search(reading.item.summary)
    summary = found[1] if found else reading.item.summary
    return replace(reading.item, summary=summary, truncated=True)


def _is_podcast(reading: Reading) -> bool:
    has_show = any(key.startswith("itunes_") for key in reading.entry)
    return has_show and any(
        text_of(link, "type").startswith("audio/")
        for link in dicts_of(reading.entry, "links")
        if link.get("rel") == "enclosure"
    )


_REDDIT_BODY = re.compile(r"<!-- SC_OFF -->(.*?)<!-- SC_ON -->", re.DOTALL)
_REDDIT_LINK = re.compile(r'<a href="([^"]+)">\s*\[link\]\s*</a>')


def _linked_page(reading: Reading) -> Item:
    item = reading.item
    markup = item.content or item.summary
    body = _REDDIT_BODY.search(markup)
    link = _REDDIT_LINK.search(markup)
    target = absolute(html.unescape(link[1]), base=item.url) if link else ""
    is_elsewhere = bool(target) and not on_host(target, "reddit.com", "redd.it")
    post = replace(
        item,
        url=target if is_elsewhere else item.url,
        source=host(target) if is_elsewhere else item.source,
        summary="",
        content=body[1].strip() if body else "",
        comments=item.url,
    )
    # A subreddit that a tool posts to is a river in pieces.
    shared = shared_item([post.title, *lines(post.content)], context=reading.context)
    if shared is None:
        return post
    published = shared.published or post.published
    return replace(shared, guid=post.guid, published=published, comments=post.comments)


# Not a search in it, nor a story's comments.
_SUBREDDIT = re.compile(
    r"https?://(?:\w+\.)?reddit\.com/(r/[\w+]+)/?(?:(?:best|hot|new|rising|top)/?)?(?:\?.*)?"
)


def feed_title(title: str, *, home: str) -> str:
    """Return what a feed is called: its own title, or for a subreddit "r/programming".

    Reddit titles them as their moderators do, most with the bare name: "programming".
    """
    subreddit = _SUBREDDIT.fullmatch(home)
    return subreddit[1] if subreddit else title


_HACKER_NEWS = "news.ycombinator.com"
_HACKER_NEWS_MIRRORS = ("hnrss.org", "hckrnews.com")


def _lists_hacker_news(context: Context) -> bool:
    """Tell Hacker News from a blog whose posts link to where they are talked of there."""
    names = f"{context.feed.name} {context.title}".casefold()
    hosts = (_HACKER_NEWS, *_HACKER_NEWS_MIRRORS)
    return "hacker news" in names or on_host(context.feed.url, *hosts)


# Go's zero time, in RSS and in Atom.
_ZERO_TIME = re.compile(r"^(?:\w{3}, )?(?:0?1 Jan 0001\b|0001-01-01)")


def _told_elsewhere(reading: Reading) -> Item:
    return replace(reading.item, source=host(reading.item.url))


def _kind(kind: Kind) -> Callable[[Reading], Item]:
    return lambda reading: replace(reading.item, kind=kind)


QUIRKS = (
    Quirk(
        name="drupal-time",
        why="Drupal sites (fda.gov) put <time datetime=…> into pubDate: only it names the zone",
        applies=lambda reading: isinstance(reading.entry.get("time"), dict),
        mend=_dated_by_element,
    ),
    Quirk(
        name="feedburner",
        why="FeedBurner's links count clicks; feedburner:origLink is the page",
        applies=lambda reading: bool(reading.entry.get("feedburner_origlink")),
        mend=_original_link,
    ),
    Quirk(
        name="github-release",
        why="GitHub's releases.atom, and any blog that links a release as its story",
        applies=lambda reading: (
            on_host(reading.item.url, "github.com") and "/releases/tag/" in reading.item.url
        ),
        mend=_kind(Kind.RELEASE),
    ),
    Quirk(
        name="google-alert",
        why="Google Alerts wrap the page's address into one of their own",
        applies=lambda reading: reading.item.url.startswith("https://www.google.com/url?"),
        mend=_unwrapped,
    ),
    Quirk(
        name="hacker-news",
        why="Hacker News and its mirrors list what others publish: the page's site is the source",
        applies=lambda reading: (
            _lists_hacker_news(reading.context)
            and on_host(reading.item.comments, _HACKER_NEWS)
            and not on_host(reading.item.url, _HACKER_NEWS)
        ),
        mend=_told_elsewhere,
    ),
    Quirk(
        name="hugo-page",
        why="Hugo gives the year 1 to pages without a date: contact, talks, notes",
        applies=lambda reading: bool(_ZERO_TIME.search(text_of(reading.entry, "published"))),
        mend=_kind(Kind.PAGE),
    ),
    Quirk(
        name="medium-tag",
        why="Medium's tag feeds hold a teaser in mark-up around one snippet, never the text",
        applies=lambda reading: "medium-feed-snippet" in reading.item.summary,
        mend=_snippet,
    ),
    Quirk(
        name="podcast",
        why="an episode is an entry with a sound file in a feed for podcast players",
        applies=_is_podcast,
        mend=_kind(Kind.PODCAST),
    ),
    Quirk(
        name="reddit",
        why="on Reddit the linked page is the story, the entry's own link is its discussion",
        applies=lambda reading: (
            on_host(reading.item.url, "reddit.com") and "/comments/" in reading.item.url
        ),
        mend=_linked_page,
    ),
    Quirk(
        name="youtube",
        why="YouTube's entries are videos, whichever feed they come by",
        applies=lambda reading: on_host(reading.item.url, "youtube.com", "youtu.be"),
        mend=_kind(Kind.VIDEO),
    ),
)
