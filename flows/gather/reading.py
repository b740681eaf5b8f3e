"""How a feed is read: what was read otherwise is asked for and read anew."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.models import Feed


def reading(feed: Feed) -> str:
    """Return a mark of all that decides what comes out of the feed's bytes.

    That is this program, its parser, and the feed's name, kind and zone in the settings. A 304
    to someone who would now read the same bytes differently would keep the old reading for good.
    """
    parts = (*readers(), feed.kind.value, feed.timezone, feed.name)
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


@cache
def readers() -> tuple[str, str]:
    """Return the versions of this program and of its parser; who has threads asks before them."""
    return version("newsletter"), version("feedparser")
