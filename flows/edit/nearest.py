"""Finds the titles that are nearest to what somebody remembers of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process, utils

if TYPE_CHECKING:
    from collections.abc import Sequence

# From here on two titles are near: of a hundred characters, words in any order.
NEAR = 80.0
# A part of a title is worth a little less than the whole, its words anywhere in it less again;
# a few letters are in any title.
PART = 0.95
WORDS = 0.85
SHORTEST_PART = 4
MOST = 5


def nearest(asked: str, titles: Sequence[str], *, most: int = MOST) -> list[str]:
    """Return the few titles nearest to `asked`, or with it as a part, best first.

    Equal ones stay in the order in which they came, and what differs in case or punctuation only
    comes once. None is near: an empty list.
    """
    wanted = _folded(asked)
    if not wanted:
        return []
    places: dict[str, int] = {}
    for index, title in enumerate(titles):
        places.setdefault(_folded(title), index)
    folded = {index: title for title, index in places.items()}
    ways = [(fuzz.token_sort_ratio, 1.0, folded)]
    if len(wanted) >= SHORTEST_PART:
        # A short title is part of many a question; only a question may be part of a title.
        longer = {index: title for index, title in folded.items() if len(title) >= len(wanted)}
        ways += [(fuzz.partial_ratio, PART, longer), (fuzz.token_set_ratio, WORDS, longer)]
    scores: dict[int, float] = {}
    for scorer, worth, among in ways:
        for _, score, index in process.extract(
            wanted, among, scorer=scorer, score_cutoff=NEAR / worth, limit=most
        ):
            scores[index] = max(scores.get(index, 0.0), score * worth)
    best = sorted(scores, key=lambda index: (-scores[index], index))
    return [titles[index] for index in best[:most]]


def _folded(title: str) -> str:
    return " ".join(utils.default_process(title).split())
