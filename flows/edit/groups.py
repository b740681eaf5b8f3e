"""Videos of one channel, which together make one entry: its clips one, its long ones another."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.edit import clean
from flows.edit.characters import one_line
from flows.edit.entries import VIDEO
from flows.edit.gist import words_of_video
from flows.edit.markup import LineKind, lines
from flows.edit.sections import Candidate, placed
from flows.edit.sentences import count, folded_words
from flows.edit.workshop import repeated, shown_source, site
from flows.models import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from flows.edit.outline import Outline
    from flows.edit.workshop import Workshop
    from flows.models import Item, Link

LEAST = 3
MOST = 8

# A description of this many words says no more than its title.
_CLIP_WORDS = 25
# A longer one does not get that short without what repeats on its channel.
_MAYBE_CLIP_WORDS = 100
_FOOTER_WORDS = 3
_LONGEST_DESCRIPTION = 4_000

_OVER = f"over the limit of {MOST} videos in a group"
_COUNTS = ("", "", "", "Three", "Four", "Five", "Six", "Seven", "Eight")


def grouped(candidates: Iterable[Candidate], shop: Workshop, outline: Outline) -> list[Candidate]:
    """Return the candidates with three or more clips of a channel made one; so its long videos.

    `candidates` are ranked; the best of a group stands for it, and it takes eight at most.
    """
    kept = list(candidates)
    channels: defaultdict[Hashable, list[Candidate]] = defaultdict(list)
    for candidate in kept:
        key = _channel(candidate, shop)
        if key is not None:
            channels[key].append(candidate)
    groups = {}
    members: set[int] = set()
    for clips in channels.values():
        if len(clips) >= LEAST:
            groups[id(clips[0])] = _group(clips[:MOST], shop, outline)
            members |= {id(clip) for clip in clips[1:MOST]}
            groups |= {id(clip): replace(clip, over=_OVER) for clip in clips[MOST:]}
    return [groups.get(id(one), one) for one in kept if id(one) not in members]


def parted(group: Entry, links: Sequence[Link]) -> list[Entry]:
    """Return what a group's entry is with these of its links alone: fewer than three stand singly.

    What its notes say of the others goes.
    """
    if len(links) == len(group.links):
        return [group]
    if len(links) < LEAST:
        source = group.title.partition(" from ")[2] or group.source
        return [
            Entry(
                title=one.title,
                url=one.url,
                source=source,
                detail=VIDEO,
                notes=_notes_on(group, [one]),
            )
            for one in links
        ]
    first, space, rest = group.title.partition(" ")
    title = f"{_COUNTS[len(links)]}{space}{rest}" if first in _COUNTS else group.title
    detail = f"{len(links)} videos"
    notes = _notes_on(group, links)
    return [replace(group, title=title, detail=detail, links=tuple(links), notes=notes)]


def _notes_on(group: Entry, links: Iterable[Link]) -> tuple[str, ...]:
    """Return a group's notes but those on others than these of its links."""
    kept = {link.title for link in links}
    others = {link.title for link in group.links} - kept
    gone = tuple(f'check: "{title}"' for title in others)
    return tuple(note for note in group.notes if not note.startswith(gone))


def _channel(candidate: Candidate, shop: Workshop) -> Hashable:
    """Return what tells a video's channel, clips apart; nothing where none is told."""
    item = candidate.lead
    if item.kind is not Kind.VIDEO:
        return None
    is_clip = _is_clip(item, shop)
    if item.author:
        return (item.feed, item.author, is_clip)
    if item.source and item.source == item.feed and site(item) != item.source:
        return (item.feed, is_clip)
    # Who passes links on names no channel; its own descriptions end alike.
    footer = _footer(item)
    return (item.feed, item.source, footer, is_clip) if footer else None


def _is_clip(item: Item, shop: Workshop) -> bool:
    if "/shorts/" in item.url:
        return True
    text = item.content or item.summary
    if len(text) > _LONGEST_DESCRIPTION:
        return False
    words = words_of_video(item)
    if _CLIP_WORDS < words <= _MAYBE_CLIP_WORDS:
        words = sum(map(count, clean.body(item, repeated(item, shop))))
    return words <= _CLIP_WORDS


def _footer(item: Item) -> str:
    found = [line for line in lines(item.content or item.summary) if line.kind is not LineKind.GAP]
    if len(found) < 2 or count(found[-1].text) < _FOOTER_WORDS:  # noqa: PLR2004 - a lone line is the text
        return ""
    return " ".join(folded_words(found[-1].text))


def _group(clips: Sequence[Candidate], shop: Workshop, outline: Outline) -> Candidate:
    best = clips[0]
    # Rules look at titles, and may part what belongs together; of equal ones the best's counts.
    section, _ = Counter(placed(clip, outline).section for clip in clips).most_common(1)[0]
    return Candidate(
        stories=tuple(story for clip in clips for story in clip.stories),
        section=section,
        score=best.score,
        name=_name([clip.lead for clip in clips], is_clip=_is_clip(best.lead, shop)),
    )


def _name(items: Sequence[Item], *, is_clip: bool) -> str:
    asks = all(item.title.rstrip().endswith("?") for item in items)
    what = "videos" if not is_clip else "short answers" if asks else "short videos"
    channel = shown_source(items[0])
    if channel in ("", site(items[0])):
        return f"{_COUNTS[len(items)]} {what}"
    return f"{what.capitalize()} from {one_line(channel)}"
