"""Sentences and words of cleaned text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    "e.g i.e etc vs cf approx mr mrs ms dr prof st jr sr inc ltd corp co bros dept est al ed eds "
    "gen col sen rep gov rev u.s u.k e.u a.m p.m ph.d incl excl resp max min "
    # German ones; "usw." ends sentences.
    "z.b d.h u.a bzw ggf evtl inkl vgl".split()
)
# These end sentences too ("The answer is no."); before a figure they are abbreviations.
_BEFORE_FIGURES = frozenset(
    "no nos nr fig figs eq sec ch vol p pp v ver jan feb mar apr jun jul aug sep sept oct nov "
    "dec".split()
)

# Words that no sentence ends in, nor a line that is whole.
CANNOT_END = frozenset(
    "a an and are as at but by for from has have if in into is it its of on or our such than that "
    "the their this to was were which who will with your we you".split()
)
_ENDS = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』”’）]*")
_WHOLE = re.compile(r"[.!?。！？؟۔।॥][\"'”’»)\]」』）]*[^\w.…]*$")
_CUT = re.compile(r"(?:\.\.+|…)[\"'”’»)\]]*\s*$")
# How far behind its end a sentence is judged by what follows.
_LOOK_AHEAD = 20
_OPENERS = "\"'“‘«([¿¡"
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
# A token of nothing but these is no word.
_ASCII_SIGNS = {
    code: None for code in range(128) if not (chr(code).isalnum() or chr(code).isspace())
}
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph in order; the last may be unfinished."""
    return list(each_sentence(text))


def each_sentence(text: str) -> Iterator[str]:
    """Yield the sentences of a paragraph, for who needs but the first."""
    start = 0
    for end in _boundaries(text):
        if sentence := text[start:end].strip():
            yield sentence
        start = end
    if sentence := text[start:].strip():
        yield sentence


def _boundaries(text: str) -> Iterator[int]:
    start = 0
    for match in _ENDS.finditer(text):
        end = match.end()
        ideographic = match.group()[0] in "。！？"
        if ideographic or _is_end(text[start:end], text[end : end + _LOOK_AHEAD]):
            start = end
            yield end


def _is_end(sentence: str, following: str) -> bool:
    begin = following.lstrip().lstrip(_OPENERS)[:1]
    if not begin:
        return True
    if begin.islower():
        return False
    return not sentence.endswith(".") or not _abbreviates(sentence, begin)


def _abbreviates(sentence: str, begin: str) -> bool:
    """Tell whether the last word's full stop belongs to the word."""
    words = sentence.rstrip(".").rsplit(maxsplit=1)
    if not words:
        return True
    last = words[-1].lstrip("(\"'“‘[").lower()
    if last in _ABBREVIATIONS or (begin.isdigit() and last in _BEFORE_FIGURES):
        return True
    # "J. Smith", "J.R. Smith", and the "1." that numbers a line.
    initials = last.split(".")
    if all(len(initial) == 1 and initial.isalpha() for initial in initials):
        return True
    return len(words) == 1 and last.isdigit()


def is_whole(sentence: str) -> bool:
    """Tell whether a sentence ends as one does: with its stop, and not with an ellipsis."""
    return bool(_WHOLE.search(sentence)) and not is_cut(sentence)


def is_cut(text: str) -> bool:
    """Tell whether the text ends in an ellipsis, as teasers do."""
    return bool(_CUT.search(text))


def count(text: str) -> int:
    """Return the number of words; two ideographs count as one."""
    if text.isascii():
        return len(text.translate(_ASCII_SIGNS).split())
    ideographs = len(_IDEOGRAPHS.findall(text))
    rest = _IDEOGRAPHS.sub(" ", text)
    return sum(1 for token in rest.split() if _WORDS.search(token)) + (ideographs + 1) // 2


def folded_words(text: str) -> list[str]:
    """Return the words in a spelling fit for comparing: folded case, no punctuation."""
    if text.isascii():
        return _WORDS.findall(text.lower())
    return [word.casefold() for word in _WORDS.findall(text.replace("’", "'"))]
