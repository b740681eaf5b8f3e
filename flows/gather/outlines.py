"""Sorts out a list of feeds before it is taken in: what is new, there twice, or looks dead."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address
from socket import inet_aton, inet_ntoa
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from flows.gather.guards import is_public, shown
from flows.gather.items import absolute, host, on_host
from flows.models import Feed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.gather.opml import Outline

# What stands behind them may have moved or ended long ago, and nobody but them knows it.
_MIDDLEMEN = ("t.co", "bit.ly", "feedburner.com", "feedproxy.google.com", "feeds.google.com")
_FEED_SCHEME = re.compile(r"^feed:(?://)?(?=https?:)", re.IGNORECASE)
# A drive of Windows has one letter.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
# Blog software that answers to any spelling of the value (Squarespace: ?format=RSS).
_FOLDED_KEYS = frozenset({"format", "alt", "type"})


class Fate(StrEnum):
    """What becomes of a line of the list."""

    ADDED = "added"
    DOUBTFUL = "added, but look at it"
    KNOWN = "already there"
    REPEATED = "twice in the list"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """A line of the list and what becomes of it; `feed` is what goes into the settings."""

    outline: Outline
    fate: Fate
    reason: str = ""
    feed: Feed | None = None


def sort_out(
    outlines: Iterable[Outline], *, known: Iterable[Feed], sections: Iterable[str]
) -> list[Sorted]:
    """Return what becomes of each line; of http and https twins the https one is taken."""
    named = {section.casefold(): section for section in sections}
    there = {key(feed.url): feed for feed in known}
    found: list[Sorted] = []
    taken: dict[str, int] = {}
    for outline in outlines:
        line = _judged(outline, there, named)
        if line.feed is None:
            found.append(line)
            continue
        same = taken.setdefault(key(line.feed.url), len(found))
        if same == len(found):
            found.append(line)
        else:
            first, again = _of_two(found[same], line)
            found[same] = first
            found.append(again)
    return found


def key(url: str) -> str:
    """Return what the spellings of one feed's address have in common."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    except ValueError:
        return url
    query = [
        (name, value.lower() if name.lower() in _FOLDED_KEYS else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return f"{host(url)}{port}{parts.path.rstrip('/')}?{urlencode(query)}"


def _judged(outline: Outline, there: dict[str, Feed], sections: dict[str, str]) -> Sorted:
    url = without_feed_scheme(outline.url)
    if why := _useless(outline, url):
        return Sorted(outline=outline, fate=Fate.LEFT_OUT, reason=why)
    if same := there.get(key(url)):
        return Sorted(outline=outline, fate=Fate.KNOWN, reason=_how_same(url, same.url))
    section = sections.get(outline.folder.casefold(), "")
    feed = Feed(url=url, name=outline.title, section=section)
    if on_host(url, *_MIDDLEMEN):
        why = f"{host(url)} only passes on what is elsewhere; feeds check shows if it still does"
        return Sorted(outline=outline, fate=Fate.DOUBTFUL, reason=why, feed=feed)
    if outline.site and _is_own_machine(outline.site):
        why = f"its site is said to be {shown(outline.site)}"
        return Sorted(outline=outline, fate=Fate.DOUBTFUL, reason=why, feed=feed)
    return Sorted(outline=outline, fate=Fate.ADDED, feed=feed)


def without_feed_scheme(url: str) -> str:
    """Return an address that browsers hand to feed readers (feed:) as the web's own."""
    url = _FEED_SCHEME.sub("", url)
    return "http://" + url[7:] if url.lower().startswith("feed://") else url


def _useless(outline: Outline, url: str) -> str:
    if outline.broken:
        return f"the list is broken here ({outline.broken}), and what follows may be missing"
    if not url:
        command = f"newsletter feeds add {shlex.quote(outline.site)}"
        return f"it names no feed{f'; {command} looks for it' if outline.site else ''}"
    if not _SCHEME.match(url):
        return f"{url} is no web address but a file"
    if not url.lower().startswith(("http://", "https://")) or not _is_address(url):
        return f"{shown(url)} is no web address"
    if _is_own_machine(url):
        return f"{shown(url)} is on somebody's own machine or network"
    return ""


def _is_address(url: str) -> bool:
    return bool(absolute(url, base="")) and not any(map(str.isspace, host(url)))


def _is_own_machine(url: str) -> bool:
    name = _dotted(host(url))
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal", ".lan")):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return not is_public(name)


def _dotted(name: str) -> str:
    # 127.1 and 2130706433 are 127.0.0.1 to every resolver.
    with suppress(OSError, UnicodeError):
        return inet_ntoa(inet_aton(name))
    return name


def _of_two(first: Sorted, again: Sorted) -> tuple[Sorted, Sorted]:
    if first.feed is None or again.feed is None:
        return first, again
    why = _how_same(again.feed.url, first.feed.url)
    name = first.feed.name or again.feed.name
    feed = replace(first.feed, name=name)
    if again.feed.url.startswith("https:") and first.feed.url.startswith("http:"):
        feed = replace(feed, url=again.feed.url)
    spent = replace(again, fate=Fate.REPEATED, reason=why, feed=None)
    return replace(first, feed=feed), spent


def _how_same(url: str, known: str) -> str:
    if url == known:
        return f"{shown(url)}"
    if url.partition(":")[2] == known.partition(":")[2]:
        return f"{shown(url)} is {shown(known)} over another protocol"
    return f"{shown(url)} is another spelling of {shown(known)}"
