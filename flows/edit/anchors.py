"""Judges two entries at one address that point at parts of its page: "#post-120", "#term-pod"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.edit.titles import Title

_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+")


def differ(one: str, other: str) -> bool:
    """Return whether two fragments name two parts of a page."""
    return bool(one and other and one != other)


def are_entries(one: str, other: str, titles: tuple[Title, Title]) -> bool:
    """Return whether each fragment names an entry of a page: by its number, or by its title."""
    first, second = titles
    if one == other or first.key == second.key:
        return False
    if "#" in _numberless(one) and _numberless(one) == _numberless(other):
        return True
    mine, yours = set(first.words), set(second.words)
    return _names(one, mine - yours) and _names(other, yours - mine)


def _numberless(fragment: str) -> str:
    return _DIGITS.sub("#", fragment)


def _names(fragment: str, words: set[str]) -> bool:
    return not words.isdisjoint(_WORD.findall(fragment))
