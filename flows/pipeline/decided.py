"""What a draft made of each item, as the store keeps it to be asked for later."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING

from flows.edit import titles
from flows.edit.canonical import canonical
from flows.edit.entries import address, title
from flows.edit.gist import spelled
from flows.edit.sections import LEFT_OVER
from flows.store.decisions import Decision, Fate
from flows.store.names import number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from flows.edit.republished import Republication
    from flows.models import Entry, Issue, Item, Story

# The notes of an entry that say why it stands where it stands.
REASONS = ("left out: ", "why: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The stories of a draft, the feeds that told old ones again, and when it was decided."""

    stories: Sequence[Story]
    again: Sequence[Republication]
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What became of a story: the part of a decision that its items share."""

    fate: Fate
    section: str = ""
    reason: str = ""


def decide(issue: Issue, told: Told, *, but_for: Collection[int] = ()) -> list[Decision]:
    """Return what became of every item of the draft's stories, and why.

    Items with numbers in `but_for` are passed over: of them something was decided before.
    """
    places = dict(_places(issue))
    old = {id(story): archive.sentence for archive in told.again for story in archive.stories}
    made: list[Decision] = []
    for story in told.stories:
        numbers = [*map(_number, story.items)]
        if all(own in but_for for own in numbers):
            continue
        if id(story) in old:
            verdict = _Verdict(fate=Fate.HELD, reason=old[id(story)])
        else:
            verdict = _verdict(story, places)
        found = _decisions(story, numbers, verdict, issue=issue.number, decided_at=told.decided_at)
        made += (one for one in found if one.item not in but_for)
    return made


def address_of(url: str, name: str) -> str:
    """Return what an item is looked up by: the one spelling of its address, else its title."""
    return canonical(url) or _titled(name)


def _titled(name: str) -> str:
    return f"title:{titles.read(name).key}"


def _verdict(story: Story, places: Mapping[tuple[str, str], tuple[str, str]]) -> _Verdict:
    lead = story.lead
    section, reason = places.get((address(lead.url), title(lead)), (LEFT_OVER, ""))
    if story.held or story.ran_in is not None:
        return _Verdict(fate=Fate.HELD, section=LEFT_OVER, reason=story.held or reason)
    fate = Fate.LEFT_OUT if section == LEFT_OVER else Fate.CHOSEN
    return _Verdict(fate=fate, section=section, reason=reason)


def _places(issue: Issue) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield, for each address and title of the draft, the heading and why it stands there."""
    headed = [(section.name, section.entries) for section in issue.sections]
    for name, entries in [*headed, (LEFT_OVER, issue.left_over)]:
        for entry in entries:
            found = (name, _reason(entry))
            yield (entry.url, entry.title), found
            for link in entry.links:
                yield (link.url, link.title), found


def _reason(entry: Entry) -> str:
    told = (
        note.removeprefix(start)
        for start in REASONS
        for note in entry.notes
        if note.startswith(start)
    )
    return next(told, "")


def _decisions(
    story: Story, numbers: Sequence[int], verdict: _Verdict, *, issue: int, decided_at: datetime
) -> Iterator[Decision]:
    merged: Iterable[str] = chain([""], story.reasons, repeat(""))
    for item, own, merging in zip(story.items, numbers, merged, strict=False):
        leads = item is story.lead
        yield Decision(
            issue=issue,
            item=own,
            story=numbers[0],
            address=spelled(item) or _titled(item.title),
            feed=item.feed,
            url=item.url,
            title=item.title,
            fate=verdict.fate if leads else Fate.MERGED,
            section=verdict.section,
            reason=verdict.reason if leads else merging,
            decided_at=decided_at,
        )


def _number(item: Item) -> int:
    return number("\n".join((item.feed, item.guid, item.url, item.title)))
