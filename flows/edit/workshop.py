"""What is known of a source from all its items: the lines that repeat, the channel's name."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.edit import clean
from flows.edit.characters import one_line
from flows.edit.issue_lines import may_be_linked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flows.models import Item

# So many items of a source show what repeats; more cost time and tell nothing new.
_SAMPLE = 6
# With those of other weeks so many: what stands in half of them is said every week. Less may be
# the news of three of them.
SAMPLE_OF_WEEKS = 8
_SHARE_OF_WEEKS = 0.5

# Sites that show everybody's work: as a source, their name says little.
SITES = {
    "youtube.com": "YouTube",
    "youtu.be": "YouTube",
    "vimeo.com": "Vimeo",
    "twitch.tv": "Twitch",
}
_FEEDS_OF_ALL = frozenset(
    (
        "feeds.feedblitz.com",
        "feeds.feedburner.com",
        "github.com",
        "medium.com",
        "reddit.com",
        *SITES,
    )
)
_NAMES_OF_SITES = frozenset(name.casefold() for name in SITES.values())


def no_earlier(_feed: str) -> tuple[Item, ...]:
    """Return what is known of a feed's earlier items where nobody keeps any."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Every source's items, what was found in a sample of them so far, and the issue's year.

    `earlier` returns some of what each source in a feed of this name told before; it is asked where
    there are few items of one: who tells one thing a week repeats himself from week to week.
    """

    year: int
    earlier: Callable[[str], Iterable[Item]] = no_earlier
    samples: dict[tuple[str, str], list[Item]] = field(default_factory=lambda: defaultdict(list))
    found: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)


def workshop(
    items: Iterable[Item], *, year: int, earlier: Callable[[str], Iterable[Item]] = no_earlier
) -> Workshop:
    """Return a workshop for an issue of this year that knows the sources of these items."""
    made = Workshop(year=year, earlier=earlier)
    for item in items:
        made.samples[item.feed, item.source].append(item)
    return made


def repeated(item: Item, shop: Workshop) -> frozenset[str]:
    """Return what repeats among the items of this item's source; found once for each."""
    key = (item.feed, item.source)
    if key not in shop.found:
        shop.found[key] = _repeated(shop, *key)
    return shop.found[key]


def _repeated(shop: Workshop, feed: str, source: str) -> frozenset[str]:
    told = shop.samples.get((feed, source), [])
    # From first to last: a jingle may have come or gone on the way.
    sample = told[:: -(-len(told) // _SAMPLE)] if told else []
    found = clean.repeats(sample)
    if len(told) >= _SAMPLE:
        return found
    before = [one for one in shop.earlier(feed) if one.source == source]
    weeks = [*sample, *before[: SAMPLE_OF_WEEKS - len(sample)]]
    return found | clean.repeats(weeks, share=_SHARE_OF_WEEKS) if before else found


def site(item: Item) -> str:
    """Return the name of the site that shows everybody's videos, empty if it is none."""
    return SITES.get(host(item.url), "")


def host(url: str) -> str:
    """Return the host of an address without "www.", empty if it has none."""
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return name.removeprefix("www.").removeprefix("m.")


def shown_source(item: Item) -> str:
    """Return the publisher readers are shown: for a video on a site of all, its channel."""
    name = _name(item.source) or _name(item.feed)
    if item.author and name.casefold() in _NAMES_OF_SITES:
        name = _name(item.author)
    return name or host(item.url) or "unknown source"


def shown_feed(item: Item) -> str:
    """Return what the editor calls a feed; one without a name goes by its host's.

    Where everybody has feeds, it goes by who it is of.
    """
    name = one_line(item.feed)
    if not may_be_linked(name):
        return name
    place = host(name)
    return shown_source(item) if not place or place in _FEEDS_OF_ALL else place


# The same few names stand at thousands of items.
@lru_cache(maxsize=1024)
def _name(text: str) -> str:
    # A dot between spaces is between an entry's source and its detail.
    return one_line(text).replace(" · ", " – ")
