"""What every reader needs to make items: identity, absolute links, one guid per item."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from flows.gather.text import visible
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from flows.models import Feed, Item

# PostgreSQL indexes keys of up to 2,700 bytes; longer guids are somebody's mistake.
_LONGEST_GUID = 500
_LONGEST_URL = 2000
_SPACE = re.compile(r"\s+")
# Nearly every link: nothing odd in it, and without "/." no dots to resolve.
_PLAIN = re.compile(r"https?://[a-z0-9.-]+/[\w~%+=./-]{0,1000}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the items of one feed have in common."""

    feed: Feed
    base: str
    zone: tzinfo
    now: datetime
    title: str = ""
    author: str = ""

    @property
    def feed_name(self) -> str:
        """The feed's name in the settings; its address where it has none."""
        return self.feed.name or self.feed.url

    @property
    def source(self) -> str:
        """The publisher readers are shown, unless an item names its own."""
        return self.feed.name or self.title or host(self.feed.url)


@lru_cache(maxsize=64)
def host(url: str) -> str:
    """Return the host of an address without "www.", empty if it has none."""
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return name.removeprefix("www.")


def on_host(url: str, *names: str) -> bool:
    """Return whether an address is on one of these hosts or below."""
    name = host(url)
    return any(name == known or name.endswith("." + known) for known in names)


def absolute(link: str, *, base: str) -> str:
    """Return `link` as an absolute http(s) address, empty if it is none."""
    if _PLAIN.fullmatch(link) and "/." not in link:
        return link
    link = _SPACE.sub("%20", visible(link, limit=_LONGEST_URL + 1).strip())
    if not link or len(link) > _LONGEST_URL:
        return ""
    try:
        found = urljoin(base if base.startswith("http") else "https:", link)
        parts = urlsplit(found)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return ""
    return found if usable else ""


def identity(guid: str, *, url: str, made_of: Iterable[str]) -> str:
    """Return an item's guid: its own, else its address, else a hash of what it is made of."""
    known = visible(guid).strip() or url
    if known and len(known) <= _LONGEST_GUID:
        return known
    return "sha256:" + fingerprint([known] if known else made_of)


def fingerprint(parts: Iterable[str]) -> str:
    """Return a hash of these texts."""
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def distinct(items: Iterable[Item]) -> tuple[list[Item], int]:
    """Return the items with one guid each, and how many were told twice.

    Two items under one guid are two if their links differ (or else their titles). Both then get
    a guid of their own, so that which comes first in the document changes nothing.
    """
    told: dict[tuple[str, str, str], Item] = {}
    count = 0
    for item in items:
        count += 1
        told.setdefault((item.guid, item.url, _what(item)), item)
    shared = Counter(item.guid for item in told.values())
    kept = {}
    for item in told.values():
        own = item if shared[item.guid] == 1 else _renamed(item)
        kept[own.guid] = own
    return list(kept.values()), count - len(kept)


def _what(item: Item) -> str:
    texts = () if item.url else (item.summary, item.content)
    return fingerprint((item.title, str(item.published), *texts))


def _renamed(item: Item) -> Item:
    return replace(item, guid="sha256:" + fingerprint((item.guid, item.url, _what(item))))


def problems_of(items: Iterable[Item], *, empty: int = 0, repeated: int = 0) -> list[str]:
    """Return what is to be said of a document's entries, in plain sentences."""
    unlinked = sum(1 for item in items if not item.url)
    counts = {
        "left out, with nothing in them": empty,
        "told twice": repeated,
        "without a usable link": unlinked,
    }
    return [f"{counted(count, 'entry')} {what}" for what, count in counts.items() if count]
