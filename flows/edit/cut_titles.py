"""Titles that break off in mid-sentence: how they are shown, and what goes on from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.headline import ended
from flows.edit.sentences import each_sentence, folded_words

if TYPE_CHECKING:
    from collections.abc import Iterable

CUT = "…"
# Nobody writes so much to end it in dots for suspense; Medium cuts at a hundred characters.
_LONG = 80
# Fewer words in common are so by chance.
_LEAST_COMMON = 3


def marked(title: str, *, texts: Iterable[str]) -> str:
    """Return a title, of which an ellipsis was taken, with one if it was cut in mid-sentence.

    It was if the sentence goes on in one of its item's texts, else if it is long or its last word
    cannot be one. Dots behind others are for suspense.
    """
    if title.endswith((".", "!", "?")):
        return title
    if begun := next(filter(None, (_begun(title, text) for text in texts)), ""):
        return f"{ended(begun) or begun}{CUT}"
    if len(title) >= _LONG:
        return f"{ended(title) or title}{CUT}"
    return title if ended(title) == title else f"{title}{CUT}"


def _begun(title: str, text: str) -> str:
    """Return the title up to the word that the text goes on from, "" if it begins otherwise."""
    words = folded_words(title)
    found = _beginning(text, len(words))
    last = len(words) - 1
    if len(words) < _LEAST_COMMON or found == words or found[:last] != words[:last]:
        return ""
    if found[last:] and found[last] == words[last]:
        return title
    # Blogger cuts within words.
    is_piece = bool(found[last:]) and found[last].startswith(words[last])
    return title.rpartition(" ")[0] if is_piece else ""


def _beginning(text: str, least: int) -> list[str]:
    """Return the words of the first sentences of a text, so many that they have the least."""
    found: list[str] = []
    for line in text.split("\n"):
        for sentence in each_sentence(line):
            found += folded_words(sentence)
            if len(found) >= least:
                return found
    return found


def goes_on(sentence: str, title: str) -> bool:
    """Tell whether a title was cut in this sentence: it ends in the beginning of that."""
    if not title.endswith(CUT):
        return False
    begun, told = folded_words(title), folded_words(sentence)
    # What it shares less with begins alike by chance.
    least = max(_LEAST_COMMON, len(told) // 2 + 1)
    return any(begun[-most:] == told[:most] for most in range(least, len(told)))
