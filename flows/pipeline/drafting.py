"""Stored items to the file of an issue: the window, the stories, the draft."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.edit.collecting import at_rest
from flows.edit.dedupe import dedupe, republished
from flows.edit.draft import draft
from flows.edit.gist import spelled
from flows.edit.issue_file import write as to_text
from flows.edit.redraft import (
    add_only,
    addresses_in,
    failed_before,
    is_drafted,
    missing,
    redraft,
    told_in_words,
)
from flows.edit.republished import suspects
from flows.edit.sponsors import booked, put_off
from flows.edit.workshop import SAMPLE_OF_WEEKS
from flows.errors import IssueError
from flows.models import IssueStatus
from flows.pipeline.blurbs import entries_with_blurbs, program, with_blurbs
from flows.pipeline.bookings import bookings
from flows.pipeline.decided import decide, is_alike, number_of, own_part
from flows.pipeline.elsewhere import hold_what_stands
from flows.pipeline.files import write, write_new
from flows.pipeline.outlining import outline
from flows.pipeline.reading import files_of, issue_in, read_draft, read_issue, wrote_last
from flows.pipeline.skipping import too_few
from flows.pipeline.work import utc_now
from flows.settings.shapes import WEEKDAYS
from flows.store import issues
from flows.store.decisions import Fate, add_decisions, decided_items, replace_decisions
from flows.store.history import SqlHistory
from flows.store.items import load_items
from flows.store.lookup import load_earlier, load_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.edit.draft import Choice
    from flows.edit.redraft import Redraft
    from flows.edit.republished import Republication
    from flows.models import Entry, Feed, Issue, IssueRecord, Item, Story
    from flows.pipeline.files import IssueFiles
    from flows.pipeline.skipping import Skip
    from flows.settings import Settings
    from flows.store.decisions import Decided, Decision

# A feed may show an item hours after its date, and it may be asked only after the last cut-off:
# items first seen since then are taken although their date lies up to this much before it.
LATE = timedelta(days=2)
# Editors on Windows write a byte order mark, and it stays theirs.
MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time an issue covers: after `start`, up to and with `end`."""

    start: datetime
    end: datetime
    # Whether items that came late are looked for before `start`.
    late: timedelta = LATE
    # Up to when undated items may have been seen first: for them no clock can be set back.
    seen_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """An issue and what it was made from; `skip` says why there is none worth sending."""

    issue: Issue
    window: Window
    items: int = 0
    stories: int = 0
    skip: Skip | None = None
    # How many entries were added to a file that stood already, how many of sponsors, and in how
    # many of those that we wrote something is otherwise now.
    added: int = 0
    booked: int = 0
    updated: int = 0
    # How many stories that came since the file was last brought up to date are left out and not in
    # it; and whether it is approved, so that nothing is done to it but that new ones are added.
    left_out: int = 0
    approved: bool = False
    # Where the issue was made just now: its stories, what was chosen for each, entries of those in
    # groups, and the feeds that told old ones again.
    told: tuple[Story, ...] = ()
    choices: tuple[Choice, ...] = ()
    singles: Mapping[str, Entry] = field(default_factory=dict)
    again: tuple[Republication, ...] = ()


def window(
    settings: Settings, engine: Engine, *, now: datetime, since: datetime | None = None
) -> Window:
    """Return what the next issue covers: after the last sent one's cut-off, within `max_age`."""
    seen = max(now, utc_now())
    if since is not None:
        return Window(start=since, end=now, late=timedelta(), seen_until=seen)
    last = issues.last_sent(engine)
    if last is None or last.cutoff is None:
        start = now - settings.gather.first_window
        return Window(start=start, end=now, late=timedelta(), seen_until=seen)
    start = max(last.cutoff, now - settings.gather.max_age)
    return Window(start=start, end=now, seen_until=seen)


@at_rest()
def compose(
    settings: Settings, engine: Engine, number: int, *, slot: datetime | None, covers: Window
) -> Drafted:
    """Return an issue made from what is stored, without a trace in files or database."""
    items = stored_items(settings, engine, covers)
    told = dedupe(items, history=SqlHistory(engine))
    stories = hold_what_stands(told, settings, engine, number=number, now=covers.end)
    again = republished(stories, earlier=_earlier(settings, engine, stories, covers))
    day = (slot or covers.end).astimezone(ZoneInfo(settings.schedule.timezone)).date()
    told_before = _told_before(settings, engine, covers)
    made = draft(
        stories,
        outline=replace(outline(settings, covers.end), earlier=told_before),
        number=number,
        date=day,
        title=settings.newsletter.title,
        again=again,
    )
    drafted = Drafted(
        issue=booked(made.issue, bookings(settings)),
        window=covers,
        items=len(items),
        stories=len(stories),
        told=tuple(stories),
        choices=made.choices,
        singles=made.singles,
        again=tuple(again),
    )
    return replace(drafted, skip=too_few(settings, engine, drafted))


