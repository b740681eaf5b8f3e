"""Tells a web page from a feed, and finds the feeds it names."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

_FEED_ROOT = re.compile(r"<(?:[\w-]+:)?(?:rss|feed|rdf|channel)[\s>]", re.IGNORECASE)
_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE)
_FEED_TYPES = frozenset(
    {
        "application/atom+xml",
        "application/feed+json",
        "application/rdf+xml",
        "application/rss+xml",
        "text/xml",
    }
)
_HEAD = 3000
_FAR = 200_000
_MOST = 5


def is_page(text: str) -> bool:
    """Return whether `text` is HTML rather than a feed."""
    page = _PAGE.search(text[:_HEAD])
    if page is None:
        return False
    root = _FEED_ROOT.search(text[:_HEAD])
    return root is None or page.start() < root.start()


def alternates(text: str, *, url: str) -> list[str]:
    """Return the addresses of the feeds a page names (`<link rel=alternate>`), at most five."""
    finder = _Finder()
    finder.feed(text[:_FAR])
    base = _joined(url, finder.base)
    # A blog names the feed of its comments beside the one of its posts.
    named = sorted(finder.found, key=lambda link: "comment" in " ".join(link).lower())
    found = dict.fromkeys(_joined(base, link) for link, _title in named)
    return [link for link in found if link.startswith(("http://", "https://"))][:_MOST]


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


class _Finder(HTMLParser):
    """Collects the links of a page's head; the parser's interface wants a class."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a `<base>` and each `<link>` to a feed."""
        values = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = values.get("href", "")
        relations = values.get("rel", "").lower().split()
        is_feed = values.get("type", "").lower().partition(";")[0].strip() in _FEED_TYPES
        if tag == "link" and "alternate" in relations and is_feed and values.get("href"):
            self.found.append((values["href"].strip(), values.get("title", "")))
