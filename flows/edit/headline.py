"""The inbox line of an issue: its subject and the preheader behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.edit.characters import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_SUBJECT = 50
# With less room for its lead, a subject goes without the newsletter's name.
_LEAST_LEAD = 24
LEAST_PREHEADER = 40
LONGEST_PREHEADER = 90

# A cut title must not end in one of these.
_DANGLING = frozenset(
    "a an and are as at but by can for from how in into is it its of on or our that the their to "
    "via vs was were what when where which why will with your &".split()
)
_PUNCTUATION = " ,;:–—-([{|/+&·"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLine:
    """What a reader sees of an issue in the list of mails."""

    subject: str
    preheader: str


def subject(title: str, number: int, titles: Sequence[str]) -> str:
    """Return "title number: lead title", in at most 50 characters; a lead cut at a word says so.

    Where a long title, which the sender's name says as well, would leave next to nothing of the
    lead, it is "#number: lead title".
    """
    end = f" {number}"
    name = cut_at_word(one_line(title), LONGEST_SUBJECT - len(end))
    start = f"{name}{end}".strip()
    if not titles:
        return start
    room = LONGEST_SUBJECT - len(start) - 2
    if len(titles[0]) > room and room < _LEAST_LEAD:
        short = f"#{number}"
        if lead := marked_cut(titles[0], LONGEST_SUBJECT - len(short) - 2):
            return f"{short}: {lead}"
    lead = marked_cut(titles[0], room)
    return f"{start}: {lead}" if lead else start


def preheader(titles: Sequence[str]) -> str:
    """Return the titles behind the lead as they fit: 40 to 90 characters, cut at a word."""
    line = ""
    for title in titles[1:]:
        longer = f"{line} · {title}" if line else title
        if len(longer) <= LONGEST_PREHEADER:
            line = longer
        elif len(line) < LEAST_PREHEADER:
            return cut_at_word(longer, LONGEST_PREHEADER)
        else:
            break
    return line


def cut_at_word(text: str, most: int) -> str:
    """Return the text up to a word that may be a last one, in at most `most` characters."""
    if len(text) <= most:
        return text
    if most <= 0:
        return ""
    head = text[: most + 1]
    # Scripts without spaces are cut between characters.
    if " " not in head:
        return "" if head.isascii() else text[:most]
    return ended(head[: head.rindex(" ")])


def marked_cut(text: str, most: int) -> str:
    """Return the text in at most `most` characters, cut at a word and saying so, perhaps empty."""
    if len(text) <= most:
        return text
    cut = _without_open_bracket(cut_at_word(text, most - 1))
    return f"{cut}…" if cut else ""


def ended(text: str) -> str:
    """Return the text up to its last word that may be one."""
    words = text.split(" ")
    while words and (words[-1].lower() in _DANGLING or not words[-1].strip(_PUNCTUATION)):
        words.pop()
    return " ".join(words).rstrip(_PUNCTUATION)


def _without_open_bracket(text: str) -> str:
    """Return the text up to the first bracket that it does not close; all if nothing is before."""
    opened: list[int] = []
    for place, character in enumerate(text):
        if character in "([":
            opened.append(place)
        elif character in ")]" and opened:
            opened.pop()
    return (ended(text[: opened[0]]) or text) if opened else text
