"""Stories to an issue: chosen, sorted under headings, and the rest left over with the reason."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from flows.edit.channels import with_channels
from flows.edit.characters import one_line
from flows.edit.entries import VIDEO, address, entry, handed_out_again, left_out, why
from flows.edit.groups import grouped
from flows.edit.headline import InboxLine, preheader, subject
from flows.edit.left_over import not_listed
from flows.edit.outline import Outline, Source
from flows.edit.pages import not_an_article
from flows.edit.repositories import is_repository
from flows.edit.sections import LEFT_OVER, Candidate, in_order, placed, ranked, room, score
from flows.edit.workshop import workshop
from flows.models import Entry, Issue, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from flows.edit.republished import Republication
    from flows.edit.sections import Room
    from flows.edit.workshop import Workshop
    from flows.models import Story

__all__ = ["Choice", "Draft", "Outline", "Source", "draft"]

# So many of those over the limits are written out as if they were sent: the next best, which an
# editor may move up. The others are listed with their title only.
WRITTEN_OUT = 40


class Choice(NamedTuple):
    """The heading that a story stands under, or would if all were listed, and why."""

    story: Story
    section: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An issue, and what was chosen for each story but those that a feed handed out again.

    `singles` are entries of the stories in groups, by their addresses, as if each stood alone.
    """

    issue: Issue
    choices: tuple[Choice, ...]
    singles: Mapping[str, Entry]


def draft(
    stories: Sequence[Story],
    *,
    outline: Outline,
    number: int,
    date: date,
    title: str,
    again: Sequence[Republication] = (),
) -> Draft:
    """Return the issue these stories make; every story is in it or left over with its reason.

    The old stories that a feed handed out `again` are left over in one line for each feed. Of those
    that there was no room for, and of the unfit, `max_left_over` are listed, and a line counts the
    rest.
    """
    old = {id(story) for archive in again for story in archive.stories}
    stories = [story for story in stories if id(story) not in old]
    stories = with_channels(stories, outline.sources)
    reasons = [(story, _unfit(story)) for story in stories]
    fit = [story for story, reason in reasons if not reason]
    unfit = _unfit_in_order((story, reason) for story, reason in reasons if reason)
    told = (item for story in stories for item in story.items)
    shop = workshop(told, year=date.year, earlier=outline.earlier)
    found = ranked(_candidate(story, outline) for story in fit)
    chosen = room(grouped(found, shop, outline), outline)
    sections = _sections(chosen, shop, outline)
    line = inbox_line(title, number, sections)
    issue = Issue(
        number=number,
        date=date,
        subject=line.subject,
        preheader=line.preheader,
        sections=sections,
        left_over=(
            *_over_limits(chosen, shop, outline),
            *map(handed_out_again, again),
            *_no_candidates(unfit, outline),
        ),
    )
    return Draft(
        issue=issue,
        choices=tuple(chain(_choices(chosen, shop, outline), unfit)),
        singles={one.url: one for one in _singles(chosen, shop)},
    )


def inbox_line(title: str, number: int, sections: Iterable[Section]) -> InboxLine:
    """Return the subject and the preheader that these sections make."""
    titles = _headlines(sections)
    return InboxLine(subject=subject(title, number, titles), preheader=preheader(titles))


def _headlines(sections: Iterable[Section]) -> list[str]:
    """Return the titles for the inbox line: what is read before code and videos, groups last."""
    entries = [one for part in sections for one in part.entries if not one.sponsor]
    entries.sort(key=_rank_in_inbox)
    return [one.title for one in entries]


def _rank_in_inbox(entry: Entry) -> tuple[bool, bool, bool]:
    return bool(entry.links), entry.detail.startswith(VIDEO), is_repository(entry.url)


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


def _unfit_in_order(unfit: Iterable[tuple[Story, str]]) -> list[Choice]:
    """Return the unfit stories, those that ran before last: there an editor looks least."""
    found = [Choice(story, LEFT_OVER, one_line(reason)) for story, reason in unfit]
    return sorted(found, key=lambda one: bool(one.story.held or one.story.ran_in is not None))


def _choices(chosen: Room, shop: Workshop, outline: Outline) -> Iterator[Choice]:
    headings = _headings(chosen, outline)
    for candidate in chosen.taken:
        section, reason = headings[candidate.section.casefold()], why(candidate, shop)
        yield from (Choice(story, section, reason) for story in candidate.stories)
    for candidate, reason in chosen.left:
        yield from (Choice(story, LEFT_OVER, reason) for story in candidate.stories)


def _headings(chosen: Room, outline: Outline) -> dict[str, str]:
    """Return how each heading is spelled whatever its case: as in the settings, if it is there."""
    names = {candidate.section.casefold(): candidate.section for candidate in chosen.taken}
    own = {name.casefold(): name for name, _ in outline.headings}
    return {name: own.get(name, spelled) for name, spelled in names.items()}


def _sections(chosen: Room, shop: Workshop, outline: Outline) -> tuple[Section, ...]:
    entries: defaultdict[str, list[Entry]] = defaultdict(list)
    for candidate in sorted(chosen.taken, key=_rank_in_section):
        entries[candidate.section.casefold()].append(entry(candidate, shop))
    return tuple(
        Section(name=name, entries=tuple(entries[name.casefold()]))
        for name in in_order(_headings(chosen, outline).values(), outline)
    )


def _singles(chosen: Room, shop: Workshop) -> Iterator[Entry]:
    for candidate in chosen.taken:
        if candidate.name:
            for story in candidate.stories:
                yield entry(replace(candidate, stories=(story,), name=""), shop)


def _rank_in_section(candidate: Candidate) -> tuple[bool, bool]:
    """Return what puts a candidate behind others: a group, and last of all a repository."""
    return is_repository(candidate.lead.url), bool(candidate.name)


def _over_limits(chosen: Room, shop: Workshop, outline: Outline) -> Iterator[Entry]:
    most = outline.max_left_over or len(chosen.left)
    for number, (candidate, reason) in enumerate(chosen.left[:most]):
        if number < WRITTEN_OUT:
            yield entry(placed(candidate, outline), shop, reason=reason)
        else:
            yield entry(candidate, shop, reason=reason, with_blurb=False)
    if rest := sum(len(candidate.stories) for candidate, _ in chosen.left[most:]):
        yield not_listed(rest, "that there was no room for")


def _no_candidates(unfit: Sequence[Choice], outline: Outline) -> Iterator[Entry]:
    most = outline.max_left_over or len(unfit)
    yield from (left_out(one.story, one.reason) for one in unfit[:most])
    if rest := len(unfit[most:]):
        yield not_listed(rest, "that could not be in the issue")
