"""Finds stories that may be one and stay apart, for the editor to judge."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

from flows.edit.clusters import keys_of
from flows.edit.fingerprint import sketch
from flows.edit.likeness import Reading, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flows.edit.clusters import Cluster
    from flows.models import Item

# Words so common in the week's titles bring nothing together.
MOST_OF_WORDS = 12
RAREST_WORDS = 4
# An editor reads a week, not an archive: beyond this only equal titles are looked at.
MOST_STORIES = 5_000
MOST_OF_KEY = 12


def look_alikes(clusters: Sequence[Cluster]) -> list[list[str]]:
    """Return for each story one sentence per other story that may be the same."""
    leads = [cluster.lead for cluster in clusters]
    found: list[list[str]] = [[] for _ in clusters]
    for one, other in sorted(_candidates([lead.reading for lead in leads])):
        judgement = judge(leads[one].reading, leads[other].reading)
        if judgement.verdict is Verdict.LIKELY:
            found[one].append(sentence(leads[other].item))
            found[other].append(sentence(leads[one].item))
    return found


def sentence(item: Item) -> str:
    """Return what an editor is asked about an item that may be the same."""
    source = item.source or item.feed
    named = f"“{item.title}” ({source})" if source else f"“{item.title}”"
    return f"looks like {named}, keep one?"


def _candidates(readings: Sequence[Reading]) -> set[tuple[int, int]]:
    found = _pairs(map(_keys, readings))
    if len(readings) <= MOST_STORIES:
        found |= _pairs(_word_keys(readings))
        # What may be a copy under another title.
        found |= _pairs(sketch(reading.text) for reading in readings)
    return found


def _pairs(keys: Iterable[Iterable[object]]) -> set[tuple[int, int]]:
    """Return the pairs of those, by their numbers, that have a key in common which few have."""
    first: dict[object, int] = {}
    # Of the many keys that but one has no list is made.
    shared: dict[object, list[int]] = {}
    for index, own in enumerate(keys):
        for key in own:
            known = first.setdefault(key, index)
            if known != index:
                shared.setdefault(key, [known]).append(index)
    few = (block for block in shared.values() if len(block) <= MOST_OF_KEY)
    return {pair for block in few for pair in combinations(block, 2)}


def _keys(reading: Reading) -> Iterator[object]:
    yield from keys_of(reading)
    if reading.address.url:
        yield ("address", reading.address.url)


def _word_keys(readings: Sequence[Reading]) -> Iterator[Iterable[object]]:
    """Yield for each title the pairs of its rarest words."""
    counted = Counter(word for reading in readings for word in reading.title.words)
    for reading in readings:
        words = sorted(reading.title.words, key=lambda word: (counted[word], word))
        rare = [word for word in words if counted[word] <= MOST_OF_WORDS][:RAREST_WORDS]
        yield combinations(sorted(rare), 2)
