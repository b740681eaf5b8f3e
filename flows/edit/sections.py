"""Where stories belong, which come first, and how many there is room for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flows.edit.outline import Source
from flows.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.edit.outline import Outline
    from flows.models import Item, Story

NEW = "New since the draft"
LEFT_OVER = "Left over"

# The headings that the built-in rules look for; they apply where the settings have them.
KIND_SECTIONS = {Kind.VIDEO: "Videos", Kind.PODCAST: "Podcasts", Kind.RELEASE: "Releases"}

# What another feed that carries a story adds, and how many such feeds count.
_PER_FEED = 0.5
_MOST_FEEDS = 4
# A story loses its freshness evenly over this time; one without a date has half of it.
_FRESH = timedelta(days=7)
_UNDATED = 0.5

_UNKNOWN = Source()
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How likely readers want a story, and why."""

    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What may become an entry: a story, or short videos of one channel in `name`'s group."""

    stories: tuple[Story, ...]
    section: str
    score: Score
    name: str = ""

    @property
    def lead(self) -> Item:
        """The item that is shown."""
        return self.stories[0].lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What there is room for in an issue, and what is left with the reason."""

    taken: tuple[Candidate, ...]
    left: tuple[tuple[Candidate, str], ...]


def section(item: Item, outline: Outline) -> str:
    """Return the heading an item goes under: its feed's, else its kind's, else the default."""
    own = outline.sources.get(item.feed, _UNKNOWN).section.strip()
    if own and own.casefold() not in (NEW.casefold(), LEFT_OVER.casefold()):
        return own
    known = {name.casefold(): name for name, _ in outline.sections}
    wanted = KIND_SECTIONS.get(item.kind, "")
    return known.get(wanted.casefold()) or outline.default_section


def score(story: Story, outline: Outline) -> Score:
    """Return a story's score: its feed's weight, the other feeds that carry it, its freshness."""
    weight = outline.sources.get(story.lead.feed, _UNKNOWN).weight
    feeds = len({item.feed for item in story.others} - {story.lead.feed})
    carried = _PER_FEED * min(feeds, _MOST_FEEDS)
    freshness = _freshness(story.lead, outline.now)
    parts = [f"weight {weight:g}"]
    if feeds:
        parts.append(f"{feeds} more feed{'s' if feeds > 1 else ''} +{carried:g}")
    parts.append(f"{'freshness' if story.lead.published else 'no date'} +{freshness:.1f}")
    value = weight + carried + freshness
    return Score(value=value, reason=f"score {value:.1f} ({', '.join(parts)})")


def _freshness(item: Item, now: datetime) -> float:
    if item.published is None:
        return _UNDATED
    return min(1.0, max(0.0, 1.0 - (now - item.published) / _FRESH))


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates by score; equal ones by date, then by title and address."""
    alphabetical = sorted(candidates, key=lambda one: (one.lead.title, one.lead.url))
    latest = sorted(alphabetical, key=lambda one: one.lead.published or _LONG_AGO, reverse=True)
    return sorted(latest, key=lambda one: round(one.score.value, 6), reverse=True)


def room(candidates: Sequence[Candidate], outline: Outline) -> Room:
    """Return which of the ranked candidates there is room for, and what is over which limit."""
    caps = {name.casefold(): most for name, most in outline.sections if most}
    sections: Counter[str] = Counter()
    feeds: Counter[str] = Counter()
    taken: list[Candidate] = []
    left: list[tuple[Candidate, str]] = []
    for candidate in candidates:
        name, feed = candidate.section.casefold(), candidate.lead.feed
        most = outline.sources.get(feed, _UNKNOWN).max_items
        if len(taken) >= outline.max_entries:
            left.append((candidate, f"over the limit of {_entries(outline.max_entries)}"))
        elif name in caps and sections[name] >= caps[name]:
            left.append((candidate, f"over the limit of {caps[name]} in {candidate.section}"))
        elif most and feeds[feed] >= most:
            left.append((candidate, f"over the limit of {most} from {feed}"))
        else:
            sections[name] += 1
            feeds[feed] += 1
            taken.append(candidate)
    return Room(taken=tuple(taken), left=tuple(left))


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def in_order(names: Iterable[str], outline: Outline) -> list[str]:
    """Return these headings in mail order: as the settings list them, the default last."""
    wanted = {name.casefold(): name for name in names}
    listed = [name.casefold() for name, _ in outline.sections]
    last = outline.default_section.casefold()
    unlisted = [name for name in wanted if name not in listed and name != last]
    order = dict.fromkeys([*listed, *unlisted, last])
    return [wanted[name] for name in order if name in wanted]
