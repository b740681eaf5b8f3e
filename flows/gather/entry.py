"""Makes an item of an entry as feedparser hands it over; the quirks come after."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flows.gather.dates import date_of_address, read_date
from flows.gather.items import Context, absolute, identity
from flows.gather.links import absolute_links
from flows.gather.text import folded, is_list, lines, plain_title, title, visible
from flows.models import Item, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

# Entries are untyped upstream: this module and the quirks turn them into typed values.
_MAIL = re.compile(r"(?:mailto:)?[\w.+-]+@[\w.-]+")
_IN_BRACKETS = re.compile(r"\((.+)\)")
_FEW_LIST_ITEMS = 10
_MOST_AUTHORS = 3


def read_entry(entry: Mapping[str, Any], *, context: Context) -> Item:
    """Return the item an entry tells of."""
    summary, content = _texts(entry)
    url = _url(entry, context.base)
    published = _published(entry, context) or date_of_address(url, now=context.now)
    raw_title = text_of(entry, "title")
    stamp = text_of(entry, "published") or text_of(entry, "updated")
    made_of = (raw_title or summary or content, stamp)
    summary, content = (
        absolute_links(body, base=url or context.base) for body in (summary, content)
    )
    return Item(
        feed=context.feed_name,
        guid=identity(text_of(entry, "id"), url=url, made_of=made_of),
        url=url,
        title=title(raw_title, body=summary or content, url=url),
        summary=summary,
        content=content,
        author=_author(entry) or context.author,
        source=_source(entry) or context.source,
        published=published,
        kind=_kind(content or summary),
        comments=absolute(text_of(entry, "comments"), base=context.base),
        thumbnail=absolute(_thumbnail(entry), base=context.base),
    )


def text_of(entry: Mapping[str, Any], key: str) -> str:
    """Return an entry's value as text, empty if it has none."""
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def dicts_of(entry: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """Yield the dictionaries of a list in an entry, none if it has no such list."""
    value = entry.get(key)
    for element in value if isinstance(value, list) else ():
        if isinstance(element, dict):
            yield element


def _texts(entry: Mapping[str, Any]) -> tuple[str, str]:
    summary = text_of(entry, "summary")
    bodies = [_body(body) for body in dicts_of(entry, "content")]
    content = max(bodies, key=len, default="")
    if len(content) < len(summary):
        # Not the text: a picture's description (media:description), as Mastodon sends them.
        content = ""
    # feedparser repeats the one as the other where a feed has only one.
    return visible("" if summary == content else summary), visible(content)


def _body(body: Mapping[str, Any]) -> str:
    # xml:base, where the feed says for its texts what their links are relative to.
    return absolute_links(text_of(body, "value"), base=absolute(text_of(body, "base"), base=""))


def _url(entry: Mapping[str, Any], base: str) -> str:
    for link in _links(entry):
        if url := absolute(link, base=base):
            return url
    return ""


def _links(entry: Mapping[str, Any]) -> Iterator[str]:
    yield text_of(entry, "link")
    links = list(dicts_of(entry, "links"))
    yield from (text_of(link, "href") for link in links if link.get("rel") == "alternate")
    guid = text_of(entry, "id")
    address = guid if guid.startswith(("http://", "https://")) else ""
    if entry.get("guidislink"):
        yield address
    yield from (text_of(link, "href") for link in links if link.get("rel") == "enclosure")
    yield from (text_of(media, "url") for media in dicts_of(entry, "media_content"))
    # "Not a permalink" says the publisher; then its discussion: better than no address at all.
    yield address
    yield text_of(entry, "comments")


def _published(entry: Mapping[str, Any], context: Context) -> datetime | None:
    for key in ("published", "updated", "created"):
        found = read_date(text_of(entry, key), zone=context.zone, now=context.now)
        if found:
            return found
    # feedparser knows a few national forms more, and reads them as UTC.
    for key in ("published_parsed", "updated_parsed"):
        if parsed := entry.get(key):
            stamp = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*parsed[:6])
            return read_date(stamp, zone=context.zone, now=context.now)
    return None


def _author(entry: Mapping[str, Any]) -> str:
    whole = text_of(entry, "author")
    names = [text_of(author, "name") for author in dicts_of(entry, "authors")]
    if "@" in whole and not names[1:]:
        # RSS: "mail (name)". feedparser takes it apart too, and long domains wrongly.
        names = [whole]
    known = list(dict.fromkeys(name for name in map(person, names) if name))
    return ", ".join(known[:_MOST_AUTHORS]) or person(whole)


def person(name: str) -> str:
    """Return a person's name as plain text, without a mail address beside it."""
    name = plain_title(name)
    alone = folded(_MAIL.sub("", name).replace("()", "").replace("<>", ""))
    inside = _IN_BRACKETS.fullmatch(alone)
    return (inside[1] if inside else alone) or name


def feed_author(feed: Mapping[str, Any], *, version: str) -> str:
    """Return who wrote all entries that name nobody: Atom's rule, and the podcasts' habit."""
    if version.startswith("atom") or "itunes_explicit" in feed or "itunes_type" in feed:
        return _author(feed)
    return ""


def _source(entry: Mapping[str, Any]) -> str:
    # A planet's entries each say where they are from (RFC 4287 4.2.11; RSS 2.0 <source>).
    source = entry.get("source")
    return plain_title(text_of(source, "title")) if isinstance(source, dict) else ""


def _thumbnail(entry: Mapping[str, Any]) -> str:
    return next((picture for picture in _pictures(entry) if picture), "")


def _pictures(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from (text_of(picture, "url") for picture in dicts_of(entry, "media_thumbnail"))
    image = entry.get("image")
    yield text_of(image, "href") if isinstance(image, dict) else ""
    for link in dicts_of(entry, "links"):
        if link.get("rel") == "enclosure" and text_of(link, "type").startswith("image/"):
            yield text_of(link, "href")
    for media in dicts_of(entry, "media_content"):
        if media.get("medium") == "image" or text_of(media, "type").startswith("image/"):
            yield text_of(media, "url")


def _kind(body: str) -> Kind:
    if body.lower().count("<li") >= _FEW_LIST_ITEMS and is_list(lines(body)):
        return Kind.DIGEST
    return Kind.ARTICLE
