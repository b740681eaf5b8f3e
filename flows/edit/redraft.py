"""Drafting again: what is new is added, what we wrote is brought up to date, edits are left.

Three texts meet: the issue as we wrote it last, its file as it is now, and what we would write
now. A line that an editor wrote, changed or removed stays so.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.edit import front_matter
from flows.edit.canonical import canonical
from flows.edit.draft import inbox_line
from flows.edit.gist import spelled
from flows.edit.groups import parted
from flows.edit.issue_file import entry_block, read, read_placed
from flows.edit.sections import LEFT_OVER, NEW, SPONSOR
from flows.edit.three_way import changes
from flows.models import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from flows.edit.issue_reader import Placed
    from flows.models import Entry, Issue, Item, Story

# No editor has ended lines so for decades; what is added could not be told from what stands.
_LONE_RETURN = re.compile(r"\r(?!\n)")
# Their heading, with nothing under it any more.
_NO_SPONSOR = re.compile(rf"^## {SPONSOR}[ \t]*\r?\n\s*(?=## |\Z)", re.MULTILINE)
_WHY = "<!-- why: "
# A blurb that the editor's own program wrote is not asked for again; one that it failed at is,
# while its entry stands as we wrote it.
DRAFT_NOTE = "draft: "
PROGRAM_NOTE = "check: the program "
_NOT_COMPARED = (_WHY, f"<!-- {PROGRAM_NOTE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraft:
    """The file's text, the issue as we wrote it, and how many entries were added and updated.

    Sponsors' entries that were added stand elsewhere, and are counted as `booked`.
    """

    text: str
    wrote: Issue
    added: int = 0
    booked: int = 0
    updated: int = 0


def add_only(
    text: str, fresh: Issue, *, path: Path, wrote: Issue | None, added: Sequence[Entry]
) -> Redraft:
    """Return the file of an issue with the entries that are `missing`, and all else as it was.

    For an issue that is approved, and where it is not known what we `wrote`. Raises IssueError if
    the text cannot be read.
    """
    text = _LONE_RETURN.sub("\n", text)
    if wrote is None:
        mine = replace(fresh, new=(), left_over=())
    else:
        mine = replace(wrote, new=(*wrote.new, *added))
    return Redraft(text=add_new(text, added, path=path), wrote=mine, added=len(added))


def redraft(
    text: str, fresh: Issue, *, path: Path, title: str, wrote: Issue, added: Sequence[Entry]
) -> Redraft:
    """Return the file of an issue with what a fresh draft has to say.

    `wrote` is what we wrote last, `added` what is `missing`, and `title` the newsletter's. Raises
    IssueError if the text cannot be read.
    """
    text = _LONE_RETURN.sub("\n", text)
    text, wrote = _without_unbooked(text, path=path, wrote=wrote, would=fresh)
    standing = read_placed(text, path=path)
    known = _with(standing.issue, wrote)
    booked = [one for one in fresh.entries if one.sponsor and not _has_sponsor(known, one)]
    changed, updated, mended = _up_to_date(text, standing, wrote=wrote, would=fresh)
    changed = add_new(add_sponsors(changed, booked, path=path), added, path=path)
    now = standing.issue if changed == text else read(changed, path=path)
    line = inbox_line(title, fresh.number, now.sections)
    mine = replace(
        _renewed(wrote, updated),
        subject=line.subject,
        preheader=line.preheader,
        new=(*_replaced(wrote.new, updated), *booked, *added),
    )
    return Redraft(
        text=_with_front(changed, wrote=wrote, would=mine),
        wrote=mine,
        added=len(added),
        booked=len(booked),
        updated=mended,
    )


def missing(
    fresh: Issue,
    standing: Issue,
    *,
    wrote: Issue | None = None,
    stories: Iterable[Story] = (),
    was_there: Callable[[Item], bool] = lambda _: False,
) -> list[Entry]:
    """Return a fresh draft's entries that the standing issue has nowhere, not even left over.

    What an editor links in the intro or in a blurb is there.
    What we `wrote` and an editor took out is not missing, nor what `was_there` when the file was
    written, listed in it or not. A story of `stories` is there if any of its items is: another may
    lead it by now.
    """
    there = _all(standing if wrote is None else _with(standing, wrote))
    spellings = {url for entry in there for url in _addresses(entry)}
    fit = [entry for entry in fresh.entries if not entry.sponsor]
    if all(spellings.issuperset(_addresses(entry)) for entry in fit):
        # Nothing is new, as on most days: what is spelled alike need not be read.
        return []
    known = {canonical(url) for url in spellings} | told_in_words(standing)
    for story in stories:
        told = {spelled(item) for item in story.items if item.url}
        if not told.isdisjoint(known) or any(map(was_there, story.items)):
            known |= told
    return [part for entry in fit for part in _unknown(entry, known)]


def failed_before(fresh: Issue, standing: Issue, *, wrote: Issue | None) -> list[Entry]:
    """Return a fresh draft's entries that the editor's program failed at, and nobody touched."""
    ours = set() if wrote is None else set(_all(wrote))
    failed = {
        _key(entry)
        for entry in (*standing.entries, *standing.new)
        if entry in ours and any(note.startswith(PROGRAM_NOTE) for note in entry.notes)
    }
    return [entry for entry in fresh.entries if not entry.links and _key(entry) in failed]


def addresses_in(issue: Issue) -> set[str]:
    """Return the one spelling of every address that stands in an issue, sent or not."""
    return {canonical(url) for entry in _all(issue) for url in _addresses(entry)}


def add_new(text: str, entries: Iterable[Entry], *, path: Path) -> str:
    """Return the file's text with the entries under "New since the draft", all else as it was.

    Raises IssueError if the text cannot be read.
    """
    return _add_under(text, NEW, entries, before=LEFT_OVER, path=path)


def add_sponsors(text: str, entries: Iterable[Entry], *, path: Path) -> str:
    """Return the file's text with the sponsors' entries above all sections.

    Raises IssueError if the text cannot be read.
    """
    return _add_under(text, SPONSOR, entries, before="", path=path)


def _add_under(text: str, name: str, entries: Iterable[Entry], *, before: str, path: Path) -> str:
    """Return the text with entries at the end of a section, which is made before another if new.

    Before "" is before all of them.
    """
    blocks = "\n\n".join(entry_block(entry) for entry in entries)
    if not blocks:
        return text
    headings = read_placed(text, path=path).headings
    starts = _starts(text)
    names = [known.casefold() for _, known in headings]
    places = [starts[number - 1] for number, _ in headings]
    if name.casefold() in names:
        following = places[names.index(name.casefold()) + 1 :]
    else:
        blocks = f"## {name}\n\n{blocks}"
        following = [
            place
            for place, known in zip(places, names, strict=True)
            if not before or known == before.casefold()
        ]
    return _insert(text, following[0] if following else len(text), blocks)


def _starts(text: str) -> list[int]:
    """Return where each line begins."""
    return [0, *(found.end() for found in re.finditer("\n", text))]


def _insert(text: str, place: int, added: str) -> str:
    before, after = text[:place], text[place:]
    # Only line breaks come between; the editor's own stay.
    plain = before[-4:].replace("\r\n", "\n")
    gap = "" if plain.endswith("\n\n") else "\n" if plain.endswith("\n") else "\n\n"
    end = "\n\n" if after else "\n"
    lines = f"{gap}{added}{end}"
    return before + (lines.replace("\n", "\r\n") if "\r\n" in text else lines) + after


def _unknown(entry: Entry, known: set[str]) -> list[Entry]:
    if not entry.links:
        return [] if canonical(entry.url) in known else [entry]
    return parted(entry, [one for one in entry.links if canonical(one.url) not in known])


def _addresses(entry: Entry) -> Iterator[str]:
    if entry.url:
        yield entry.url
    for one in entry.links:
        yield one.url


def told_in_words(issue: Issue) -> set[str]:
    """Return the one spelling of every address that an editor links in the intro and in blurbs."""
    texts = (issue.intro, *(entry.blurb for entry in issue.entries))
    linking = [text for text in texts if "](" in text]
    if not linking:
        return set()
    # It loads what reads Markdown, and a draft nobody edited has no such link.
    from flows.edit.prose import links  # noqa: PLC0415

    return {canonical(url) for text in linking for url in links(text)}


def _with(standing: Issue, wrote: Issue) -> Issue:
    """Return the standing issue with what we wrote and an editor took out: it is known too."""
    return replace(standing, left_over=(*standing.left_over, *_all(wrote)))


def _all(issue: Issue) -> tuple[Entry, ...]:
    return (*issue.entries, *issue.new, *issue.left_over)


def _renewed(wrote: Issue, updated: Mapping[str, Entry]) -> Issue:
    """Return the issue as we wrote it, with the entries that we wrote anew."""
    sections = tuple(
        Section(name=part.name, entries=_replaced(part.entries, updated)) for part in wrote.sections
    )
    return replace(
        wrote,
        sections=sections,
        new=_replaced(wrote.new, updated),
        left_over=_replaced(wrote.left_over, updated),
    )


def _replaced(entries: Iterable[Entry], updated: Mapping[str, Entry]) -> tuple[Entry, ...]:
    return tuple(updated.get(_key(entry), entry) for entry in entries)


def is_drafted(entry: Entry) -> bool:
    """Tell whether the editor's program wrote an entry's blurb, and nobody has read it yet."""
    return any(note.startswith(DRAFT_NOTE) for note in entry.notes)


def _key(entry: Entry) -> str:
    """Return what an entry is known by whatever is edited in it: its sponsor or its address."""
    if entry.sponsor:
        return f"sponsor {entry.sponsor.casefold()}"
    return (
        canonical(entry.url) or " ".join(canonical(one.url) for one in entry.links) or entry.title
    )


def _has_sponsor(issue: Issue, booked: Entry) -> bool:
    return any(_key(entry) == _key(booked) for entry in _all(issue))


def _up_to_date(
    text: str, standing: Placed, *, wrote: Issue, would: Issue
) -> tuple[str, dict[str, Entry], int]:
    """Return the text with what we would write otherwise now, and the entries of which that is.

    Last, in how many of them it could be written: some lines are an editor's by now.
    """
    before = {_key(entry): entry for entry in _all(wrote) if not is_drafted(entry)}
    after = {_key(entry): entry for entry in would.entries if not entry.links}
    lines = _lines(text)
    updated = {}
    mended = 0
    # From the end, so that the numbers of the lines above still hold.
    for first, last, entry in reversed(_blocks(text, standing)):
        key = _key(entry)
        if key not in before or key not in after:
            continue
        # What the program wrote at last takes the place of why it could not, all of it or nothing.
        is_written = is_drafted(after[key])
        compared = _every_line if is_written else _own_lines
        ours, new = compared(before[key]), compared(after[key])
        if ours == new or (is_written and entry != before[key]):
            continue
        updated[key] = after[key]
        # Spaces at a line's end are an edit too: two of them break the line.
        now = [line.removesuffix("\r") for line in lines[first:last]]
        found = changes(now, wrote=ours, would=new)
        for change in found:
            lines[first + change.first : first + change.last] = _ended(change.lines, text)
        mended += bool(found)
    return "\n".join(lines), updated, mended


def _without_unbooked(text: str, *, path: Path, wrote: Issue, would: Issue) -> tuple[str, Issue]:
    """Return the text and what we wrote without the ads that nobody books for the day any more.

    Those that somebody changed stay.
    """
    booked = {_key(entry) for entry in would.entries if entry.sponsor}
    ours = (*wrote.entries, *wrote.new)
    gone = {_key(one): one for one in ours if one.sponsor and _key(one) not in booked}
    if not gone:
        return text, wrote
    lines = _lines(text)
    taken = set()
    for first, last, entry in reversed(_blocks(text, read_placed(text, path=path))):
        now = [line.rstrip() for line in lines[first:last]]
        drafted = gone.get(_key(entry))
        if drafted and "\n".join(now).strip() == entry_block(drafted).strip():
            del lines[first:last]
            taken.add(_key(entry))
    if not taken:
        return text, wrote
    sections = tuple(replace(part, entries=_but(part.entries, taken)) for part in wrote.sections)
    wrote = replace(wrote, sections=sections, new=_but(wrote.new, taken))
    return _NO_SPONSOR.sub("", "\n".join(lines)), wrote


def _but(entries: Iterable[Entry], taken: Collection[str]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if _key(entry) not in taken)


def _own_lines(entry: Entry) -> list[str]:
    """Return the lines of an entry but those that no fresh draft has, or has by the hour anew."""
    return [line for line in _every_line(entry) if not line.startswith(_NOT_COMPARED)]


def _every_line(entry: Entry) -> list[str]:
    return entry_block(entry).split("\n")


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _ended(lines: Iterable[str], text: str) -> list[str]:
    """Return new lines with the ends that the file's other lines have."""
    return [f"{line}\r" if "\r\n" in text else line for line in lines]


