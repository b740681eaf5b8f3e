"""Stored items to the file of an issue: the window, the stories, the draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.edit.dedupe import dedupe
from flows.edit.draft import Outline, Source, draft
from flows.edit.issue_file import read_bytes
from flows.edit.issue_file import write as to_text
from flows.edit.redraft import add_new, missing
from flows.errors import IssueError
from flows.pipeline.files import IssueFiles, write, write_new
from flows.store import issues
from flows.store.history import SqlHistory
from flows.store.items import load_items

if TYPE_CHECKING:
    from sqlalchemy import Engine

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


def window(
    settings: Settings, engine: Engine, *, now: datetime, since: datetime | None = None
) -> Window:
    """Return what the next issue covers: after the last sent one's cut-off, within `max_age`."""
    if since is not None:
        return Window(start=since, end=now, late=timedelta())
    last = issues.last_sent(engine)
    if last is None or last.cutoff is None:
        return Window(start=now - settings.gather.first_window, end=now, late=timedelta())
    return Window(start=max(last.cutoff, now - settings.gather.max_age), end=now)


def compose(
    settings: Settings, engine: Engine, number: int, *, slot: datetime | None, covers: Window
) -> Drafted:
    """Return an issue made from what is stored, without a trace in files or database."""
    items = stored_items(settings, engine, covers)
    stories = dedupe(items, history=SqlHistory(engine))
    day = (slot or covers.end).astimezone(ZoneInfo(settings.schedule.timezone)).date()
    issue = draft(
        stories,
        outline=outline(settings, covers.end),
        number=number,
        date=day,
        title=settings.newsletter.title,
    )
    return Drafted(
        issue=issue,
        window=covers,
        items=len(items),
        stories=len(stories),
        skip=_too_few(settings, issue, items, stories),
    )


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
    write_new(files.draft, to_text(drafted.issue))
    # Another process may have been first, and what counts is what the file says.
    return Drafted(
        issue=read_issue(files), window=covers, items=drafted.items, stories=drafted.stories
    )


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
    added = missing(fresh.issue, standing)
    text = add_new(data.decode("utf-8-sig"), added)
    # An editor may have saved meanwhile: what they wrote comes first.
    if added and files.draft.read_bytes() == data:
        write(files.draft, text)
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
    items = load_items(engine, feeds, since=covers.start - covers.late, until=covers.end)
    return [item for item in items if _belongs(item, covers)]


def _belongs(item: Item, covers: Window) -> bool:
    moments = [moment for moment in (item.published, item.first_seen) if moment is not None]
    return any(moment > covers.start for moment in moments)


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
