"""Plain text as inline Markdown and back, and the links of the issue file."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

# What would be markup; an underscore inside a word is none (CommonMark 0.31, section 6.2).
_MARKS = re.compile(
    r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?<])|&(?=#?\w+;)|~(?=~)|(?<=~)~"
)
_AT_START = re.compile(r"[#>+\-=<|~]|\d{1,9}(?=[.)](?:\s|$))")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|&#?\w{1,32};")
_IN_ADDRESSES = re.compile(r"[\\()<>]|&(?=#?\w+;)")
_SPACES = re.compile(r"\s")

# As deep as the mail's own reader looks (CommonMark 0.31, 6.3, asks for three levels and more).
_LEVELS = 32


def _nested(letters: str, begin: str, end: str) -> str:
    """Return a pattern of letters, and of balanced brackets with such in them.

    It gives nothing back of what it took: there is but one way to read a text.
    """
    pattern = rf"(?:\\.|{letters}++)*+"
    for _ in range(_LEVELS):
        pattern = rf"(?:\\.|{letters}++|{begin}{pattern}{end})*+"
    return pattern


_TEXT = _nested(r"[^\[\]\\]", r"\[", r"\]")
_PLACE = _nested(r"[^\s()\\]", r"\(", r"\)")
_LINK = re.compile(
    rf"\[(?P<text>{_TEXT})\]\(\s*(?:<(?P<pointed>[^<>]*)>|(?P<place>{_PLACE}))"
    r"(?:\s+\"[^\"]*\"|\s+'[^']*')?\s*\)"
)
_BOLD = re.compile(r"(\*\*|__)(?P<inner>.+)\1")
_BOLD_LINK = re.compile(r"(\*\*|__)(?=\[)(?P<inner>.+\))\1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A link at the start of a line, and what stands behind it."""

    title: str
    url: str
    rest: str


def escape(text: str) -> str:
    """Return plain text as Markdown that shows exactly it, as a line of its own."""
    escaped = escape_inline(text)
    start = _AT_START.match(text)
    if start is None or escaped.startswith("\\"):
        return escaped
    if text[0].isdigit():
        return f"{start.group()}\\{escaped[start.end() :]}"
    return f"\\{escaped}"


def escape_inline(text: str) -> str:
    """Return plain text as Markdown that shows exactly it, inside a line."""
    return _MARKS.sub(lambda match: f"\\{match.group()}", text)


def unescape(text: str) -> str:
    """Return the plain text of Markdown without markup."""
    return _ESCAPED.sub(lambda match: match[1] or html.unescape(match.group()), text)


def link(title: str, url: str) -> str:
    """Return a Markdown link; spaces in the address are escaped as addresses have them."""
    place = _SPACES.sub("%20", url)
    place = _IN_ADDRESSES.sub(lambda match: f"\\{match.group()}", place)
    return f"[{escape_inline(title)}]({place})"


def read_link(line: str) -> Found | None:
    """Return the link a line starts with, bold or not; None if it starts with none."""
    if bold := _BOLD_LINK.match(line):
        line = bold["inner"] + line[bold.end() :]
    match = _LINK.match(line)
    if match is None:
        return None
    text = match["text"].strip()
    if bold := _BOLD.fullmatch(text):
        text = bold["inner"]
    place = match["place"] if match["pointed"] is None else match["pointed"]
    title = " ".join(unescape(text).split())
    return Found(title=title, url=unescape(place.strip()), rest=line[match.end() :].strip())
