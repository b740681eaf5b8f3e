"""What a text quotes, and how a blurb tells it: in quotation marks, behind whose words it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flows.edit.clean import BULLET, GOES_ON, QUOTE, UNQUOTE
from flows.edit.sentences import count, sentences

MARKS = QUOTE + GOES_ON + UNQUOTE

# "Jane Doe, for Harbour Weekly:". More words than this say more than whose words follow.
_LONGEST_ATTRIBUTION = 25
_QUOTATION_MARKS = '“”"'
_AS_INNER = str.maketrans("“”", "‘’")
_STRAIGHT_PAIR = re.compile(r'"([^"]*)"')
_STRAIGHT = re.compile(r'(?<!\d)"')


@dataclass(slots=True)
class Quotation:
    """What is quoted while a text is read: by whom, and what of it came before."""

    is_open: bool = False
    said: str = ""
    goes_on: bool = False
    has_gap: bool = False

    def comes_to(self, paragraph: str, *, before: str) -> None:
        """Note the paragraph that is read next, and the one `before` it."""
        self.is_open = paragraph.startswith((QUOTE, GOES_ON))
        # Behind a list that is quoted, too, whose words they are is still to be said.
        if paragraph.startswith(QUOTE):
            self.said = attribution(before)
            self.goes_on = self.has_gap = False

    def passes(self, *, is_told: bool) -> None:
        """Note what became of what was read last."""
        self.goes_on = is_told
        self.has_gap = self.has_gap or not is_told

    @property
    def has_to_begin(self) -> bool:
        """Whether the next sentence is the first of a quotation whose beginning was left out."""
        return self.is_open and bool(self.said) and self.has_gap

    def told(self, sentence: str) -> str:
        """Return a sentence as it is told, the first of a quote behind whose words it is."""
        if not self.is_open:
            return sentence
        told = f"{GOES_ON if self.goes_on else QUOTE}{sentence}{UNQUOTE}"
        said, self.said = self.said, ""
        return f"{said} {told}" if said else told


def attribution(paragraph: str) -> str:
    """Return the words before a quote that lead to it, "" if the paragraph ends otherwise."""
    if not paragraph.endswith(":") or paragraph.startswith(BULLET):
        return ""
    ending = sentences(paragraph)[-1]
    is_whole = ending.count("(") == ending.count(")") and not is_quoting(ending)
    return ending if is_whole and count(ending) <= _LONGEST_ATTRIBUTION else ""


def within(paragraph: str) -> str:
    """Return what a paragraph quotes, with other quotation marks in it than around it."""
    text = paragraph.strip(MARKS)
    if text[:1] in _QUOTATION_MARKS and is_quoting(text[:-1]):
        text = text.strip(_QUOTATION_MARKS)
    return _as_inner(text)


def quoted(text: str, *, by: str) -> str:
    """Return a text in quotation marks, behind whose words it is."""
    return f"{by}: “{_as_inner(text)}”"


def shown(text: str) -> str:
    """Return the text with quotation marks around what it quotes, sentence after sentence."""
    text = text.replace(f"{UNQUOTE} {GOES_ON}", " ")
    return text.replace(QUOTE, "“").replace(GOES_ON, "“").replace(UNQUOTE, "”")


def is_quoting(text: str) -> bool:
    """Tell whether a quotation is open at the end of the text; an inch is none."""
    begun, ended = text.count("“"), text.count("”")
    # In German the mark that begins one here ends it, and careless hands write it twice.
    is_open = begun > ended and (begun + ended) % 2 == 1 and "„" not in text
    return is_open or len(_STRAIGHT.findall(text)) % 2 == 1


def _as_inner(text: str) -> str:
    return _STRAIGHT_PAIR.sub(r"‘\1’", text).translate(_AS_INNER)
