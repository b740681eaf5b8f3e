"""Stories to an issue: chosen, sorted under headings, and the rest left over with the reason."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from flows.edit.channels import with_channels
from flows.edit.entries import VIDEO, address, entry, handed_out_again, left_out
from flows.edit.groups import grouped
from flows.edit.headline import InboxLine, preheader, subject
from flows.edit.outline import Outline, Source
from flows.edit.pages import not_an_article
from flows.edit.repositories import is_repository
from flows.edit.sections import Candidate, in_order, placed, ranked, room, score
from flows.edit.workshop import workshop
from flows.models import Entry, Issue, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from flows.edit.republished import Republication
    from flows.edit.sections import Room
    from flows.edit.workshop import Workshop
    from flows.models import Story

__all__ = ["Outline", "Source", "draft"]

# So many of those over the limits are written out as if they were sent: the next best, which an
# editor may move up. The others are listed with their title only.
WRITTEN_OUT = 40


def draft(
    stories: Sequence[Story],
    *,
    outline: Outline,
    number: int,
    date: date,
    title: str,
    again: Sequence[Republication] = (),
) -> Issue:
    """Return the issue these stories make; every story is in it or left over with its reason.

    The old stories that a feed handed out `again` are left over in one line for each feed.
    """
    old = {id(story) for archive in again for story in archive.stories}
    stories = [story for story in stories if id(story) not in old]
    stories = with_channels(stories, outline.sources)
    unfit = {id(story): reason for story in stories if (reason := _unfit(story))}
    shop = workshop(item for story in stories for item in story.items)
    found = ranked(_candidate(story, outline) for story in stories if id(story) not in unfit)
    chosen = room(grouped(found, shop, outline), outline)
    sections = _sections(chosen, shop, outline)
    line = inbox_line(title, number, sections)
    return Issue(
        number=number,
        date=date,
        subject=line.subject,
        preheader=line.preheader,
        sections=sections,
        left_over=(
            *_over_limits(chosen, shop, outline),
            *map(handed_out_again, again),
            *(left_out(story, unfit[id(story)]) for story in _apart(stories, unfit)),
        ),
    )


def inbox_line(title: str, number: int, sections: Iterable[Section]) -> InboxLine:
    """Return the subject and the preheader that these sections make."""
    titles = _headlines(sections)
    return InboxLine(subject=subject(title, number, titles), preheader=preheader(titles))


def _headlines(sections: Iterable[Section]) -> list[str]:
    """Return the titles for the inbox line: what is read before what is watched, groups last."""
    entries = [one for part in sections for one in part.entries if not one.sponsor]
    entries.sort(key=lambda one: (bool(one.links), one.detail == VIDEO))
    return [one.title for one in entries]


def _candidate(story: Story, outline: Outline) -> Candidate:
    return Candidate(stories=(story,), score=score(story, outline))


def _unfit(story: Story) -> str:
    """Return why a story cannot be in the issue whatever room there is, empty if it can."""
    if story.held or story.ran_in is not None:
        return _ran(story)
    if not address(story.lead.url):
        return "no link that a reader could follow"
    return not_an_article(story.lead)


def _ran(story: Story) -> str:
    # A past issue that was imported may have no number.
    if not story.ran_in or f"#{story.ran_in}" in story.held:
        return story.held
    ran = f"ran in #{story.ran_in}"
    return f"{ran}: {story.held}" if story.held else ran


def _apart(stories: Iterable[Story], unfit: dict[int, str]) -> list[Story]:
    """Return the unfit stories, those that ran before last: there an editor looks least."""
    found = [story for story in stories if id(story) in unfit]
    return sorted(found, key=lambda story: bool(story.held or story.ran_in is not None))


def _sections(chosen: Room, shop: Workshop, outline: Outline) -> tuple[Section, ...]:
    entries: defaultdict[str, list[Entry]] = defaultdict(list)
    names = {candidate.section.casefold(): candidate.section for candidate in chosen.taken}
    for candidate in sorted(chosen.taken, key=_rank_in_section):
        entries[candidate.section.casefold()].append(entry(candidate, shop))
    spelled = {name.casefold(): name for name, _ in outline.headings}
    return tuple(
        Section(name=spelled.get(name.casefold(), name), entries=tuple(entries[name.casefold()]))
        for name in in_order(names.values(), outline)
    )


def _rank_in_section(candidate: Candidate) -> tuple[bool, bool]:
    """Return what puts a candidate behind others: a group, and last of all a repository."""
    return is_repository(candidate.lead.url), bool(candidate.name)


def _over_limits(chosen: Room, shop: Workshop, outline: Outline) -> list[Entry]:
    best, rest = chosen.left[:WRITTEN_OUT], chosen.left[WRITTEN_OUT:]
    return [
        *(entry(placed(one, outline), shop, reason=reason) for one, reason in best),
        *(entry(one, shop, reason=reason, with_blurb=False) for one, reason in rest),
    ]
