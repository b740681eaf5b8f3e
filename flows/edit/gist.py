"""What an item says by itself, read once: kept beside the item, so that no draft reads it again.

A gist says which rules read it and of which texts: of other ones it is not believed, and the item
is read anew. It may be lost or stale at any time; what comes out is the same.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from flows.edit import addresses, clean, titles
from flows.edit.addresses import Address
from flows.edit.canonical import canonical
from flows.edit.fingerprint import SHINGLE, Text, fingerprint, republished, sentences, swapped
from flows.edit.sentences import count
from flows.edit.titles import Head, Title
from flows.models import Kind

if TYPE_CHECKING:
    from flows.models import Item

# The rules by which an item is read: a change in one of these files makes old gists worthless.
_RULES = (
    *("addresses", "canonical", "fingerprint", "gist"),
    *("redirectors", "sites", "titles", "tracking"),
    *("boilerplate", "characters", "clean", "markup", "sentences", "signs"),
)
# Rules, texts, how many bytes the facts are, how many sentences, how many words are compared,
# whether it says that it stood elsewhere first, how many words a video's description is.
_HEAD = struct.Struct(">8sIIIH?H")
_MOST_COUNTED = 0xFFFF
# What the facts begin with: a list of lists, the first value a text.
_FACTS = b'[["'


@dataclass(frozen=True, slots=True)
class Gist:
    """What an item says by itself; `lines` has a number for each sentence of its text.

    `sentences` are those themselves, while they are known.
    """

    address: Address
    title: Title
    lines: array[int]
    text: Text
    sentences: tuple[str, ...] = ()


def gist(item: Item) -> Gist:
    """Return what an item says, as it was kept with it or read now."""
    return _kept(item) or _read(item)


def spelled(item: Item) -> str:
    """Return the one spelling of an item's address, as it was kept with it or made now."""
    head = _head(item)
    if not head:
        return canonical(item.url)
    # The first of its facts: of the others nothing is to be known here.
    start, data = head.facts.start + len(_FACTS), item.gist
    first = data[start : data.index(b'"', start)]
    return orjson.loads(data[head.facts])[0][0] if b"\\" in first else first.decode()


def words_of_video(item: Item) -> int:
    """Return how many words a video's description is without boilerplate; 0 of anything else.

    Beyond 65,535 they are not counted.
    """
    head = _head(item)
    return head.words_of_video if head else _described(item)


def packed(item: Item) -> bytes:
    """Return an item's gist as bytes to keep with it; none of halves of characters."""
    told = _read(item)
    try:
        facts = _facts(told)
    except orjson.JSONEncodeError:
        return b""
    head = _HEAD.pack(
        mark(),
        _check(item),
        len(facts),
        len(told.lines),
        told.text.length,
        told.text.republished,
        _described(item),
    )
    return b"".join((head, facts, swapped(told.lines).tobytes(), told.text.pack()))


@cache
def mark() -> bytes:
    """Return what every gist begins with that these rules made, and none of any other version's."""
    digest = blake2b(digest_size=8)
    # Python's own rules for letters change with its versions.
    digest.update(sys.version.encode())
    for name in _RULES:
        digest.update((files("flows.edit") / f"{name}.py").read_bytes())
    return digest.digest()


def own_text(item: Item, told: Gist, boilerplate: set[int]) -> Text:
    """Return an item's text without the sentences with these numbers."""
    if boilerplate.isdisjoint(told.lines):
        return told.text
    said = told.sentences or sentences(_markup(item))
    numbered = zip(said, told.lines, strict=True)
    kept = [sentence for sentence, number in numbered if number not in boilerplate]
    return fingerprint(kept, republished=told.text.republished)


def _markup(item: Item) -> str:
    return item.summary or item.content


def _described(item: Item) -> int:
    if item.kind is not Kind.VIDEO:
        return 0
    return min(sum(map(count, clean.body(item))), _MOST_COUNTED)


def _read(item: Item) -> Gist:
    markup = _markup(item)
    said = tuple(sentences(markup))
    return Gist(
        address=addresses.read(item.url),
        title=titles.read(item.title),
        lines=array("Q", map(_number, said)),
        text=fingerprint(said, republished=republished(markup)),
        sentences=said,
    )


def _number(line: str) -> int:
    # Two checksums of 32 bits: a feed's sentences are thousands, and one would be too few.
    data = line.encode(errors="replace")
    return zlib.crc32(data) << 32 | zlib.adler32(data)


def _kept(item: Item) -> Gist | None:
    head = _head(item)
    if head is None:
        return None
    data, end = item.gist, head.facts.stop + 8 * head.lines
    address, title = orjson.loads(data[head.facts])
    lines, hashes = array("Q"), array("I")
    lines.frombytes(data[head.facts.stop : end])
    hashes.frombytes(data[end:])
    return Gist(
        address=_address(*address),
        title=_title(*title),
        lines=swapped(lines),
        text=Text(swapped(hashes), length=head.length, republished=head.republished),
    )


class _Head(NamedTuple):
    """What heads a gist: where its facts are, how many sentences and words there are, the rest."""

    facts: slice
    lines: int
    length: int
    republished: bool
    words_of_video: int


def _head(item: Item) -> _Head | None:
    """Return what heads the gist kept with an item, if these rules made it of these texts."""
    data = item.gist
    if len(data) < _HEAD.size:
        return None
    rules, check, size, lines, length, stood_elsewhere, words = _HEAD.unpack_from(data)
    if rules != mark() or check != _check(item):
        return None
    end = _HEAD.size + size
    if len(data) != end + 8 * lines + 4 * max(0, length - SHINGLE + 1):
        return None
    return _Head(slice(_HEAD.size, end), lines, length, stood_elsewhere, words)


def _check(item: Item) -> int:
    told = f"{item.url}\n{item.title}\n{_markup(item)}"
    if item.kind is Kind.VIDEO:
        # What it shows may be another of its texts than is compared.
        told = f"{told}\nvideo\n{item.content}"
    return zlib.crc32(told.encode(errors="replace"))


def _facts(told: Gist) -> bytes:
    """Return address and title as JSON."""
    facts = (_values(told.address), _values(told.title))
    return orjson.dumps(facts, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _values(told: Address | Title | Head) -> list[Any]:
    # Not astuple, which copies every text.
    return [getattr(told, name) for name in told.__slots__]


def _plain(value: Any) -> list[Any]:
    """Return as a list what JSON does not know: a part of a title, or the set of its numbers."""
    return _values(value) if isinstance(value, Head) else sorted(value)


def _address(*values: Any) -> Address:
    url, host, path, query, fragment, site, slug, *rest = values
    pairs = tuple(map(tuple, query))
    words = tuple(map(intern, slug))
    return Address(url, intern(host), path, pairs, fragment, intern(site), words, *rest)


def _title(*values: Any) -> Title:
    key, words, numbers, weight, heads, tail, year = values
    return Title(
        key,
        tuple(map(intern, words)),
        frozenset(numbers),
        weight,
        tuple(Head(*head) for head in heads),
        None if tail is None else Head(*tail),
        year,
    )
