"""Plain text out of what publishers write: titles, first words, lines."""

from __future__ import annotations

import html
import re
from itertools import takewhile
from urllib.parse import unquote, urlsplit

# A body no reader needs whole; it bounds the database, not the reading.
MOST_CHARACTERS = 200_000
LONGEST_TITLE = 300
FIRST_WORDS = 80
# A line of fewer words is no title by itself.
_SAYS_ENOUGH = 3
_SENTENCE_ENDS = (".", "!", "?", "\u2026", ":")
_SENTENCE_END = re.compile(r"(?<=[\w)\"'’”])[.!?]+[\"'’”)]*(?= [A-Z\"'‘“(])")
_NEVER_LAST = frozenset("E.g e.g I.e i.e cf vs Dr Mr Mrs Ms Prof St Jr Sr Inc Ltd".split())
# "J. Smith" and "the U.S. Navy"; "you and I." is none.
_INITIAL = re.compile(r"(?:.*\.)?[A-HJ-Z]")
# What a letter is behind, or a sentence begins with, and a name is and does not.
_LETTERED = frozenset("class grade option plan type vitamin".split())
_OPENER = re.compile(
    r"\W+(?:and|but|it|nobody|that|the|then|these|they|this|we|when|you)\b", re.IGNORECASE
)
UNTITLED = "Untitled"