def _told_before(settings: Settings, engine: Engine, covers: Window) -> Callable[[str], list[Item]]:
    """Return what knows some of what the feeds of a name told before the window."""
    feeds: defaultdict[str, list[Feed]] = defaultdict(list)
    for feed in settings.feed_list():
        feeds[feed.name or feed.url].append(feed)

    @cache
    def told(name: str) -> list[Item]:
        return load_sample(engine, feeds[name], before=covers.start, most=SAMPLE_OF_WEEKS)

    return told


def _earlier(
    settings: Settings, engine: Engine, stories: list[Story], covers: Window
) -> list[Item]:
    """Return what feeds with many stories told at the same addresses before the window."""
    leads = suspects(stories)
    if not leads:
        return []
    return load_earlier(engine, settings.feed_list(), leads, before=covers.start)


@at_rest()
def draft_issue(
    settings: Settings, engine: Engine, record: IssueRecord, *, covers: Window
) -> Drafted:
    """Return the issue as its file says; the file is written from what is stored if there is none.

    Nothing is written if too little is in it (`skip`). Raises IssueError if the file is broken.
    """
    files = files_of(settings, record.number)
    if files.draft.exists():
        return Drafted(issue=read_issue(files), window=covers)
    drafted = compose(settings, engine, record.number, slot=record.slot, covers=covers)
    if drafted.skip:
        return drafted
    issue = with_blurbs(drafted.issue, drafted.told, program(settings))
    drafted = replace(drafted, issue=issue)
    # The cut-off first: a file without one would let the next issue begin anywhere.
    issues.record_draft(
        engine,
        record.number,
        subject=drafted.issue.subject,
        window_start=covers.start,
        cutoff=covers.end,
    )
    text = to_text(drafted.issue)
    if not write_new(files.draft, text):
        # Another process was first, and what counts is what the file says.
        return replace(drafted, issue=read_issue(files))
    write(files.wrote, text)
    replace_decisions(engine, record.number, decide(drafted, record.number))
    return drafted


@at_rest()
def draft_again(
    settings: Settings, engine: Engine, record: IssueRecord, *, covers: Window
) -> Drafted:
    """Bring the issue's file up to date, and return the issue as it is then.

    New stories are added, and what we wrote is written anew where it would be otherwise now. No
    line that an editor wrote or changed is touched, and of an approved issue none at all, unless
    an edit voided the approval. Raises IssueError if the file cannot be read.
    """
    files = files_of(settings, record.number)
    # What cannot be read is told before anything is made of it.
    standing = _standing(files)
    fresh = compose(settings, engine, record.number, slot=record.slot, covers=covers)
    decided = decided_items(engine, record.number)
    was_there = _was_there(decided, record)
    is_open = _is_open(settings, record)
    failed = failed_before(fresh.issue, standing.issue, wrote=standing.wrote) if is_open else []
    asked = [*_missing(fresh, standing, was_there), *failed]
    written = dict(
        zip(asked, entries_with_blurbs(asked, fresh.told, program(settings)), strict=True)
    )
    # The editor's program may take long: what they saved meanwhile counts.
    standing = _standing(files)
    added = [written.get(entry, entry) for entry in _missing(fresh, standing, was_there)]
    at_last = {one: written[one] for one in failed if is_drafted(written[one])}
    again = _redrafted(settings, _replaced(fresh.issue, at_last), standing, added, is_open=is_open)
    standing = _saved(files, standing, again)
    # What was decided of an item when the file was first written stays: its line is not touched.
    told = told_in_words(standing.issue)
    made = decide(fresh, record.number, but_for=decided, told=told)
    add_decisions(engine, made)
    return replace(
        fresh,
        issue=standing.issue,
        skip=None,
        added=again.added,
        booked=again.booked,
        updated=again.updated,
        approved=not is_open,
        left_out=_left_out(fresh, made, addresses_in(standing.issue) | told, record),
    )


def _saved(files: IssueFiles, standing: _Standing, again: Redraft) -> _Standing:
    """Return the file as it is once what was drafted again is in it.

    Raises IssueError if its editor saved it meanwhile.
    """
    data = f"{standing.mark}{again.text}".encode()
    if data == standing.data:
        return standing
    if read_draft(files) != standing.data:
        raise IssueError(
            f"{files.draft}: it was saved while the draft was made, and is as you saved it; draft "
            "again",
            path=files.draft,
        )
    write(files.draft, data.decode())
    write(files.wrote, to_text(again.wrote))
    return _standing(files)


