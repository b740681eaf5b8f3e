"""The keys under which history knows a story: its address, its guid, its title, its text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flows.edit.fingerprint import sketch
from flows.edit.likeness import THRESHOLDS, Reading
from flows.edit.readings import read
from flows.models import Remembered

if TYPE_CHECKING:
    from flows.models import Item

# These name one story by themselves; the others find what is then compared.
TELLING = ("url:", "guid:", "medium:", "title:")
# A guid shorter than this is a number of its feed's own, which it may give out again.
SHORTEST_GUID = 8
# What a key may have in characters: indexes of some databases take no more than 2,700 bytes.
LONGEST_KEY = 600


def history_keys(item: Item) -> set[str]:
    """Return the keys of an item; none for an item that says nothing."""
    return keys_of(read(item))


def remembered(item: Item, *, issue: int) -> Remembered:
    """Return what history is to keep of an item that ran in an issue."""
    reading = read(item)
    return Remembered(
        issue=issue,
        feed=_storable(item.feed),
        guid=_storable(item.guid),
        url=_storable(item.url),
        title=_storable(item.title),
        fingerprint=reading.text.pack(),
        keys=tuple(sorted(keys_of(reading))),
    )


def keys_of(reading: Reading) -> set[str]:
    """Return the keys of what was read from an item."""
    address, title = reading.address, reading.title
    keys = []
    if address.url:
        keys.append(("front:" if address.is_front else "url:") + address.url)
    if len(reading.guid) >= SHORTEST_GUID:
        keys.append(f"guid:{reading.feed} {reading.guid}")
    if address.medium:
        keys.append(f"medium:{address.medium}")
    if address.project:
        keys.append(f"project:{address.project}")
    if address.url and not address.is_front:
        keys.append(f"page:{address.loose}")
    if title.weight >= THRESHOLDS.title_alone:
        # A column's title is the same each week; the number at the end of its address is not.
        keys.append(f"title:{title.key.strip()} {address.counter}".rstrip())
    parts = (title.key, *(part.key for part in title.parts))
    keys += [f"like:{key.strip()}" for key in parts if key]
    keys += [f"text:{value:08x}" for value in sketch(reading.text)]
    return set(map(_shorten, keys))


def _storable(text: str) -> str:
    """Return the text without what no database takes: halves of characters, zero bytes."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode(errors="replace").decode().replace("\x00", "")


def _shorten(key: str) -> str:
    key = _storable(key)
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return key[: LONGEST_KEY - len(digest)] + digest
