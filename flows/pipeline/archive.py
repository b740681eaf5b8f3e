"""The archive: the page of every issue that readers have, and the feed of them all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import lxml.html
import nh3
from lxml import etree

from flows.pipeline.files import IssueFiles
from flows.store.archive import published

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lxml.etree import _Element
    from lxml.html import HtmlElement
    from sqlalchemy import Engine

    from flows.models import Brand

# A feed has the newest only: readers ask for all of it again and again.
MOST_IN_FEED = 20
FEED = "feed.xml"

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
# What of a page is words; layout, styles and pictures of the mail are nothing to a feed reader.
_KEPT = {"h1", "h2", "h3", "h4", "p", "br", "a", "ul", "ol", "li", "em", "strong", "code", "bdi"}
_KEPT |= {"blockquote", "pre", "b", "i", "hr", "span"}
_LINES = re.compile(r"\s*\n\s*")
# XML 1.0, section 2.2: what no document may hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An issue of the archive, and the file with its page."""

    number: int
    title: str
    description: str
    at: datetime
    page: Path

    @property
    def name(self) -> str:
        """What its page is called below the site's address."""
        return f"issues/{self.number:03}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The issues that have a page, the newest first, and the numbers of those that lack it."""

    entries: tuple[Entry, ...]
    missing: tuple[int, ...] = ()


def read_archive(engine: Engine, issues: Path, *, now: datetime, most: int = 0) -> Archive:
    """Return what readers have by now, its `most` newest (0: all); raises DatabaseError."""
    known = published(engine, now=now)
    entries, missing = [], []
    for one in known[: most or None]:
        page = IssueFiles(issues=issues, number=one.number).page
        try:
            status = page.stat()
            title, description = _head(page, status.st_mtime_ns, status.st_size)
        except OSError:
            missing.append(one.number)
            continue
        written = datetime.fromtimestamp(status.st_mtime_ns // 1_000_000_000, UTC)
        entries.append(
            Entry(
                number=one.number,
                title=title or one.subject or f"Issue {one.number}",
                description=description,
                at=one.at or written,
                page=page,
            )
        )
    return Archive(entries=tuple(entries), missing=tuple(missing))


def feed(entries: Sequence[Entry], brand: Brand) -> bytes:
    """Return the archive's feed: RSS 2.0, the newest issues with all their words."""
    base = brand.base_url.rstrip("/")
    root = etree.Element("rss", {"version": "2.0"}, nsmap={"atom": _ATOM, "content": _CONTENT})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", brand.title)
    _add(channel, "link", f"{base}/issues")
    _add(channel, "description", f"Every issue of {brand.title}")
    _add(channel, "language", brand.language.lower())
    etree.SubElement(
        channel,
        f"{{{_ATOM}}}link",
        {"rel": "self", "type": "application/rss+xml", "href": f"{base}/{FEED}"},
    )
    newest = entries[:MOST_IN_FEED]
    if newest:
        # Of the newest issue, not of this moment: what has not changed is the same to a byte.
        _add(channel, "lastBuildDate", _rfc822(max(entry.at for entry in newest)))
    for entry in newest:
        channel.append(_item(entry, base))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))


def _item(entry: Entry, base: str) -> _Element:
    item = etree.Element("item")
    url = f"{base}/{entry.name}"
    _add(item, "title", entry.title)
    _add(item, "link", url)
    guid = _add(item, "guid", url)
    guid.set("isPermaLink", "true")
    _add(item, "pubDate", _rfc822(entry.at))
    _add(item, "description", entry.description or entry.title)
    _add(item, f"{{{_CONTENT}}}encoded", _content(entry.page, entry.page.stat().st_mtime_ns))
    return item


def _add(parent: _Element, name: str, text: str) -> _Element:
    child = etree.SubElement(parent, name)
    child.text = _NOT_XML.sub("", text)
    return child


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


# Pages stay as they were sent, and are asked for often: each is read once a change.
@lru_cache(maxsize=2048)
def _head(path: Path, _written: int, _size: int) -> tuple[str, str]:
    """Return the title and the description that a page gives of itself."""
    root = _parse(path)
    descriptions = root.xpath("//meta[@name='description']/@content")
    title = " ".join((root.findtext(".//title") or "").split())
    return title, str(descriptions[0]) if descriptions else ""


@lru_cache(maxsize=4 * MOST_IN_FEED)
def _content(path: Path, _written: int) -> str:
    """Return the words of a page as HTML."""
    body = _parse(path).find("body")
    whole = "" if body is None else lxml.html.tostring(body, encoding="unicode")
    return "\n".join(_words(whole))


def _parse(path: Path) -> HtmlElement:
    parser = lxml.html.HTMLParser(encoding="utf-8")
    return lxml.html.document_fromstring(path.read_bytes() or b"<html></html>", parser=parser)


def _words(html: str) -> Iterator[str]:
    """Yield the lines of a page's words as HTML."""
    clean = nh3.clean(
        html,
        tags=_KEPT,
        attributes={"a": {"href", "dir"}, "span": {"dir"}},
        clean_content_tags={"script", "style", "title"},
        link_rel=None,
        strip_comments=True,
    )
    yield from (line for line in _LINES.split(clean.strip()) if line)
