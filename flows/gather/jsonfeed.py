"""Reads JSON Feed 1 and 1.1 (jsonfeed.org), which feedparser does not know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flows.errors import ParseError
from flows.gather.dates import date_of_address, read_date, zone
from flows.gather.guards import shown
from flows.gather.items import Context, absolute, distinct, identity, problems_of
from flows.gather.links import absolute_links
from flows.gather.parsed import Parsed
from flows.gather.text import plain_title, title, visible
from flows.models import Item, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flows.models import Feed


def parse_json(text: str, *, feed: Feed, url: str, now: datetime) -> Parsed:
    """Return what a JSON Feed says; raises ParseError if it is none."""
    document = _document(text, url)
    home = absolute(_text(document, "home_page_url"), base=url)
    name = plain_title(_text(document, "title"))
    context = Context(
        feed=feed,
        base=home or url,
        zone=zone(feed.timezone),
        now=now,
        title=name,
        author=_authors(document),
    )
    entries = [entry for entry in document["items"] if isinstance(entry, dict)]
    items, repeated = distinct(_read(entry, context) for entry in entries)
    problems = problems_of(items, repeated=repeated)
    return Parsed(
        title=name,
        home=home,
        version="json",
        items=tuple(items),
        problems=tuple(problems),
    )


def _document(text: str, url: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"parse: {shown(url)} is broken JSON ({error})", url=url) from error
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        return document
    raise ParseError(
        f"parse: {shown(url)} is JSON, but no JSON Feed: it has no list of items", url=url
    )


def _read(entry: Mapping[str, Any], context: Context) -> Item:
    # A link blog's `external_url` is what it writes about; `url` is what it wrote.
    url = absolute(_text(entry, "url"), base=context.base)
    url = url or absolute(_text(entry, "external_url"), base=context.base)
    guid = _text(entry, "id")
    url = url or absolute(guid if guid.startswith("http") else "", base=context.base)
    markup = absolute_links(_text(entry, "content_html"), base=url or context.base)
    content = visible(markup or _text(entry, "content_text"))
    summary = visible(_text(entry, "summary"))
    stamp = _text(entry, "date_published") or _text(entry, "date_modified")
    dated = read_date(stamp, zone=context.zone, now=context.now)
    heading = _text(entry, "title")
    return Item(
        feed=context.feed_name,
        guid=identity(guid, url=url, made_of=(heading or content, stamp)),
        url=url,
        title=title(heading, body=summary or content, url=url),
        summary=summary,
        content=content,
        author=_authors(entry) or context.author,
        source=context.source,
        published=dated or date_of_address(url, now=context.now),
        kind=_kind(entry),
        thumbnail=absolute(
            _text(entry, "image") or _text(entry, "banner_image"), base=context.base
        ),
    )


def _kind(entry: Mapping[str, Any]) -> Kind:
    attachments = entry.get("attachments")
    for attachment in attachments if isinstance(attachments, list) else ():
        if isinstance(attachment, dict) and _text(attachment, "mime_type").startswith("audio/"):
            return Kind.PODCAST
    return Kind.ARTICLE


def _authors(entry: Mapping[str, Any]) -> str:
    # 1.1 has a list, 1 had one.
    authors = entry.get("authors")
    found = authors if isinstance(authors, list) else [entry.get("author")]
    names = (plain_title(_text(author, "name")) for author in found if isinstance(author, dict))
    return ", ".join(name for name in names if name)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
