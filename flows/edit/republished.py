"""Notices a feed that hands out its archive again, and says so in one line instead of hundreds."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.edit.likeness import judge
from flows.edit.readings import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.edit.likeness import Reading
    from flows.models import Item, Story

# So many stories at once, being this share of what the feed brought, are an archive.
FEWEST_AGAIN = 5
SHARE_AGAIN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Republication:
    """A feed that told its old stories again: which, and the one sentence for the editor."""

    feed: str
    stories: tuple[Story, ...]
    sentence: str


def republished(stories: Iterable[Story], *, earlier: Iterable[Item] = ()) -> list[Republication]:
    """Return the feeds that told old stories as new, by name.

    A story is old if it is held because it ran, or if its feed had it among `earlier` items under
    another guid.
    """
    seen: dict[str, list[Item]] = defaultdict(list)
    for item in earlier:
        seen[item.feed].append(item)
    by_feed: dict[str, list[Story]] = defaultdict(list)
    for story in stories:
        by_feed[story.lead.feed].append(story)
    found = []
    for feed, told in sorted(by_feed.items()):
        again = _again(told, seen[feed])
        if len(again) >= FEWEST_AGAIN and len(again) >= SHARE_AGAIN * len(told):
            found.append(Republication(feed=feed, stories=again, sentence=_sentence(feed, again)))
    return found


def suspects(stories: Iterable[Story]) -> list[Item]:
    """Return the leading items whose feeds told enough stories to be an archive's.

    Only what such feeds told earlier needs to be looked up for `republished`.
    """
    told = list(stories)
    counted = Counter(story.lead.feed for story in told)
    return [story.lead for story in told if counted[story.lead.feed] >= FEWEST_AGAIN]


def _again(stories: Sequence[Story], earlier: Sequence[Item]) -> tuple[Story, ...]:
    by_name: dict[str, list[tuple[Item, Reading]]] = defaultdict(list)
    for item in earlier:
        reading = read(item)
        for name in _names(reading):
            by_name[name].append((item, reading))
    if not by_name:
        return tuple(story for story in stories if story.held)
    return tuple(story for story in stories if story.held or _was_there(story.lead, by_name))


def _was_there(item: Item, by_name: dict[str, list[tuple[Item, Reading]]]) -> bool:
    reading = read(item)
    return any(
        before.guid != item.guid and judge(known, reading)
        for name in _names(reading)
        for before, known in by_name.get(name, ())[:FEWEST_AGAIN]
    )


def _names(reading: Reading) -> set[str]:
    return {name for name in (reading.address.url, reading.title.key) if name}


def _sentence(feed: str, again: Sequence[Story]) -> str:
    # Imported stories may have run in an issue without a number.
    issues = sorted({story.ran_in for story in again if story.ran_in})
    ran = ""
    if issues:
        span = f"#{issues[0]}" if len(issues) == 1 else f"#{issues[0]} to #{issues[-1]}"
        ran = f", sent in {span}"
    return f"{feed} handed out {len(again)} old stories again{ran}; all are held back"
