"""Reads a feed's bytes, whatever its format; the one module that knows feedparser."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.sax import SAXException

import feedparser
import feedparser.api
import feedparser.mixin

from flows.errors import ParseError
from flows.gather import expat
from flows.gather.charset import decode
from flows.gather.dates import zone
from flows.gather.entry import feed_author, read_entry, text_of
from flows.gather.guards import shown
from flows.gather.items import Context, absolute, distinct, problems_of
from flows.gather.jsonfeed import parse_json
from flows.gather.page import alternates, is_page
from flows.gather.parsed import Parsed
from flows.gather.quirks import feed_title, mend
from flows.gather.river import is_river, parse_river
from flows.gather.text import plain_title
from flows.models import FeedKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flows.models import Feed, Item

# What feedparser and the SGML parser under it were seen to raise on broken input.
_PARSER_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    SAXException,
    TypeError,
    ValueError,
)
# feedparser's own switch: the XML parsers it tries, by the name of their module.
feedparser.api.PREFERRED_XML_PARSERS[:] = [expat.DRIVER]
# Usual dates are read by ours; feedparser's is for the national forms that ours does not know.
_USUAL_DATE = re.compile(r"\s*(?:[A-Z][a-z]{2}, \d|\d{4}-\d\d-\d\dT\d)")
_NO_DATE = (1, 1, 1, 0, 0, 0, 0, 1, 0)
feedparser.registerDateHandler(lambda text: _NO_DATE if _USUAL_DATE.match(text) else None)
# feedparser corrects the control characters of Windows in every text. Python is slow to find that
# a character is not in this table: it raises an error within, sixty times for most texts.
_CORRECTED = feedparser.mixin._cp1252  # noqa: SLF001 - it has no switch
_CORRECTED.update({code: code for code in range(0x300) if code not in _CORRECTED})
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")
# Not allowed in XML at all; one of them makes the strict parser give up.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class _StrictParser(feedparser.api.StrictFeedParser):  # type: ignore[misc] # it is untyped
    """feedparser's own, which asks and copies what it knows of a text again and again.

    A plain dictionary is asked and copied in half the time, and nothing in this one has two names.
    """

    contentparams: dict[str, Any]

    def push_content(self, *told: Any) -> None:
        super().push_content(*told)
        self.contentparams = dict(self.contentparams)


feedparser.api.StrictFeedParser = _StrictParser


def parse(body: bytes, *, feed: Feed, url: str, content_type: str = "", now: datetime) -> Parsed:
    """Return what a feed says; raises nothing but ParseError."""
    text = _FORBIDDEN.sub("", decode(body, content_type=content_type)).strip().lstrip("\ufeff")
    text = text.lstrip()
    if not text:
        raise ParseError(f"parse: {shown(url)} is empty", url=url)
    if not text.startswith("<"):
        return _parse_text(text, feed=feed, url=url, now=now)
    if is_page(text):
        raise _about_page(text, url)
    return _parse_xml(text, feed=feed, url=url, now=now)


def _parse_text(text: str, *, feed: Feed, url: str, now: datetime) -> Parsed:
    if text.startswith(("{", "[")):
        return parse_json(text, feed=feed, url=url, now=now)
    if feed.kind is FeedKind.RIVER or (feed.kind is FeedKind.AUTO and is_river(text)):
        parsed = parse_river(text, feed=feed, now=now)
        if parsed.items:
            return parsed
        raise ParseError(f"parse: {shown(url)} is no river: it has no `via` lines", url=url)
    if "<rss" in text or "<feed" in text:
        # Somebody printed a warning in front of the feed.
        return _parse_xml(text[text.index("<") :], feed=feed, url=url, now=now)
    raise ParseError(f"parse: {shown(url)} is no feed: it is neither XML nor JSON", url=url)


def _about_page(text: str, url: str) -> ParseError:
    found = alternates(text, url=url)
    if not found:
        return ParseError(
            f"parse: {shown(url)} is a web page (perhaps a login), not a feed, and names none; "
            "look for the feed's address on the site",
            url=url,
        )
    return ParseError(
        f"parse: {shown(url)} is a web page, not a feed; it names {' and '.join(found)}: "
        "put that address into the settings",
        url=url,
        alternates=tuple(found),
    )


def _parse_xml(text: str, *, feed: Feed, url: str, now: datetime) -> Parsed:
    document = _read_xml(text, url)
    version = text_of(document, "version")
    entries = document["entries"]
    if not version and not entries:
        raise ParseError(f"parse: {shown(url)} is no feed: it is XML of another kind", url=url)
    head = dict(document["feed"])
    home = absolute(text_of(head, "link"), base=url)
    context = Context(
        feed=feed,
        base=_base(head, version=version, url=url, home=home),
        zone=zone(feed.timezone),
        now=now,
        title=feed_title(plain_title(text_of(head, "title")), home=home),
        author=feed_author(head, version=version),
    )
    told = [_item(dict(entry), context, url) for entry in entries if entry]
    items, repeated = distinct(told)
    problems = problems_of(items, empty=len(entries) - len(told), repeated=repeated)
    if document.get("bozo"):
        problems.append(f"it is not well-formed ({document.get('bozo_exception')})")
    return Parsed(
        title=context.title,
        home=home,
        version=version,
        items=tuple(items),
        problems=tuple(problems),
    )


def _read_xml(text: str, url: str) -> Mapping[str, Any]:
    # Bytes in a buffer: feedparser takes anything else for an address or a file to open.
    source = io.BytesIO(_DECLARATION.sub("", text).lstrip().encode("utf-8", "replace"))
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        document = feedparser.parse(
            source, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except _PARSER_FAULTS as error:
        reason = str(error) or type(error).__name__
        raise ParseError(f"parse: {shown(url)} cannot be read: {reason}", url=url) from error
    return dict(document)


def _item(entry: Mapping[str, Any], context: Context, url: str) -> Item:
    try:
        return mend(read_entry(entry, context=context), entry, context)
    except _PARSER_FAULTS as error:
        raise ParseError(
            f"parse: {shown(url)} has an unreadable entry: {error}", url=url
        ) from error


def _base(head: Mapping[str, Any], *, version: str, url: str, home: str) -> str:
    """Return what relative links are relative to: Atom's document, RSS's site."""
    if version.startswith("atom") and url.startswith("http"):
        return url
    links = head.get("links")
    own = next((text_of(link, "href") for link in links or () if link.get("rel") == "self"), "")
    return home or absolute(own, base=url) or url
