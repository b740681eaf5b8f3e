"""What feeds publish as text, HTML or a mixture, as typed lines of plain text."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from flows.edit.characters import visible
from flows.edit.sentences import CANNOT_END

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class LineKind(StrEnum):
    """What a line of a text is: a quote is somebody else's words, a gap an empty line."""

    PROSE = "prose"
    QUOTE = "quote"
    HEADING = "heading"
    BULLET = "bullet"
    GAP = "gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a text, without its bullet; lines of one quote have its number.

    It is below 0 for a quote within a quote.
    """

    text: str
    kind: LineKind = LineKind.PROSE
    quote: int = 0


GAP = Line(text="", kind=LineKind.GAP)

_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure "
    "footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td "
    "tfoot th thead tr ul".split()
)
_INLINE = frozenset(
    "a abbr acronym b big br cite code del em font i img ins kbd mark q s samp small span strike "
    "strong sub sup time tt u var video audio iframe picture source script style".split()
)
_QUOTE = "blockquote"
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary"))
# Code, pictures' captions, page furniture and what only a browser can show.
_SKIPPED = frozenset(
    "audio button canvas code-block embed figcaption form head iframe input math nav noscript "
    "object pre samp script select style svg template textarea title video".split()
)

_OPENING = re.compile(r"<([a-z][a-z0-9]*)\b[^<>]*>", re.IGNORECASE)
_CLOSING = re.compile(r"</([a-z][a-z0-9]*)\s*>", re.IGNORECASE)
_ALONE = re.compile(r"<(?:br|hr|img)\b[^<>]*>", re.IGNORECASE)
_STARTS_AS_HTML = re.compile(
    r"\s*<(?:p|div|h[1-6]|ul|ol|table|blockquote|a|img|br)\b", re.IGNORECASE
)
_BULLET = re.compile(r"\s*(?:[*•‣▪●◦·–-]|\d{1,3}[.)])\s+(?=\S)")

# Markdown (CommonMark 0.31, 4.2 and 5.2), and what is left of it where its line feeds were lost.
_MARKS = "#*+-"
# "# of nodes" is a number, not a heading.
_MARK = re.compile(r"(?:#(?! (?:and|in|of|or|per|to)\b)|#{2,6}|[*+-]) ")
_MARKED = re.compile(r"\n[ \t]*(?:#{1,6}|[*+-])[ \t]")
_HASHES = re.compile(r"\s#+$")
_CHANGE = re.compile(r" \* \w{2,20}(?:\([^()\s]{1,40}\))?!?: ")
_FEWEST_BULLETS = 2

_ENTITY = r"(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|[A-Za-z]{2,10}\d{0,2});"
# "&copy;" somebody may have written to show it, unless it stands as its sign would.
_SIGNS = r"(?:copy;(?! ?\d{4})|(?:para|sect);(?! ?\d)|(?<!\w&amp;)reg;)"
_ENCODED_AGAIN = re.compile(rf"&amp;(?:amp;)*((?!{_SIGNS}){_ENTITY})")
# "It&aposs", which lost its semicolon.
_APOSTROPHE = re.compile(r"&(?:amp;)?apos(?=(?:d|ll|m|re|s|t|ve)\b)")
# Where an entity is meant: in code, and by itself in quotation marks.
_MEANT = re.compile(
    r"(</?(?:code|kbd|pre|samp|textarea|tt)\b[^<>]*>|(?<!`)`[^`\n]{1,200}`(?!`)"
    rf"|(?:[\"'“‘«„]|&quot;|&ldquo;|&#8220;)&amp;{_ENTITY}(?:[\"'“”’»]|&quot;|&rdquo;|&#8221;))",
    re.IGNORECASE,
)
_ABOUT_ENTITIES = re.compile(
    r"\b(?:entit(?:y|ies)|(?:un)?escap(?:es?|ed|ing)|(?:en|de)cod(?:es?|ed|ings?)|ampersands?)\b"
    r"|(?<![\w./<?\"'=-])(?:x?html|xml|markup|nbsp)(?![\w/>\"'=;-]|:\w)",
    re.IGNORECASE,
)
# So many characters from an entity a word may stand that tells what it is about.
_NEAR = 300

# Editors wrap at 72 to 80 characters, some at 100; shorter lines end where their author wants.
_NARROWEST, _WIDEST = 50, 110
_LINE_STOPS = (".", "!", "?", ":", "…")
# Fewer between two line breaks are an item of a list.
_WORDS_OF_A_LINE = 4
_SMALL_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[,;:.!?]*")


def is_html(text: str) -> bool:
    """Tell whether the text is HTML: some known element is opened and closed, or stands alone.

    A lone "<b>" in prose is no markup, and neither is "<unset>" in a program's output.
    """
    if "<" not in text:
        return False
    if _ALONE.search(text):
        return True
    opened = {name.lower() for name in _OPENING.findall(text)}
    closed = {name.lower() for name in _CLOSING.findall(text)}
    known = opened & (_BLOCKS | _INLINE)
    return bool(known & closed) or (bool(known & _BLOCKS) and bool(_STARTS_AS_HTML.match(text)))


@lru_cache(maxsize=4)
def lines(text: str) -> tuple[Line, ...]:
    """Return the lines of HTML or plain text, without code and tables of figures."""
    # The same text is read for its blurb, for its length and beside its summary, one after another.
    text = _encoded_once(visible(text))
    text = with_apostrophes(text)
    if is_html(text):
        return tuple(_own_words(_html_lines(text)))
    unescaped = html.unescape(text) if "&" in text else text
    # Some publishers escape their HTML twice.
    if unescaped != text and _STARTS_AS_HTML.match(unescaped) and is_html(unescaped):
        return tuple(_own_words(_html_lines(visible(unescaped))))
    return tuple(_plain_lines(visible(unescaped)))


def with_apostrophes(text: str) -> str:
    """Return the text with the apostrophes whose entity lost its semicolon."""
    return _APOSTROPHE.sub("'", text) if "&" in text and "apos" in text else text


def _own_words(found: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines; a quote before any other words is the page's own: its summary, or layout."""
    is_begun = False
    for line in found:
        is_begun = is_begun or line.kind in (LineKind.PROSE, LineKind.BULLET)
        if line.kind is LineKind.QUOTE and not is_begun:
            yield Line(text=line.text)
        else:
            yield line


