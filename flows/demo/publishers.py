"""Writes the sample feeds as their publishers would, boilerplate and all, dated from `began`."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.demo.samples import SampleFeed, SampleItem

OK = 200
NOT_FOUND = 404


class Answer(NamedTuple):
    """What the server says to one request."""

    status: int
    content_type: str
    body: bytes


def publish(feed: SampleFeed, began: datetime) -> Answer:
    """Return the feed's answer; items are as old as they say at the moment `began`."""
    return PUBLISHERS[feed.shape](feed, began)


def _wordpress(feed: SampleFeed, began: datetime) -> Answer:
    return _rss(feed, began, _wordpress_item)


def _wordpress_item(feed: SampleFeed, item: SampleItem, when: datetime) -> str:
    footer = (
        f'<p>The post <a href="{item.link}">{escape(item.title)}</a> appeared first on '
        f'<a href="{feed.home}">{escape(feed.name)}</a>.</p>'
    )
    body = f"<p>{escape(item.summary)}</p>\n{footer}"
    return (
        _rss_head(item, item.link, when)
        + f"<description><![CDATA[{body}]]></description>"
        + f"<content:encoded><![CDATA[{body}]]></content:encoded>"
    )


def _plain(feed: SampleFeed, began: datetime) -> Answer:
    return _rss(feed, began, _plain_item)


def _plain_item(feed: SampleFeed, item: SampleItem, when: datetime) -> str:
    body = f"<p>{escape(item.summary)}</p><p><em>{escape(feed.footer)}</em></p>"
    return (
        _rss_head(item, _tracked(feed, item), when) + f"<description>{escape(body)}</description>"
    )


def _teaser(feed: SampleFeed, began: datetime) -> Answer:
    return _rss(feed, began, _teaser_item)


def _teaser_item(feed: SampleFeed, item: SampleItem, when: datetime) -> str:
    link = _tracked(feed, item)
    body = f'{escape(item.summary)} <a href="{escape(link)}">Continue reading &#8594;</a>'
    return _rss_head(item, link, when) + f"<description>{escape(body)}</description>"


def _tracked(feed: SampleFeed, item: SampleItem) -> str:
    return f"{item.link}?{feed.tracking}" if feed.tracking else item.link


def _rss_head(item: SampleItem, link: str, when: datetime) -> str:
    return (
        f"<title>{escape(item.title)}</title><link>{escape(link)}</link>"
        f'<guid isPermaLink="false">{escape(item.link)}</guid>'
        f"<dc:creator>{escape(item.author)}</dc:creator>"
        f"<pubDate>{format_datetime(when)}</pubDate>"
    )


