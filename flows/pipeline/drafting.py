"""Stored items to the file of an issue: the window, the stories, the draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.edit.dedupe import dedupe, republished
from flows.edit.draft import Outline, Source, draft
from flows.edit.issue_file import read_bytes
from flows.edit.issue_file import write as to_text
from flows.edit.redraft import add_new, missing
from flows.edit.republished import suspects
from flows.errors import IssueError
from flows.pipeline.decided import Told, decide
from flows.pipeline.elsewhere import hold_what_stands
from flows.pipeline.files import IssueFiles, write, write_new
from flows.pipeline.work import utc_now
from flows.store import issues
from flows.store.decisions import add_decisions, replace_decisions
from flows.store.history import SqlHistory
from flows.store.items import load_items
from flows.store.lookup import load_earlier

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.edit.republished import Republication
    from flows.models import Issue, IssueRecord, Item, Story
    from flows.settings import Settings

# A feed may show an item hours after its date, and it may be asked only after the last cut-off:
# items first seen since then are taken although their date lies up to this much before it.
LATE = timedelta(days=2)


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
    skip: str = ""
    # How many entries were added to a file that stood already.
    added: int = 0
    # Where the issue was made just now: its stories, and the feeds that told old ones again.
    told: tuple[Story, ...] = ()
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


def compose(
    settings: Settings, engine: Engine, number: int, *, slot: datetime | None, covers: Window
) -> Drafted:
    """Return an issue made from what is stored, without a trace in files or database."""
    items = stored_items(settings, engine, covers)
    told = dedupe(items, history=SqlHistory(engine))
    stories = hold_what_stands(told, settings, engine, number=number, now=covers.end)
    again = republished(stories, earlier=_earlier(settings, engine, stories, covers))
    day = (slot or covers.end).astimezone(ZoneInfo(settings.schedule.timezone)).date()
    issue = draft(
        stories,
        outline=outline(settings, covers.end),
        number=number,
        date=day,
        title=settings.newsletter.title,
        again=again,
    )
    return Drafted(
        issue=issue,
        window=covers,
        items=len(items),
        stories=len(stories),
        skip=_too_few(settings, issue, items, stories),
        told=tuple(stories),
        again=tuple(again),
    )


def _earlier(
    settings: Settings, engine: Engine, stories: list[Story], covers: Window
) -> list[Item]:
    """Return what feeds with many stories told at the same addresses before the window."""
    leads = suspects(stories)
    if not leads:
        return []
    return load_earlier(engine, settings.feed_list(), leads, before=covers.start)


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
    # The cut-off first: a file without one would let the next issue begin anywhere.
    issues.record_draft(
        engine,
        record.number,
        subject=drafted.issue.subject,
        window_start=covers.start,
        cutoff=covers.end,
    )
    if write_new(files.draft, to_text(drafted.issue)):
        replace_decisions(engine, record.number, decide(drafted.issue, _told(drafted)))
    # Another process may have been first, and what counts is what the file says.
    return replace(drafted, issue=read_issue(files))


def draft_again(
    settings: Settings, engine: Engine, record: IssueRecord, *, covers: Window
) -> Drafted:
    """Add what is new since the draft to the issue's file, and return the issue as it is then.

    Not a character that stands in the file is changed. Raises IssueError if it cannot be read.
    """
    files = files_of(settings, record.number)
    data = files.draft.read_bytes()
    standing = read_issue(files)
    fresh = compose(settings, engine, record.number, slot=record.slot, covers=covers)
    added = missing(fresh.issue, standing, stories=fresh.told)
    text = add_new(data.decode("utf-8-sig"), added)
    # An editor may have saved meanwhile: what they wrote comes first.
    if added and files.draft.read_bytes() == data:
        write(files.draft, text)
    # What was decided of an item when the file was first written stays: its line is not touched.
    add_decisions(engine, decide(fresh.issue, _told(fresh)))
    return replace(fresh, issue=read_issue(files), skip="", added=len(added))


def read_issue(files: IssueFiles) -> Issue:
    """Return what the issue's file says; raises IssueError with the line that is wrong."""
    try:
        data = files.draft.read_bytes()
    except FileNotFoundError as error:
        raise IssueError(
            f"{files.draft}: there is no such issue; newsletter draft writes the next one",
            path=files.draft,
        ) from error
    issue = read_bytes(data, path=files.draft)
    if issue.number != files.number:
        raise IssueError(
            f"{files.draft}: its front matter says number = {issue.number}; write {files.number} "
            "or rename the file",
            path=files.draft,
        )
    return issue


def files_of(settings: Settings, number: int) -> IssueFiles:
    """Return where the files of an issue lie."""
    return IssueFiles(issues=settings.paths.issues, number=number)


def outline(settings: Settings, now: datetime) -> Outline:
    """Return what the settings say of sections, sources and limits."""
    return Outline(
        sections=tuple((section.name, section.max) for section in settings.sections),
        sources={
            feed.name or feed.url: Source(
                section=feed.section, weight=feed.weight, max_items=feed.max_items
            )
            for feed in settings.feed_list()
        },
        max_entries=settings.newsletter.max_entries,
        now=now,
    )


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


def _told(drafted: Drafted) -> Told:
    return Told(stories=drafted.told, again=drafted.again, decided_at=drafted.window.end)


def _too_few(settings: Settings, issue: Issue, items: list[Item], stories: list[Story]) -> str:
    least = settings.newsletter.min_entries
    count = len(issue.entries)
    if count >= least:
        return ""
    if not items:
        return "no feed had anything new"
    held = sum(1 for story in stories if story.held)
    return (
        f"only {count} of {len(stories)} stories are worth an entry ({held} ran before), "
        f"fewer than min_entries = {least}"
    )
