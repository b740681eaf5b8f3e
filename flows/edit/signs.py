"""Patterns that are tried only where one of their signs is: to look for words is much faster."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Signed:
    """A pattern, and the signs of which each text that it finds has one.

    The signs of one that minds no case are in lower case.
    """

    pattern: re.Pattern[str]
    signs: tuple[str, ...]
    _folds: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folds", bool(self.pattern.flags & re.IGNORECASE))

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match in the text, None if there is none."""
        return self.pattern.search(text) if self.may_find(text) else None

    def match(self, text: str) -> re.Match[str] | None:
        """Return the match at the start of the text, None if there is none."""
        return self.pattern.match(text) if self.may_find(text) else None

    def sub(self, instead: str | Callable[[re.Match[str]], str], text: str) -> str:
        """Return the text with each match replaced."""
        return self.pattern.sub(instead, text) if self.may_find(text) else text

    def may_find(self, text: str) -> bool:
        """Tell whether the text has a sign."""
        told = _folded(text) if self._folds else text
        return any(sign in told for sign in self.signs)


def _folded(text: str) -> str:
    """Return the text as a pattern that minds no case takes it: Turkish has two letters more."""
    if text.isascii():
        return text.lower()
    return text.replace("\u0130", "i").replace("\u0131", "i").casefold()