def _left_out(
    fresh: Drafted, made: Iterable[Decision], there: Collection[str], record: IssueRecord
) -> int:
    """Return how many stories came since the file was made, and are not among those there."""
    left = {one.story for one in made if one.leads and one.fate is Fate.LEFT_OUT}
    if not left or record.cutoff is None:
        return 0
    return sum(
        number_of(story.lead) in left
        and all(item.first_seen and item.first_seen > record.cutoff for item in story.items)
        and not any(spelled(item) in there for item in story.items)
        for story in fresh.told
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """A file that stands, as its bytes and what they say, and what we wrote of it."""

    path: Path
    data: bytes
    issue: Issue
    wrote: Issue | None

    @property
    def mark(self) -> str:
        return MARK if self.data.decode("utf-8").startswith(MARK) else ""

    @property
    def text(self) -> str:
        return self.data.decode("utf-8").removeprefix(MARK)


def _standing(files: IssueFiles) -> _Standing:
    """Return the file as it is now; raises IssueError if it cannot be read."""
    data = read_draft(files)
    issue = issue_in(data, files)
    return _Standing(path=files.draft, data=data, issue=issue, wrote=wrote_last(files, issue, data))


def _was_there(decided: Mapping[int, Decided], record: IssueRecord) -> Callable[[Item], bool]:
    """Return what knows the items that were in the file once, as an entry or left over.

    Of what came later and was no entry then the file says nothing: it may become one yet.
    """
    there: defaultdict[int, list[Decided]] = defaultdict(list)
    for item, one in decided.items():
        if one.at == record.cutoff or one.fate is Fate.CHOSEN:
            there[own_part(item)].append(one)

    def was_there(item: Item) -> bool:
        # Some feeds give one id to whatever is their latest.
        return any(
            item.url == one.url or is_alike(item.title, one.title)
            for one in there.get(own_part(number_of(item)), ())
        )

    return was_there


def _replaced(issue: Issue, entries: Mapping[Entry, Entry]) -> Issue:
    sections = tuple(
        replace(part, entries=tuple(entries.get(one, one) for one in part.entries))
        for part in issue.sections
    )
    return replace(issue, sections=sections) if entries else issue


def _missing(fresh: Drafted, standing: _Standing, was_there: Callable[[Item], bool]) -> list[Entry]:
    found = missing(
        fresh.issue,
        standing.issue,
        wrote=standing.wrote,
        stories=fresh.told,
        was_there=was_there,
    )
    # What is left of a group stands with its own words.
    return [fresh.singles.get(entry.url, entry) for entry in found]


def _is_open(settings: Settings, record: IssueRecord) -> bool:
    """Tell whether an issue's file is still worked on: it is no more once it is approved."""
    if record.status is IssueStatus.DRAFT:
        return True
    from flows.pipeline.edits import is_void  # noqa: PLC0415 - it loads what makes mails

    return is_void(settings, record)


def _redrafted(
    settings: Settings, fresh: Issue, standing: _Standing, added: Sequence[Entry], *, is_open: bool
) -> Redraft:
    text, path, wrote = standing.text, standing.path, standing.wrote
    if wrote is None or not is_open:
        return add_only(text, fresh, path=path, wrote=wrote, added=added)
    day = standing.issue.date
    if day != fresh.date:
        # Slots are sold by the day, and that is the file's: an editor may have put it off.
        fresh = put_off(
            fresh,
            bookings(settings),
            to=day,
            drafted=(*wrote.entries, *wrote.new),
            is_slot=day.weekday() == WEEKDAYS.index(settings.schedule.day),
        )
    title = settings.newsletter.title
    return redraft(text, fresh, path=path, title=title, wrote=wrote, added=added)


def stored_items(settings: Settings, engine: Engine, covers: Window) -> list[Item]:
    """Return what is stored of this window, with what came late for the one before."""
    feeds = settings.feed_list()
    until = max(covers.end, covers.seen_until or covers.end)
    items = load_items(engine, feeds, since=covers.start - covers.late, until=until)
    return [item for item in items if _belongs(item, covers)]


def _belongs(item: Item, covers: Window) -> bool:
    seen_since = item.first_seen is not None and item.first_seen > covers.start
    if item.published is None:
        return seen_since
    return item.published <= covers.end and (item.published > covers.start or seen_since)
