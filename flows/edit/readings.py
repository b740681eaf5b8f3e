"""Reads items for comparing them: what each says, and what its feed says under anything."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, TypeVar

from flows.edit import addresses, titles
from flows.edit.addresses import NOWHERE, Address
from flows.edit.gist import Gist, gist, own_text
from flows.edit.likeness import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.edit.fingerprint import Text
    from flows.models import Item

T = TypeVar("T")

# A sentence under so many titles of one feed, and so many of its items, is not the piece's own.
TITLES_OF_BOILERPLATE = 3
SHARE_OF_BOILERPLATE = 0.05
# An address under which one feed tells more stories than this tells none of them.
MOST_TITLES_OF_ADDRESS = 3
# A feed of at least so many items, this share of which is on one site, is that site's own.
FEWEST_ITEMS_OF_PUBLISHER = 5
SHARE_OF_PUBLISHER = 0.8
# A title that more pages have is no story's: "Checking your browser before you continue".
MOST_PAGES_OF_TITLE = 12
# A run of words that this many texts share finds no look-alike.
COMMON = 40
_BUCKETS = 1 << 20
# Of each text's hashes so many are counted: a low one is low in every text that has it.
_LOWEST = 32
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """An item and what was read from it."""

    item: Item
    reading: Reading


def read(item: Item) -> Reading:
    """Return what an item says, seen by itself."""
    told = gist(item)
    return Reading(
        address=told.address,
        title=told.title,
        text=told.text,
        feed=item.feed,
        guid=item.guid,
        own=is_own(item, told.address),
    )


def read_all(items: Iterable[Item]) -> list[Member]:
    """Return the items with what they say, seen beside what else their feeds say.

    The result is in the order in which items come to lead: the publisher's own before a copy, the
    earlier before the later.
    """
    by_feed: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_feed[item.feed].append(item)
    members = [member for group in by_feed.values() for member in _read_feed(group)]
    members = _with_common_titles(members)
    members.sort(key=_precedence)
    return members


def _with_common_titles(members: Sequence[Member]) -> list[Member]:
    """Return the members, told which of their titles too many pages have."""
    told = _often((member.reading.title.key for member in members), more_than=MOST_PAGES_OF_TITLE)
    if not told:
        return list(members)
    pages: dict[str, set[str]] = defaultdict(set)
    for member in members:
        if member.reading.title.key in told:
            pages[member.reading.title.key].add(member.reading.address.url)
    common = {key for key, urls in pages.items() if len(urls) > MOST_PAGES_OF_TITLE}
    return [
        replace(member, reading=replace(member.reading, common=True))
        if member.reading.title.key in common
        else member
        for member in members
    ]


def is_own(item: Item, address: Address) -> bool:
    """Return whether an item's feed bears the name of the site it leads to."""
    return any(
        addresses.names_site(address, titles.compact(name)) for name in (item.feed, item.source)
    )


class Commons:
    """How many texts share each run of words, roughly: enough to pass over the common ones."""

    __slots__ = ("_counts",)

    def __init__(self, members: Sequence[Member]) -> None:
        self._counts = counts = array("H", bytes(2 * _BUCKETS))
        for member in members:
            for value in set(member.reading.text.hashes[:_LOWEST]):
                bucket = value % _BUCKETS
                if counts[bucket] <= COMMON:
                    counts[bucket] += 1

    def rare(self, text: Text, *, most: int) -> list[int]:
        """Return a text's few lowest hashes that few other texts have."""
        found: list[int] = []
        for value in dict.fromkeys(text.hashes[:_LOWEST] if text else ()):
            if self._counts[value % _BUCKETS] <= COMMON:
                found.append(value)
                if len(found) == most:
                    break
        return found


def _read_feed(items: Sequence[Item]) -> list[Member]:
    gists = [gist(item) for item in items]
    boilerplate = _boilerplate(items, gists)
    crowded = _crowded(items, gists)
    repeated = _repeated_guids(items, gists)
    home = _home([told.address for told in gists])
    members = []
    for item, told in zip(items, gists, strict=True):
        place = NOWHERE if told.address.url in crowded else told.address
        # What a publisher links to through a counter of its own is still its own.
        own = is_own(item, place) or bool(home and told.address.site in {home, ""})
        reading = Reading(
            address=place,
            title=told.title,
            text=own_text(item, told, boilerplate),
            feed=item.feed,
            guid="" if item.guid in repeated else item.guid,
            own=own,
        )
        members.append(Member(item, reading))
    return members


def _boilerplate(items: Sequence[Item], gists: Sequence[Gist]) -> set[int]:
    """Return the numbers of the sentences that stand under too many of a feed's titles."""
    least = max(TITLES_OF_BOILERPLATE, ceil(SHARE_OF_BOILERPLATE * len(items)))
    often = _often(chain.from_iterable(own.lines for own in gists), more_than=least - 1)
    told: dict[int, set[str]] = defaultdict(set)
    for item, own in zip(items, gists, strict=True):
        for line in often.intersection(own.lines):
            told[line].add(item.title)
    return {line for line, seen in told.items() if len(seen) >= least}


def _crowded(items: Sequence[Item], gists: Sequence[Gist]) -> set[str]:
    """Return the addresses under which the feed tells too many stories to mean one of them."""
    often = _often((own.address.url for own in gists), more_than=MOST_TITLES_OF_ADDRESS)
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for item, own in zip(items, gists, strict=True):
        if own.address.url in often:
            told[own.address.url].add((own.title.key, item.guid))
    return {
        url
        for url, seen in told.items()
        if url
        and len({key for key, _ in seen}) > MOST_TITLES_OF_ADDRESS
        and len({guid for _, guid in seen}) > MOST_TITLES_OF_ADDRESS
    }


def _repeated_guids(items: Sequence[Item], gists: Sequence[Gist]) -> set[str]:
    """Return the guids that the feed gives to several pages: they name none."""
    often = _often((item.guid for item in items), more_than=MOST_TITLES_OF_GUID)
    pages: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for item, own in zip(items, gists, strict=True):
        if item.guid in often:
            pages[item.guid].add((own.address.url, own.title.key))
    return {
        guid
        for guid, seen in pages.items()
        if len({url for url, _ in seen}) > 1 and len({key for _, key in seen}) > MOST_TITLES_OF_GUID
    }


# A post may be retitled once or twice under its guid; what has more titles is no name.
MOST_TITLES_OF_GUID = 2


def _often(names: Iterable[T], *, more_than: int) -> set[T]:
    """Return what stands there more often: of what is rare, sets cost more than counting all."""
    return {name for name, count in Counter(names).items() if count > more_than}


def _home(places: Sequence[Address]) -> str:
    """Return the site that nearly all of a feed's items are on, "" if there is none."""
    counted = Counter(place.site for place in places if place.site)
    if sum(counted.values()) < FEWEST_ITEMS_OF_PUBLISHER:
        return ""
    site, count = counted.most_common(1)[0]
    return site if count >= SHARE_OF_PUBLISHER * len(places) else ""


def _precedence(member: Member) -> tuple[object, ...]:
    item, reading = member.item, member.reading
    return (
        reading.text.republished,
        not reading.own,
        not reading.address.url or reading.address.opaque,
        item.published is None,
        item.published.timestamp() if item.published else 0.0,
        -reading.text.length,
        item.url,
        item.title,
        item.guid,
        item.feed,
        item.summary,
        item.content,
        item.source,
        item.author,
        item.first_seen or _LONG_AGO,
    )