def _encoded_once(text: str) -> str:
    """Return the text with the entities freed that were encoded again, unless it is about such.

    Code, and an entity that stands by itself in quotation marks, stay as they are.
    """
    if "&amp;" not in text or not _ENCODED_AGAIN.search(text) or _is_about_entities(text):
        return text
    pieces: list[str] = []
    depth = 0
    for number, piece in enumerate(_MEANT.split(text)):
        is_meant = number % 2 == 1
        if is_meant and piece[0] == "<":
            depth = max(0, depth + (-1 if piece[1] == "/" else 1))
        pieces.append(piece if is_meant or depth else _ENCODED_AGAIN.sub(r"&\1", piece))
    return "".join(pieces)


def _is_about_entities(text: str) -> bool:
    """Tell whether near one of its entities a word stands that says why it is shown."""
    read = 0
    for match in _ENCODED_AGAIN.finditer(text):
        near = match.end() + _NEAR
        if _ABOUT_ENTITIES.search(text, max(read, match.start() - _NEAR), near):
            return True
        read = near
    return False


def _plain_lines(text: str) -> Iterator[Line]:
    for raw in _unwrapped(text.split("\n")):
        line = " ".join(raw.split())
        if not line:
            yield GAP
        elif match := _BULLET.match(raw):
            yield from _run_in(" ".join(raw[match.end() :].split()), kind=LineKind.BULLET)
        else:
            yield from _marked(line)


def _marked(line: str) -> Iterator[Line]:
    """Yield a line as what Markdown has it, with the bullets that were run into it."""
    mark = _MARK.match(line) if line[0] in _MARKS else None
    if mark is not None and line[0] == "#":
        yield from _run_in(_HASHES.sub("", line[mark.end() :]), kind=LineKind.HEADING)
    elif mark is not None:
        yield from _run_in(line[mark.end() :], kind=LineKind.BULLET)
    elif " * " in line and _holds_bullets(line):
        yield from _run_in(line, kind=LineKind.PROSE)
    else:
        yield Line(text=line)


def _run_in(line: str, *, kind: LineKind) -> Iterator[Line]:
    first, *bullets = line.split(" * ")
    yield Line(text=first, kind=kind)
    yield from (Line(text=bullet, kind=LineKind.BULLET) for bullet in bullets)


def _holds_bullets(line: str) -> bool:
    """Tell bullets that were run into a line from the signs of a multiplication."""
    if line.count(" * ") < _FEWEST_BULLETS:
        return False
    before = line[: line.index(" * ")]
    return before.endswith(_LINE_STOPS) or len(_CHANGE.findall(line)) >= _FEWEST_BULLETS


def _is_markdown(text: str) -> bool:
    """Tell lines of Markdown from prose of which a line begins with such a sign by chance."""
    return "\n" in text and len(_MARKED.findall(f"\n{text}")) >= _FEWEST_BULLETS


def _unwrapped(raws: Iterable[str], *, loosely: bool = False) -> Iterator[str]:
    """Yield the lines with those joined that a publisher's editor wrapped.

    `loosely`: in HTML, as in Markdown, a line feed means little, so a line that begins in lower
    case goes on, and one that is indented deeper than the first.
    """
    for is_gap, group in itertools.groupby(raws, key=lambda raw: not raw.strip()):
        found = [raw for raw in group if not is_gap] or [""]
        is_wrapped = _is_wrapped(found)
        is_loose = loosely or _is_markdown("\n".join(found))
        line = ""
        for raw in found:
            is_deeper = is_loose and _indent(raw) > _indent(found[0]) and not _BULLET.match(raw)
            goes_on = (is_wrapped or is_deeper) and not line.rstrip().endswith(_LINE_STOPS)
            if line and (goes_on or (is_loose and raw.lstrip()[:1].islower())):
                line = f"{line} {raw}"
                continue
            if line:
                yield line
            line = raw
        yield line


