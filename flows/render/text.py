"""The text part: columns that fit any window, headings underlined, links whole."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from flows.render import markdown
from flows.render.clean import paragraphs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


WIDTH = 72

# Chinese and Japanese are written without spaces: there a line may end after any character but
# one that opens, and before any but one that closes or that belongs to the one before.
_HAN = re.compile(
    "[\u2e80-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\U00020000-\U0003ffff]"
)
_OPENING = frozenset({"Ps", "Pi"})
_CLOSING = frozenset({"Pe", "Pf", "Po", "Lm"})
_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょァィゥェォッャュョ")


def columns(text: str) -> int:
    """Return how many columns a text takes; East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: str, indent: str = "") -> str:
    """Return the text in lines of at most 72 columns; a word that is longer stays whole."""
    lines: list[str] = []
    line = ""
    for space, piece in _pieces(text):
        longer = f"{line}{space if line else ''}{piece}"
        if line and columns(indent + longer) > WIDTH:
            lines.append(indent + line)
            line = piece
        else:
            line = longer
    return "\n".join([*lines, indent + line] if line else lines)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield what must stay together, each with the space that goes before it on a line."""
    for word in text.split():
        if word.isascii():
            yield " ", word
            continue
        space, piece = " ", ""
        for character in word:
            if piece and _may_part(piece[-1], character):
                yield space, piece
                space, piece = "", ""
            piece += character
        yield space, piece


def _may_part(before: str, after: str) -> bool:
    if not (_HAN.match(before) or _HAN.match(after)) or _columns(after) == 0:
        return False
    if after in _SMALL_KANA or unicodedata.category(after) in _CLOSING:
        return False
    return unicodedata.category(before) not in _OPENING


def underline(heading: str, mark: str) -> str:
    """Return the heading, wrapped, with a line of `mark` under it."""
    lines = wrap(heading)
    width = max((columns(line) for line in lines.splitlines()), default=0)
    return f"{lines}\n{mark * min(width, WIDTH)}"


def prose(text: str) -> str:
    """Return the words of Markdown as wrapped paragraphs; its links are told by `links`."""
    return "\n\n".join(wrap(markdown.to_text(part)) for part in paragraphs(text))


def lines(text: str) -> str:
    """Return each line of the text wrapped by itself, as an address needs it."""
    return "\n".join(wrap(line) for line in text.splitlines())


def tidy(text: str) -> str:
    """Return the text without trailing spaces, never more than two empty lines, one at the end."""
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n") + "\n"


FILTERS: dict[str, Callable[..., object]] = {
    "wrap": wrap,
    "underline": underline,
    "prose": prose,
    "links": markdown.links,
    "lines": lines,
}
