"""What feeds publish, as text a reader is to see: titles, and paragraphs without boilerplate."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from flows.edit.boilerplate import without_boilerplate
from flows.edit.characters import one_line
from flows.edit.markup import Line, LineKind, lines, with_apostrophes
from flows.edit.sentences import folded_words, sentences
from flows.edit.sites import domain
from flows.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.models import Item

BULLET = "- "
# Around a paragraph of somebody else's words, the second for one that goes on with the quote of
# the one before; no feed's text holds these (`characters.visible`).
QUOTE, UNQUOTE, GOES_ON = "\x02", "\x03", "\x04"
# A publisher's own box, set as a quote: "⚠️ Note: …", "[!WARNING]", "Update (May 3): …".
_BOX = re.compile(
    r"(?:[^\w\s]+\s*)?(?:caution|disclaimer|edit|important|info|nb|note|tip|tl;dr|update|warning)"
    r"(?: note)?(?:,? (?-i:[A-Z\d(])[^.!?:]{0,20})?(?:[\]:!]|\s*[–—-]\s|\s*$| (?-i:[A-Z])[a-z])",
    re.IGNORECASE,
)
# How a line begins that announces an example, and nobody's words.
_SHOWS = frozenset(
    "add apply check copy create edit enable example first for here install next now open output "
    "paste put run see set this then to try type use".split()
)

# A blurb never comes from further down; a few feeds publish whole books.
_MOST_CHARACTERS = 20_000
# What repeats in the beginning of texts is enough: nothing below reaches a blurb.
_MOST_COMPARED = 8_000

# A sentence in this many items of a source, and in this share of them, is boilerplate.
_LEAST_REPEATS = 3
_LEAST_SHARE = 0.3

_FORMATTING = re.compile(
    r"</?(?:a|abbr|b|big|br|cite|code|del|em|font|i|ins|kbd|mark|q|s|small|span|strike|strong|sub"
    r"|sup|tt|u|wbr)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_MEDIUM = re.compile(
    r"^\s*[\[(](?:video|audio|podcast|pdf|blog|article|series|slides|gif)[\])]:?\s*", re.IGNORECASE
)
_TAIL = re.compile(r"\s+(?:[|–—·•»-]|::)\s+")
# How Medium ends a page's title: who wrote it, in which publication, and when or on what.
_BYLINE = re.compile(
    r"\s+\|\s+by\s+[^|]{2,60}(?:\s+\|\s+[^|]{2,60}){0,2}\s+\|\s+(?:medium|[a-z]{3,9},?\s+\d{4})$",
    re.IGNORECASE,
)
# What a video is filed under, and the bar before it. One tag may be what the title is about
# ("What came of #ropes"), and so may more where little is left, or what leads to them.
_TAGS = re.compile(r"(?<![\s|:,&–—-])[\s|:,&–—-]+(#[^\W\d_]\w*(?:\s+#[^\W\d_]\w*)*)\s*$")
_SHORT = re.compile(r"#shorts?\b", re.IGNORECASE)
_LEADS_ON = frozenset("a about an and at by for from in of on or the to vs with".split())
_LEAST_UNTAGGED = 4
_PART_OF_SITE = re.compile(r"\s+[|·•»]\s+(?:the )?(?:blog|home ?page|home)\s*$", re.IGNORECASE)
_ELLIPSIS = re.compile(r"\s*(?:\.\.\.+|…)$")
_SITES = frozenset("youtube vimeo medium substack github reddit linkedin devto".split())
_LIKE_SOURCE = 90
# "go" and "x" are words too.
_SHORTEST_HOST = 3
# Hosts whose name says what they are, not whose.
_NO_NAMES = frozenset("blog docs news wiki".split())


def text_of(html_or_text: str) -> str:
    """Return the text of HTML or plain text, one block to a line, bullets as "- " lines.

    Code and tables of figures are left out.
    """
    return "\n".join(map(_shown, lines(html_or_text))).strip("\n")


def _shown(line: Line) -> str:
    return f"{BULLET}{line.text}" if line.kind is LineKind.BULLET else line.text


@lru_cache(maxsize=16_384)
def title(raw: str, *, source: str, host: str = "") -> str:
    """Return a title as readers see it: one line, without markup and its site's name.

    A shared link's source is who shares it; the `host` it leads to tells of whose site it is.
    """
    text = one_line(_unescaped(raw))
    while (shorter := _without_frame(text, source, host)) != text:
        text = shorter
    return text


def _unescaped(raw: str) -> str:
    """Return the title without entities and markup, however often it was escaped."""
    text = raw
    if "<" not in text and "&" not in text:
        return text
    text = with_apostrophes(text)
    while (plain := html.unescape(_FORMATTING.sub("", text))) != text:
        text = plain
    return text


def _without_frame(text: str, source: str, host: str) -> str:
    """Return the title without one thing that is not of it; never an empty one."""
    shorter = text
    for frame in (_MEDIUM, _ELLIPSIS, _BYLINE, _PART_OF_SITE):
        shorter = frame.sub("", shorter)
    if (tags := _TAGS.search(shorter)) and _are_filed(tags[1], shorter[: tags.start()].split()):
        shorter = shorter[: tags.start()]
    parts = list(_TAIL.finditer(shorter))
    if parts and _names_site(shorter[parts[-1].end() :], source, host):
        shorter = shorter[: parts[-1].start()]
    return shorter.strip() or text


def _are_filed(tags: str, words: Sequence[str]) -> bool:
    """Tell tags that file a title from those that are words of it; behind "#shorts" all file."""
    if _SHORT.search(tags):
        return bool(words)
    are_many = "#" in tags[1:] and len(words) >= _LEAST_UNTAGGED
    return are_many and words[-1].lower() not in _LEADS_ON


def _names_site(tail: str, source: str, host: str) -> bool:
    folded = _squeezed(tail)
    if not folded:
        return False
    own = _squeezed(source)
    if folded in _SITES or folded == own or _names_host(folded, host):
        return True
    # "Google Cloud Blog" of the source "Google Cloud".
    return len(own) > 3 and fuzz.token_set_ratio(tail.lower(), source.lower()) >= _LIKE_SOURCE  # noqa: PLR2004 - two letters are in everything


def _names_host(folded: str, host: str) -> bool:
    """Tell whether a name is that of a host: "The New Stack" of thenewstack.io."""
    own = domain(host)
    label = _in_letters(own.partition(".")[0]).replace("-", "")
    if len(label) < _SHORTEST_HOST or label in _NO_NAMES:
        return False
    return not {folded, folded.removeprefix("the")}.isdisjoint(
        (label, f"{label}blog", _squeezed(own))
    )


def _in_letters(label: str) -> str:
    """Return a label of a host as people write it: punycode (RFC 3492) in its own letters."""
    try:
        return (
            label.removeprefix("xn--").encode().decode("punycode") if label[:4] == "xn--" else label
        )
    except UnicodeError:
        return label


def _squeezed(name: str) -> str:
    return "".join(folded_words(name))


def body(item: Item, repeated: frozenset[str] = frozenset()) -> list[str]:
    """Return the paragraphs of an item's text without boilerplate, marked as in `paragraphs`.

    `repeated` is what `repeats` found among its source's items.
    """
    return paragraphs(item.content or item.summary, kind=item.kind, repeated=repeated)


def paragraphs(
    text: str, *, kind: Kind = Kind.ARTICLE, repeated: frozenset[str] = frozenset()
) -> list[str]:
    """Return the paragraphs of HTML or plain text without headings and boilerplate.

    Bullets are "- " lines, what the text quotes stands between QUOTE (or GOES_ON) and UNQUOTE.
    """
    shown = kind in (Kind.VIDEO, Kind.PODCAST)
    found: list[str] = []
    # The quotes that were come to last, that are told, and that are the publisher's own box.
    seen = told = box = 0
    for line in without_boilerplate(lines(beginning(text)), cut_at_bar=shown):
        # What a quote quotes is a third's.
        if line.kind in (LineKind.HEADING, LineKind.GAP) or line.quote < 0:
            continue
        kept = _without_repeated(line.text, repeated)
        if not kept:
            continue
        if line.kind is not LineKind.QUOTE:
            found.append(_shown(replace(line, text=kept)))
            continue
        if line.quote != seen and _BOX.match(kept) and not (found and _announces(found[-1])):
            box = line.quote
        seen = line.quote
        if line.quote == box:
            found.append(kept)
            continue
        found.append(f"{GOES_ON if line.quote == told else QUOTE}{kept}{UNQUOTE}")
        told = line.quote
    return found


def _announces(paragraph: str) -> bool:
    """Tell whether somebody has the word next: "Ann says:", and not "Run this command:"."""
    return paragraph.endswith(":") and paragraph.split(maxsplit=1)[0].lower() not in _SHOWS


def beginning(text: str, *, most: int = _MOST_CHARACTERS) -> str:
    """Return as much of a text as is read for paragraphs."""
    if len(text) <= most:
        return text
    # At the end of a line or a tag, lest half a sentence or half a tag is read as text.
    cut = max(text.rfind(end, 0, most) for end in ("\n", ">"))
    return text[: cut + 1] if cut > 0 else text[:most]


def _without_repeated(text: str, repeated: frozenset[str]) -> str:
    if not repeated:
        return text
    kept = [sentence for sentence in sentences(text) if _key(sentence) not in repeated]
    return " ".join(kept)


def repeats(items: Iterable[Item], *, share: float = _LEAST_SHARE) -> frozenset[str]:
    """Return what repeats across a source's items, in the spelling that `body` compares.

    It stands in at least three of them, and in this share; what is told twice counts once.
    """
    texts = {(item.title, item.content or item.summary) for item in items}
    counts: Counter[str] = Counter()
    for _, text in texts:
        found = lines(beginning(text, most=_MOST_COMPARED))
        counts.update({_key(part) for line in found for part in sentences(line.text)})
    least = max(_LEAST_REPEATS, share * len(texts))
    return frozenset(key for key, times in counts.items() if key and times >= least)


def _key(sentence: str) -> str:
    return " ".join(folded_words(sentence))
