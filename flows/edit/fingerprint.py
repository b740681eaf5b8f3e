"""Fingerprints of texts: what of a summary is the piece's own, as a set of hashed word triples."""

from __future__ import annotations

import html
import re
import sys
import zlib
from array import array
from itertools import groupby, islice
from typing import TYPE_CHECKING

from flows.edit.signs import Signed

if TYPE_CHECKING:
    from collections.abc import Iterable

# How much of a summary or content is read: feeds cut at different lengths, all near the start.
LONGEST_MARKUP = 20_000
MOST_WORDS = 160
SHINGLE = 3
# A text of fewer words says too little to compare.
FEWEST_WORDS = 6
# How many of a text's hashes stand for it where look-alikes are sought.
SKETCH = 4

_SCRIPT = re.compile(r"<(script|style|head)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"</?(?:p|div|li|br|h\d|blockquote|tr|td|ul|ol|pre)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>|<!--")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# Where a text was cut, half a word may stand.
_HALF_WORD = re.compile(r"\s\S*(?:…|\.\.\.)$")
_CUT = re.compile(r"\s*(?:\[?\s*(?:…|\.\.\.|&hellip;)\s*\]?|\[more\])\s*$")
# What the last pattern ends in; without it, it would be tried at each space.
_ENDS_OF_CUT = ("…", "...", "&hellip;", "]")
_RULE = re.compile(r"[^\w\s]{4,}")
# "The post X appeared first on Y": WordPress puts it behind a summary that it cut.
_APPEARED = Signed(
    re.compile(
        r"\bThe (?:post|article|entry) .{1,300}? "
        r"(?:appeared first|was first published) (?:on|at|in)\b.*$",
        re.IGNORECASE | re.DOTALL,
    ),
    ("appeared first", "was first published"),
)
# Sentences a publisher puts under anything: where it stood first, where to read on, who pays.
_BOILERPLATE = Signed(
    re.compile(
        r"^\W*(?:this|the) (?:\w+ )?(?:post|article|blog|story|piece|content|entry)\b.{0,40}"
        r"\b(?:originally|first|previously)\b"
        r"|\b(?:originally|first|previously) (?:published|appeared|posted)\b"
        r"|\b(?:re)?(?:published|posted|printed|shared) (?:here )?with "
        r"(?:the )?(?:\w+ )?permission\b"
        r"|\bcross-?posted (?:from|on|at)\b"
        r"|^\W*(?:continue|keep) reading\b|^\W*tagged with\b"
        r"|^\W*(?:read|see|view|click)\b.{0,40}"
        r"\b(?:full|more|rest|original|entire|article|story|web|here)\b"
        r"|\b(?:sponsors?|sponsor[se]?d? by|sponsorships?)\b"
        r"|\b(?:subscribe|sign up|follow us|join us|contact me|contact us|other channels)\b"
        r"|\b(?:use|uses|using) cookies\b|\baffiliate links?\b"
        r"|\b(?:opinions|views) (?:in this|expressed)\b"
        r"|^\W*(?:cover |featured |header )?(?:image|photo|picture|illustration)s?:? "
        r"(?:by|from|credit|courtesy)\b"
        r"|\b(?:all rights reserved|view (?:on|in) (?:the )?(?:web|browser))\b"
        r"|^\W*(?:(?:submitted by|comments url|article url|# comments)\b|points:)",
        re.IGNORECASE,
    ),
    (
        *(
            "originally",
            "first",
            "previously",
            "permission",
            "cross",
            "read",
            "see",
            "view",
            "click",
        ),
        *("sponsor", "subscribe", "sign up", "follow us", "join us", "contact", "other channels"),
        *("all rights reserved", "submitted by", "comments", "article url", "points:", "cookies"),
        *("affiliate", "opinions", "image", "photo", "picture", "illustration", "tagged with"),
    ),
)
_REPUBLISHED = Signed(
    re.compile(
        r"\b(?:originally|first) (?:published|appeared|posted)\b"
        r"|\b(?:re)?(?:published|posted|printed) (?:here )?with (?:the )?(?:\w+ )?permission\b"
        r"|\bcross-?posted (?:from|on|at)\b|\breprinted from\b|\bsyndicated from\b",
        re.IGNORECASE,
    ),
    ("published", "appeared", "posted", "printed", "syndicated"),
)


class Text:
    """What of a summary is the piece's own: its hashed word triples, sorted, and its length.

    `republished` says that the text names another place where it stood first.
    """

    __slots__ = ("hashes", "length", "republished")

    def __init__(self, hashes: array[int], *, length: int, republished: bool = False) -> None:
        self.hashes = hashes
        self.length = length
        self.republished = republished

    def __bool__(self) -> bool:
        return self.length >= FEWEST_WORDS

    def pack(self) -> bytes:
        """Return the fingerprint as bytes, four a hash; `unpack` reads it on any machine."""
        return swapped(self.hashes).tobytes()


def unpack(packed: bytes) -> Text:
    """Return the text behind packed bytes; its length is known from its hashes."""
    read = array("I")
    read.frombytes(packed)
    # Whoever packed them may have kept the order of the words.
    hashes = array("I", sorted(swapped(read)))
    return Text(hashes, length=len(hashes) + SHINGLE - 1 if hashes else 0)


def swapped(values: array[int]) -> array[int]:
    """Return numbers with their bytes in network order, or back from it."""
    turned = values[:]
    if sys.byteorder == "little":
        turned.byteswap()
    return turned


NO_TEXT = Text(array("I"), length=0)


def sentences(markup: str) -> list[str]:
    """Return the sentences of a summary that are its own, without markup and usual boilerplate."""
    return [_whole_words(line) for line in _lines(markup) if not _is_boilerplate(line)]


def _whole_words(line: str) -> str:
    return _HALF_WORD.sub("", line) if line.endswith(_ENDS_OF_CUT) else line


def _is_boilerplate(line: str) -> bool:
    return _BOILERPLATE.search(line) is not None


def republished(markup: str) -> bool:
    """Return whether the text says that it stood elsewhere first."""
    return _REPUBLISHED.search(markup[:LONGEST_MARKUP]) is not None


def fingerprint(lines: Iterable[str], *, republished: bool = False) -> Text:
    """Return the fingerprint of a text given as sentences."""
    words = [word for line in lines for word in _WORD.findall(line.casefold().replace("’", "'"))]
    words = words[:MOST_WORDS]
    if len(words) < SHINGLE:
        return Text(array("I"), length=len(words), republished=republished)
    hashes = sorted(
        zlib.crc32(" ".join(words[at : at + SHINGLE]).encode(errors="replace"))
        for at in range(len(words) - SHINGLE + 1)
    )
    return Text(array("I", hashes), length=len(words), republished=republished)


def containment(one: Text, other: Text) -> float:
    """Return how much of the shorter text stands in the longer one, from 0 to 1."""
    first, second = set(one.hashes), set(other.hashes)
    fewer = min(len(first), len(second))
    return len(first & second) / fewer if fewer else 0.0


def sketch(text: Text) -> list[int]:
    """Return the few hashes by which look-alikes of a text are found; none of a short text."""
    return [value for value, _ in islice(groupby(text.hashes), SKETCH)] if text else []


def _lines(markup: str) -> list[str]:
    text = markup[:LONGEST_MARKUP]
    if "<" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", _SCRIPT.sub(" ", text)))
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", text))
    text = _APPEARED.sub("", text).strip()
    if text.endswith(_ENDS_OF_CUT):
        text = _CUT.sub("", text)
    return [line.strip() for line in _SENTENCE.split(_RULE.sub("\n", text)) if line.strip()]