def _rejoined(raws: Sequence[str]) -> Iterator[str]:
    """Yield the lines between line breaks, each with the next if that goes on in lower case."""
    parts = [raws[0].strip()]
    for raw in map(str.strip, raws[1:]):
        if raw[:1].islower() and _is_cut_off(parts, raw):
            parts.append(raw)
            continue
        yield " ".join(parts)
        parts = [raw]
    yield " ".join(parts)


def _is_cut_off(parts: Sequence[str], following: str) -> bool:
    """Tell whether the parts of a line go on with the following one.

    A name ("eBPF", "k9s") may begin another line; a few words may be an item of a list.
    """
    if parts[-1].endswith(_LINE_STOPS):
        return False
    first, last = following.split(maxsplit=1)[0], parts[-1].rsplit(maxsplit=1)[-1:]
    if not (first.islower() and _SMALL_WORD.fullmatch(first)):
        return parts[-1].endswith(",") or (bool(last) and last[0].lower() in CANNOT_END)
    is_long = len(parts) > 1 or len(parts[0].split()) >= _WORDS_OF_A_LINE
    return bool(last) and (is_long or following.endswith(_LINE_STOPS))


def _indent(raw: str) -> int:
    return len(raw) - len(raw.lstrip())


def _is_wrapped(raws: Sequence[str]) -> bool:
    """Tell lines of even width, but for the last, from lines that end where they want to."""
    widths = [len(raw.strip()) for raw in raws]
    if len(raws) < 2 or any(map(_BULLET.match, raws)):  # noqa: PLR2004 - one line wraps nothing
        return False
    return max(widths) <= _WIDEST and min(widths[:-1]) >= _NARROWEST


def _html_lines(text: str) -> Iterator[Line]:
    root = _tree(text)
    if root is None:
        return
    # Without a block element nothing but the line feeds shows where a paragraph ends.
    keeps_feeds = not any(element.tag in _BLOCKS or element.tag == "br" for element in _inner(root))
    for kind, quote, pieces in _blocks(root):
        joined = "".join(pieces)
        is_kept = keeps_feeds or (kind is LineKind.PROSE and _is_markdown(joined))
        if is_kept:
            feeds = joined.replace("\r", "\n").split("\n")
        else:
            feeds = joined.replace("\n", " ").split("\r")
        for raw in _unwrapped(feeds, loosely=True) if is_kept else _rejoined(feeds):
            # A character by its number may be none that anybody sees.
            line = " ".join(visible(raw).split())
            if line:
                one = Line(text=line, kind=kind, quote=quote)
                yield from _marked(line) if kind is LineKind.PROSE else [one]
            elif kind in (LineKind.PROSE, LineKind.QUOTE) and joined.strip():
                yield GAP


def _tree(text: str) -> Any:
    """Return the body of the parsed HTML, None where it holds nothing at all."""
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None
    return None if root is None else root.find("body")


def _inner(root: Any) -> Iterator[Any]:
    """Yield the elements within an element."""
    yield from (element for element in root.iter(etree.Element) if element is not root)


def _blocks(root: Any) -> Iterator[tuple[LineKind, int, list[str]]]:
    """Yield each run of inline text with what it stands in; a line break is a carriage return.

    Between them is the number of the quote that it stands in, 0 if in none, less if in two.
    """
    kinds = [LineKind.PROSE]
    quotes = [0]
    numbers = itertools.count(1)
    pieces: list[str] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        name = element.tag
        is_block = name in _BLOCKS
        if is_block and pieces:
            yield kinds[-1], quotes[-1], pieces
            pieces = []
        if event == "start":
            if _is_skipped(element):
                walk.skip_subtree()
            kinds.append(_kind(name, kinds[-1]))
            quotes.append(_quote(next(numbers), quotes[-1]) if name == _QUOTE else quotes[-1])
            if not _is_skipped(element):
                pieces.append("\r" if name == "br" else element.text or "")
            continue
        kinds.pop()
        quotes.pop()
        if element is not root:
            pieces.append(element.tail or "")
    if pieces:
        yield LineKind.PROSE, 0, pieces


def _quote(number: int, outer: int) -> int:
    return -number if outer else number


def _kind(name: str, outer: LineKind) -> LineKind:
    if name == "li":
        return LineKind.BULLET
    if name in _HEADINGS:
        return LineKind.HEADING
    return LineKind.QUOTE if name == _QUOTE else outer


def _is_skipped(element: Any) -> bool:
    name = element.tag
    if name in _SKIPPED:
        return True
    if name == "sup":  # the number of a footnote
        return not any(map(str.isalpha, "".join(element.itertext())))
    return name == "table" and _holds_figures(element)


def _holds_figures(table: Any) -> bool:
    """Tell a table of figures from one that only lays a page out."""
    if len(table.findall(".//tr")) < 2:  # noqa: PLR2004 - one row is layout
        return False
    layout = ("p", "div", "ul", "ol", "table", "h1", "h2", "h3")
    return not any(element.tag in layout for element in _inner(table))