# Direction marks, zero-width spaces and soft hyphens: invisible, and they change what is seen.
# Joiners (U+200C, U+200D) stay: emoji and Persian are spelled with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SILENT = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
# What titles are marked up with. Other words in angle brackets are what the title is about.
_PAIRED = re.compile(
    r"<(a|abbr|b|big|cite|code|del|div|em|font|h[1-6]|i|ins|kbd|mark|p|q|s|samp|small|span"
    r"|strike|strong|sub|sup|tt|u|var)(?:\s[^<>]*)?>(.*?)</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
_VOID = re.compile(r"<(?:br|hr|img|wbr)\b[^<>]*>", re.IGNORECASE)
_BLOCK = re.compile(
    r"<(?:/?(?:address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|footer|form"
    r"|h[1-6]|header|hr|main|nav|ol|p|pre|section|table|td|th|tr|ul)|/li)\b[^<>]*>",
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"<li\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<[!?][^<>]*>")
_DEEPEST = 5
_ADDRESS = re.compile(r"\(?https?://(?:www\.)?([^\s/?#)]+)\S*", re.IGNORECASE)
# What an address at the beginning is or does: the sentence is about it.
_VERB = re.compile(r"(?:is|are|was|were|has|had|goes|went)(?:n[’']t)?", re.IGNORECASE)
# "A crane fell (via", of which the address was taken.
_OPEN_END = re.compile(r"\s*(?:[(\[]\w[^()\[\]]*|\bvia)$", re.IGNORECASE)
# "#kubernetes", not the "#1" of a list of best ones, nor C#.
_MARK_OF_TAG = re.compile(r"(?<!\S)#(?=[^\W\d_])")
# What says no more than what an address is for: "Read the comic".
_WORDS_OF_LABEL = 4


def visible(text: str, *, limit: int = MOST_CHARACTERS) -> str:
    """Return `text` without characters that nobody sees and databases refuse."""
    return _INVISIBLE.sub("", text[:limit])


def folded(text: str) -> str:
    """Return `text` on one line, single-spaced."""
    return " ".join(_INVISIBLE.sub("", text).split())


def unescape(text: str) -> str:
    """Return `text` with its character references resolved, whole ones only ("AT&T" stays)."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def plain_title(text: str) -> str:
    """Return a title as plain text: mark-up gone, unescaped once more where escaped twice."""
    text = _unmarked(unescape(_unmarked(text[: LONGEST_TITLE * 20])))
    return shortened(folded(text), LONGEST_TITLE)


def _unmarked(text: str) -> str:
    if "<" not in text:
        return text
    text = _VOID.sub(" ", _SILENT.sub("", text))
    for _ in range(_DEEPEST):
        text, found = _PAIRED.subn(r"\2", text)
        if not found:
            break
    return text


def lines(markup: str) -> list[str]:
    """Return the lines a reader of this HTML (or plain text) sees, list items behind "- "."""
    text = _SILENT.sub(" ", markup)
    text = _LIST_ITEM.sub("\n- ", _BLOCK.sub("\n", text))
    text = _INVISIBLE.sub("", unescape(_TAG.sub("", text)))
    found = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in found if line not in {"", "-"}]


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, cut between words and marked as cut."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit // 2 else cut).rstrip(" ,;:-\u2013\u2014") + "…"


def first_words(markup: str) -> str:
    """Return how a text begins, for the titleless; what stands there as a heading is one.

    The addresses and tags behind a post are left out, if there is anything else.
    """
    seen = lines(markup[:5000])[:3]
    found = [line for line in map(_in_words, seen) if line] or seen
    ends = (number for number, line in enumerate(found, 1) if _is_heading(line))
    text = " ".join(found[: next(ends, len(found))])
    if len(text) <= FIRST_WORDS:
        return text
    ends_at = _SENTENCE_END.finditer(text, 0, FIRST_WORDS)
    whole = [end.end() for end in ends_at if _is_end(text[: end.start()], text[end.start() :])]
    if whole and len(text[: whole[-1]].split()) >= _SAYS_ENOUGH:
        return text[: whole[-1]]
    return shortened(text, FIRST_WORDS)


def _is_end(before: str, after: str) -> bool:
    """Tell whether a sentence ends here: not behind an abbreviation, nor behind an initial."""
    *others, last = before.split()
    last = last.lstrip("(\"'‘“")
    if not after.startswith("."):
        return True
    if not _INITIAL.fullmatch(last):
        return last not in _NEVER_LAST
    if len(last) > 1 or not others or not others[-1].islower():
        return False
    return others[-1] in _LETTERED or bool(_OPENER.match(after))


def _in_words(line: str) -> str:
    """Return a line without the addresses around it and the tags behind; others are words of it.

    What only says what an address is for ("Read on: …") goes with it.
    """
    words = line.split()
    length = len(words)
    while words and (_ADDRESS.fullmatch(words[-1]) or _MARK_OF_TAG.match(words[-1])):
        words.pop()
    words = _without_addresses_in_front(words)
    if len(words) < length:
        words = _OPEN_END.sub("", " ".join(words)).split()
    if len(words) < length and words and words[-1].endswith(":"):
        if len(words) <= _WORDS_OF_LABEL:
            return ""
        words[-1] = words[-1].removesuffix(":")
    return _MARK_OF_TAG.sub("", " ".join(words))


def _without_addresses_in_front(words: list[str]) -> list[str]:
    """Return the words behind the addresses; an address that they are about stays as its host."""
    addresses = list(takewhile(_ADDRESS.fullmatch, words[:-1]))
    if not addresses:
        return words
    rest = words[len(addresses) :]
    is_subject = _VERB.fullmatch(rest[0]) and not rest[-1].endswith("?")
    if rest[0][0].isupper() and not is_subject:
        return rest
    return [_ADDRESS.sub(r"\1", addresses[-1]), *rest]


def _is_heading(line: str) -> bool:
    # What is no sentence does not go on in the next line.
    return len(line.split()) >= _SAYS_ENOUGH and not line.endswith(_SENTENCE_ENDS)


def title_of_address(url: str) -> str:
    """Return the words in the last part of an address's path, empty if there are none."""
    path = unquote(urlsplit(url).path).rstrip("/")
    last = path.rpartition("/")[2]
    words = folded(re.sub(r"\.\w{2,5}$", "", last).replace("-", " ").replace("_", " "))
    return shortened(words[:1].upper() + words[1:], LONGEST_TITLE)


def title(text: str, *, body: str, url: str) -> str:
    """Return an item's title, made from its text or address where it has none."""
    return plain_title(text) or first_words(body) or title_of_address(url) or UNTITLED


_LIST_LINE = re.compile(r"[-*\u2022\u2023\u00b7]\s")
_FEW = 10
_SHORT = 100


def is_list(found: list[str]) -> bool:
    """Return whether these lines are mostly list items."""
    listed = sum(1 for line in found if _LIST_LINE.match(line))
    return listed >= _FEW and listed > 0.5 * len(found)


def is_digest(found: list[str]) -> bool:
    """Return whether these lines of plain text are a list, marked as one or not."""
    ends = (".", "?", "!", ":")
    short = sum(1 for line in found if len(line) < _SHORT and not line.endswith(ends))
    return is_list(found) or (len(found) >= _FEW and short > 0.6 * len(found))
