"""Rules for links: where they lead, what they say, how they are seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.render.clean import safe_url
from flows.render.rules.cascade import plain_rules, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.render.rules.reading import Reading

_VAGUE = frozenset(
    {"click", "click here", "here", "link", "more", "read more", "learn more", "this", "this link"}
)
_SHORTENERS = frozenset(
    "bit.ly buff.ly cutt.ly dlvr.it goo.gl is.gd lnkd.in ow.ly rebrand.ly shorturl.at t.co t.ly "
    "tiny.cc tinyurl.com trib.al".split()
)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[a-z0-9-]+(?:\.[a-z0-9-]+)+/\S*", re.IGNORECASE)
# Titles such as "Node.js", "README.md", "ASP.NET" or "crates.io" are names; of these endings a
# title is a host.
_BARE_HOST = re.compile(r"(?:[a-z0-9-]+\.)*([a-z0-9-]+)\.(?:com|org|edu|gov)", re.IGNORECASE)
_REST = re.compile(r"[?#]")
# A theme's merge tag that nobody fills in, or that escaping went through. In a story's address
# all of these are percent-encoded.
_BROKEN_TAG = re.compile(r"\{\{|\{%|<%|\*\||\s")
_LOOPBACK = re.compile(r"(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|::1")


def said(reading: Reading) -> Iterator[str]:
    """Every link says something."""
    for anchor in reading.links:
        if not anchor.words and not anchor.element.xpath(".//img[string(@alt)]"):
            yield f"The link to {anchor.url[:100]} has no text."


def descriptive(reading: Reading) -> Iterator[str]:
    """A link says where it leads, for those who hear links alone."""
    for anchor in reading.links:
        plain = anchor.words.lower().strip(" .…»>→")
        if plain in _VAGUE or re.fullmatch(r"(https?://|www\.)\S+", anchor.words):
            yield f"The link text {anchor.words[:60]!r} does not say where it leads."


def absolute(reading: Reading) -> Iterator[str]:
    """Every link is an absolute web or mail address."""
    for anchor in reading.links:
        if anchor.url == reading.mail.unsubscribe_tag:
            continue
        if not anchor.url or _BROKEN_TAG.search(anchor.url):
            yield f"The link {anchor.words[:60]!r} leads to {anchor.url[:60]!r}, a broken address."
        elif not re.match(r"(https?://|mailto:)[^/]", anchor.url):
            yield f"The link {anchor.words[:60]!r} leads to {anchor.url[:60]!r}: not the web."


def whole_tags(reading: Reading) -> Iterator[str]:
    """The merge tag came through byte for byte, and no other is there."""
    tag = reading.mail.unsubscribe_tag
    core = tag.strip("-")
    for name, text in (("HTML", reading.mail.html), ("text", reading.mail.text)):
        if core and text.lower().count(core.lower()) != text.count(tag):
            yield f"The unsubscribe tag is damaged in the {name} part."
    if found := re.search("<%[^>]*", reading.mail.html):
        yield f"The HTML part has a merge tag that nobody fills in: {found[0]!r}."


def in_browser(reading: Reading) -> Iterator[str]:
    """There is a way to read the issue on the web."""
    wanted = f"/issues/{reading.mail.issue:03}"
    if not any(anchor.url.endswith(wanted) for anchor in reading.anchors):
        yield "There is no link to the issue on the web, where a clipped mail can be read."


def honest(reading: Reading) -> Iterator[str]:
    """A link leads where it says."""
    for anchor in reading.links:
        host = _host(anchor.url)
        if host in _SHORTENERS:
            yield f"{anchor.url[:100]} hides where it leads; link the page itself."
        if not _leads_there(anchor.words, anchor.url):
            yield f"The link says {anchor.words[:60]!r} but leads to {host}."


def _leads_there(said: str, url: str) -> bool:
    """Tell whether a link whose text is an address leads there; any other text promises nothing."""
    if written := _ADDRESS.fullmatch(said):
        return _host(written[0]) == _host(url)
    # A site's pages may be on a host of another ending, or its own place on another's.
    named = _BARE_HOST.fullmatch(said)
    return named is None or named[1].lower() in _REST.split(url.lower(), maxsplit=1)[0]


def _host(written: str) -> str:
    address = written if "://" in written else f"https://{written}"
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _is_here(url: str) -> bool:
    """Tell whether an address is of the machine that asks for it."""
    return bool(_LOOPBACK.fullmatch(_host(url)))


def underlined(reading: Reading) -> Iterator[str]:
    """A link is not told by its colour alone."""
    overrides = plain_rules(reading)
    for anchor in reading.anchors:
        found = styled(anchor.element, overrides)
        line = found.get("text-decoration-line", "underline")
        if "underline" not in found.get("text-decoration", "") or "underline" not in line:
            yield f"The link {anchor.words[:60]!r} is not underlined."


def safe(reading: Reading) -> Iterator[str]:
    """No link carries credentials or hides its host's script."""
    for anchor in reading.links:
        if anchor.url.startswith("http") and safe_url(anchor.url) != anchor.url:
            yield f"The link {anchor.url[:100]} has credentials, or characters that deceive."


def public(reading: Reading) -> Iterator[str]:
    """No link leads to the machine of whoever reads it, unless the newsletter is on one itself."""
    if _is_here(reading.brand.base_url):
        return
    for anchor in reading.links:
        if _is_here(anchor.url):
            yield f"The link {anchor.url[:100]} leads to the reader's own machine."


def encrypted(reading: Reading) -> Iterator[str]:
    """Links use https."""
    for anchor in reading.links:
        if anchor.url.startswith("http://") and not _is_here(anchor.url):
            yield f"The link {anchor.url[:100]} is not encrypted; try it with https."
