"""Where stories belong, which come first, and how many there is room for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from flows.edit import rules
from flows.edit.outline import Layout, Source
from flows.edit.repositories import is_repository
from flows.edit.rules import REPOSITORY, Place
from flows.edit.workshop import shown_feed, shown_source
from flows.models import Kind
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flows.edit.outline import Outline
    from flows.models import Item, Story

NEW = "New since the draft"
LEFT_OVER = "Left over"
# What sponsors booked stands above all sections.
SPONSOR = "Sponsor"

# The headings that the built-in rules look for; they apply where the settings have them.
KIND_SECTIONS = {Kind.VIDEO: "Videos", Kind.PODCAST: "Podcasts", Kind.RELEASE: "Releases"}

# "Leftover" is meant for "Left over".
_NEARLY = 84

# What another feed that carries a story adds, and how many such feeds count.
_PER_FEED = 0.5
_MOST_FEEDS = 4
# A story loses its freshness evenly over this time; one without a date has half of it.
_FRESH = timedelta(days=7)
_UNDATED = 0.5

_UNKNOWN = Source()
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def is_nearly(name: str, wanted: str) -> bool:
    """Tell whether a heading is, perhaps misspelt, the wanted one."""
    return fuzz.ratio(name.casefold(), wanted.casefold()) >= _NEARLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How likely readers want a story: its feed's weight, who else carries it, how fresh it is."""

    weight: float
    feeds: int = 0
    freshness: float
    dated: bool = True

    @property
    def value(self) -> float:
        """The sum; higher is likelier."""
        return self.weight + self._carried + self.freshness

    @property
    def reason(self) -> str:
        """How it is made up."""
        parts = [f"weight {self.weight:g}"]
        if self.feeds:
            parts.append(
                f"{self.feeds} more feed{'s' if self.feeds > 1 else ''} +{self._carried:g}"
            )
        parts.append(f"{'freshness' if self.dated else 'no date'} +{self.freshness:.1f}")
        return f"score {self.value:.1f} ({', '.join(parts)})"

    @property
    def _carried(self) -> float:
        return _PER_FEED * min(self.feeds, _MOST_FEEDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What may become an entry: a story, or videos of one channel in `name`'s group.

    Its section is empty until it is `placed`; `because` says what spoke for that, if it is not
    plain to see. There is no room for one that is `over` a limit already.
    """

    stories: tuple[Story, ...]
    score: Score
    name: str = ""
    section: str = ""
    because: str = ""
    over: str = ""

    @property
    def lead(self) -> Item:
        """The item that is shown."""
        return self.stories[0].lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What there is room for in an issue, and what is left with the reason."""

    taken: tuple[Candidate, ...]
    left: tuple[tuple[Candidate, str], ...]


def place(item: Item, outline: Outline) -> Place:
    """Return the heading an item goes under, and why if that is not plain to see.

    Its feed's comes first, then the editor's rules, what a trained classifier is sure of, what
    comes with the layout, and the default.
    """
    if outline.layout is Layout.FLAT:
        return Place(section=outline.fallback)
    known = {name.casefold(): name for name, _ in outline.headings}
    if own := _own(item, outline, known):
        return Place(section=own)
    for found in _spoken(item, outline):
        if found is None:
            continue
        if name := known.get(found.section.casefold()):
            return replace(found, section=name)
        if found.section.casefold() == outline.fallback.casefold():
            return found
    wanted = KIND_SECTIONS.get(item.kind, "")
    return Place(section=known.get(wanted.casefold()) or outline.fallback)


def placed(candidate: Candidate, outline: Outline) -> Candidate:
    """Return the candidate with the section it belongs in."""
    if candidate.section:
        return candidate
    found = place(candidate.lead, outline)
    return replace(candidate, section=found.section, because=found.because)


def _own(item: Item, outline: Outline, known: Mapping[str, str]) -> str:
    own = outline.sources.get(item.feed, _UNKNOWN).section.strip()
    if own.casefold() in (NEW.casefold(), LEFT_OVER.casefold()):
        return ""
    # Topics may have headings that are not listed; in the classic layout a topic says nothing.
    return own if outline.layout is Layout.TOPICS else known.get(own.casefold(), "")


def _spoken(item: Item, outline: Outline) -> Iterator[Place | None]:
    yield rules.place(item, outline.rules)
    if outline.guess is not None:
        yield outline.guess(item)
    if outline.layout is Layout.PEOPLE_PROCESS_TOOLS:
        yield rules.place(item, rules.people_process_tools())


def score(story: Story, outline: Outline) -> Score:
    """Return a story's score."""
    lead = story.lead
    return Score(
        weight=outline.sources.get(lead.feed, _UNKNOWN).weight,
        feeds=len({item.feed for item in story.others} - {lead.feed}),
        freshness=_freshness(lead, outline.now),
        dated=lead.published is not None,
    )


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
    """Return which of the ranked candidates there is room for, and what is over which limit.

    Once the issue is full, where the others would stand is not asked: rules cost time.
    """
    taken: list[Candidate] = []
    left: list[tuple[Candidate, str]] = []
    counts: Counter[tuple[str, str]] = Counter()
    caps = {name.casefold(): most for name, most in outline.headings}
    for unplaced in candidates:
        if len(taken) >= outline.max_entries:
            left.append((unplaced, f"over the limit of {counted(outline.max_entries, 'entry')}"))
            continue
        if unplaced.over:
            left.append((unplaced, unplaced.over))
            continue
        candidate = placed(unplaced, outline)
        limits = _limits(candidate, outline, caps)
        over = [
            f"over the limit of {most} {told}"
            for key, most, told in limits
            if most and counts[key] >= most
        ]
        if over:
            left.append((candidate, over[0]))
        else:
            counts.update(key for key, _, _ in limits)
            taken.append(candidate)
    return Room(taken=tuple(taken), left=tuple(left))


def _limits(
    candidate: Candidate, outline: Outline, caps: Mapping[str, int]
) -> list[tuple[tuple[str, str], int, str]]:
    """Return what a candidate counts towards, how many it takes, and how that is called."""
    name, lead = candidate.section, candidate.lead
    source, kind = shown_source(lead), kind_of(lead)
    most = outline.sources.get(lead.feed, _UNKNOWN).max_items
    return [
        (("section", name.casefold()), caps.get(name.casefold(), 0), f"in {name}"),
        (("feed", lead.feed), most, f"from {shown_feed(lead)}"),
        (("source", source.casefold()), outline.max_per_source, f"from {source}"),
        (("kind", kind), outline.max_by_kind.get(kind, 0), f"of kind {kind}"),
    ]


def kind_of(item: Item) -> str:
    """Return the kind that limits count by: an item's own, or "repository"."""
    return REPOSITORY if is_repository(item.url) else item.kind.value


def in_order(names: Iterable[str], outline: Outline) -> list[str]:
    """Return these headings in mail order: as the settings list them, the default last."""
    wanted = {name.casefold(): name for name in names}
    listed = [name.casefold() for name, _ in outline.headings]
    last = outline.fallback.casefold()
    unlisted = [name for name in wanted if name not in listed and name != last]
    order = dict.fromkeys([*listed, *unlisted, last])
    return [wanted[name] for name in order if name in wanted]
