"""Finds stories that may be one and stay apart, for the editor to judge."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from flows.edit.clusters import keys_of
from flows.edit.fingerprint import sketch
from flows.edit.likeness import Reading, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    blocks: dict[object, list[int]] = defaultdict(list)
    for index, reading in enumerate(readings):
        for key in _keys(reading):
            blocks[key].append(index)
    if len(readings) <= MOST_STORIES:
        _add_word_blocks(blocks, readings)
        _add_text_blocks(blocks, readings)
    return {
        pair
        for block in blocks.values()
        if 1 < len(block) <= MOST_OF_KEY
        for pair in combinations(block, 2)
    }


def _keys(reading: Reading) -> Iterator[object]:
    yield from keys_of(reading)
    if reading.address.url:
        yield ("address", reading.address.url)


def _add_word_blocks(blocks: dict[object, list[int]], readings: Sequence[Reading]) -> None:
    counted = Counter(word for reading in readings for word in reading.title.words)
    for index, reading in enumerate(readings):
        words = sorted(reading.title.words, key=lambda word: (counted[word], word))
        rare = [word for word in words if counted[word] <= MOST_OF_WORDS][:RAREST_WORDS]
        for pair in combinations(sorted(rare), 2):
            blocks[("words", *pair)].append(index)


def _add_text_blocks(blocks: dict[object, list[int]], readings: Sequence[Reading]) -> None:
    """Bring together what may be a copy under another title."""
    for index, reading in enumerate(readings):
        for value in sketch(reading.text):
            blocks[("text", value)].append(index)