def _rss(
    feed: SampleFeed,
    began: datetime,
    write: Callable[[SampleFeed, SampleItem, datetime], str],
) -> Answer:
    items = "\n".join(f"<item>{write(feed, item, _age(item, began))}</item>" for item in feed.items)
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel>
<title>{escape(feed.name)}</title><link>{feed.home}</link>
<description>{escape(feed.name)}</description>
{items}
</channel>
</rss>
"""
    return Answer(OK, "application/rss+xml; charset=utf-8", text.encode())


def _releases(feed: SampleFeed, began: datetime) -> Answer:
    return _atom(feed, began, _release_entry)


def _release_entry(_feed: SampleFeed, item: SampleItem) -> str:
    body = f"<h2>What is new</h2><p>{escape(item.summary)}</p>"
    return (
        f'<link rel="alternate" type="text/html" href="{escape(item.link)}"/>'
        f'<content type="html">{escape(body)}</content>'
    )


def _video(feed: SampleFeed, began: datetime) -> Answer:
    return _atom(feed, began, _video_entry)


def _video_entry(feed: SampleFeed, item: SampleItem) -> str:
    video = parse_qs(urlsplit(item.link).query)["v"][0]
    return (
        f"<yt:videoId>{video}</yt:videoId>"
        f'<link rel="alternate" href="{escape(item.link)}"/>'
        f"<media:group><media:title>{escape(item.title)}</media:title>"
        f'<media:content url="https://www.youtube.com/v/{video}" type="video/mp4"/>'
        f"<media:description>{escape(item.summary)}\n\n{escape(feed.footer)}</media:description>"
        "</media:group>"
    )


def _threads(feed: SampleFeed, began: datetime) -> Answer:
    return _atom(feed, began, _thread_entry)


def _thread_entry(feed: SampleFeed, item: SampleItem) -> str:
    comments = thread_of(feed, item)
    text = f'<div class="md"><p>{escape(item.summary)}</p></div>' if item.summary else ""
    body = (
        (f"<!-- SC_OFF -->{text}<!-- SC_ON --> &#32; " if text else "")
        + f'submitted by &#32; <a href="https://www.reddit.com/user/{item.author[2:]}"> '
        + f"/{item.author} </a> <br/> "
        + f'<span><a href="{escape(item.link or comments)}">[link]</a></span> &#32; '
        + f'<span><a href="{comments}">[comments]</a></span>'
    )
    return f'<link href="{comments}"/><content type="html">{escape(body)}</content>'


def thread_of(feed: SampleFeed, item: SampleItem) -> str:
    """Return the address of an item's discussion."""
    return f"{feed.home}comments/smpl{feed.items.index(item)}/thread/"


def _atom(
    feed: SampleFeed, began: datetime, write: Callable[[SampleFeed, SampleItem], str]
) -> Answer:
    entries = "\n".join(
        f"<entry><id>{escape(_identity(feed, item))}</id><title>{escape(item.title)}</title>"
        f"<published>{_age(item, began).isoformat()}</published>"
        f"<updated>{_age(item, began).isoformat()}</updated>"
        f"<author><name>{escape(item.author)}</name></author>{write(feed, item)}</entry>"
        for item in feed.items
    )
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015"
  xmlns:media="http://search.yahoo.com/mrss/">
<id>{feed.home}</id><title>{escape(feed.name)}</title>
<link rel="alternate" href="{feed.home}"/><updated>{began.isoformat()}</updated>
{entries}
</feed>
"""
    return Answer(OK, "application/atom+xml; charset=utf-8", text.encode())


def _identity(feed: SampleFeed, item: SampleItem) -> str:
    return thread_of(feed, item) if feed.shape == "threads" else item.link


def _json(feed: SampleFeed, began: datetime) -> Answer:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.name,
        "home_page_url": feed.home,
        "items": [
            {
                "id": item.link,
                "url": item.link,
                "title": item.title,
                "summary": item.summary,
                "content_html": f"<p>{escape(item.summary)}</p>",
                "date_published": _age(item, began).isoformat(),
                "authors": [{"name": item.author}],
            }
            for item in feed.items
        ],
    }
    return Answer(OK, "application/feed+json", json.dumps(document, ensure_ascii=False).encode())


def _page(feed: SampleFeed, _began: datetime) -> Answer:
    text = (
        f"<!doctype html><html><head><title>{escape(feed.name)}</title></head>"
        "<body><h1>Under construction</h1><p>We will be back soon.</p></body></html>"
    )
    return Answer(OK, "text/html; charset=utf-8", text.encode())


def _missing(_feed: SampleFeed, _began: datetime) -> Answer:
    return Answer(NOT_FOUND, "text/plain; charset=utf-8", b"There is nothing here any more.\n")


def _age(item: SampleItem, began: datetime) -> datetime:
    return (began - timedelta(hours=item.hours)).replace(microsecond=0)


PUBLISHERS: dict[str, Callable[[SampleFeed, datetime], Answer]] = {
    "json": _json,
    "missing": _missing,
    "page": _page,
    "releases": _releases,
    "rss": _plain,
    "teaser": _teaser,
    "threads": _threads,
    "video": _video,
    "wordpress": _wordpress,
}