def _blocks(text: str, standing: Placed) -> list[tuple[int, int, Entry]]:
    """Return the entries above "Left over", each with its first line and the one behind its last.

    Lines are counted from 0.
    """
    headings = [(number - 1, name) for number, name in standing.headings]
    left = [number for number, name in headings if name.casefold() == LEFT_OVER.casefold()]
    starts = [(place.line - 1, place.entry) for place in standing.places]
    numbers = (number for number, _ in (*headings, *starts))
    ends = sorted([*numbers, len(_lines(text))])
    return [
        (first, ends[bisect_right(ends, first)], entry)
        for first, entry in starts
        if not left or first < left[0]
    ]


def _with_front(text: str, *, wrote: Issue, would: Issue) -> str:
    """Return the text with the inbox line brought up to date, but for the lines an editor wrote."""
    lines = _lines(text)
    first, last = [
        number for number, line in enumerate(lines) if line.rstrip() == front_matter.FENCE
    ][:2]
    ours, new = (front_matter.write(issue).split("\n") for issue in (wrote, would))
    # Each key is a line, in the same order: whoever wrote one of them did not write its neighbour.
    mended = dict(zip(ours, new, strict=True))
    for number in range(first, last):
        line = lines[number].rstrip()
        if mended.get(line, line) != line:
            lines[number : number + 1] = _ended([mended[line]], text)
    return "\n".join(lines)
