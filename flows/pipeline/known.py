"""All that is known of one item: in feeds, drafts, issue files and history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from flows.edit.canonical import canonical
from flows.edit.dedupe import history_keys, ran_before
from flows.edit.nearest import nearest
from flows.edit.sections import LEFT_OVER, NEW
from flows.errors import IssueError
from flows.models import Item, Link
from flows.pipeline.decided import address_of, decide
from flows.pipeline.drafting import compose, window
from flows.pipeline.files import numbers
from flows.pipeline.options import RunOptions
from flows.pipeline.reading import files_of, read_issue
from flows.pipeline.targets import choose, coming_number
from flows.store import issues
from flows.store.decisions import decisions_of
from flows.store.history import SqlHistory, titles_that_ran
from flows.store.lookup import find_at, find_named, load_titles
from flows.store.names import name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import Entry, IssueRecord
    from flows.pipeline.drafting import Window
    from flows.settings import Settings
    from flows.store.decisions import Decision

# How many issue files are looked into, the newest.
NEWEST_FILES = 12


class Match(StrEnum):
    """How what was asked for was found."""

    ADDRESS = "address"
    TITLE = "title"
    NEAREST = "nearest title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is spoken of; `others` are as near to what was asked for (no address: any)."""

    match: Match
    title: str
    url: str
    others: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """An issue in which the story ran: what it was called there, and how it is known again.

    `record` is None for an issue that was imported.
    """

    issue: int
    title: str
    url: str
    because: str
    record: IssueRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a line stands in the file of an issue."""

    issue: int
    section: str
    title: str
    url: str

    @property
    def is_sent(self) -> bool:
        """Whether what stands there is in the mail."""
        return self.section not in (LEFT_OVER, NEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The issue that a draft now would be for: what would become of the story, and why none."""

    number: int
    covers: Window
    decisions: tuple[Decision, ...]
    skip: str
    is_drafted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All facts of one item. `decisions` are of its whole story, the newest issue first.

    `unreadable` are files of issues it may stand in, each with what is wrong.
    """

    subject: Subject
    items: tuple[Item, ...]
    decisions: tuple[Decision, ...]
    ran: tuple[Ran, ...]
    places: tuple[Place, ...]
    records: dict[int, IssueRecord | None]
    unreadable: dict[int, str]
    coming: Coming | None = None

    @property
    def own(self) -> tuple[Decision, ...]:
        """What was decided of the item itself, or would be, the newest issue first."""
        made = self.decisions or (self.coming.decisions if self.coming else ())
        address = address_of(self.subject.url, self.subject.title)
        return tuple(one for one in made if address_of(one.url, one.title) == address)


class Search:
    """Looks for one item in all that is stored."""

    def __init__(self, settings: Settings, engine: Engine, *, now: datetime) -> None:
        self._settings = settings
        self._engine = engine
        self._now = now
        self._unreadable: dict[int, str] = {}
        self._names = {feed.url: feed.name or feed.url for feed in settings.feed_list()}

    def find(self, asked: str) -> Known | None:
        """Return what is known of an address or a title, None if nothing is."""
        subject = self._at(asked) or self._named(asked)
        return self._know(subject) if subject else None

    def _at(self, asked: str) -> Subject | None:
        address = canonical(asked)
        if not address.startswith(("http://", "https://")):
            return None
        items = self._items([asked, address])
        told = [(item.title, item.url) for item in items]
        told += [(one.title, one.url) for one in decisions_of(self._engine, [address])]
        told += [(one.title, one.url) for one in self._lines if canonical(one.url) == address]
        told += [(one.title, one.url) for one in self._ran([_line(asked)])]
        if not told:
            return None
        title, url = next((one for one in told if canonical(one[1]) == address), told[0])
        return Subject(match=Match.ADDRESS, title=title, url=url)

    def _named(self, asked: str) -> Subject | None:
        if items := find_named(self._engine, asked, self._names):
            return Subject(
                match=Match.TITLE,
                title=items[0].title,
                url=items[0].url,
                others=_others(items),
            )
        elsewhere = titles_that_ran(self._engine)
        elsewhere |= {one.title: one.url for one in reversed(self._lines)}
        near = nearest(asked, [*dict.fromkeys([*load_titles(self._engine), *elsewhere])])
        if not near:
            return None
        items = find_named(self._engine, near[0], self._names)
        url = items[0].url if items else elsewhere.get(near[0], "")
        is_same = near[0].casefold() == asked.strip().casefold()
        return Subject(
            match=Match.TITLE if is_same else Match.NEAREST,
            title=near[0],
            url=url,
            others=tuple(Link(title=title, url="") for title in near[1:]),
        )

    def _know(self, subject: Subject) -> Known:
        address = address_of(subject.url, subject.title)
        decisions = tuple(decisions_of(self._engine, [address]))
        own = self._items([subject.url]) or find_named(self._engine, subject.title, self._names)
        coming = None if decisions or not own else self._coming(address)
        told = decisions or (coming.decisions if coming else ())
        subject = _led(subject, told)
        urls = {one.url for one in told if one.url} | {subject.url}
        items = self._items(urls) or own
        ran = self._ran([*items, _line(subject.url, subject.title)])
        addresses = {canonical(url) for url in urls if url}
        others = (one for one in subject.others if canonical(one.url) not in addresses)
        places = [one for one in self._lines if canonical(one.url) in addresses]
        numbered = {one.issue for one in told} | {one.issue for one in places}
        return Known(
            subject=replace(subject, others=tuple(others)),
            items=tuple(items),
            decisions=decisions,
            ran=tuple(ran),
            places=tuple(places),
            records={number: issues.find(self._engine, number) for number in numbered},
            unreadable=self._unreadable,
            coming=coming,
        )

    def _items(self, urls: Collection[str]) -> list[Item]:
        wanted = {canonical(url) for url in urls if url}
        near = [*urls, *wanted]
        return find_at(self._engine, near, self._names, same=lambda url: canonical(url) in wanted)

    def _ran(self, items: Iterable[Item]) -> list[Ran]:
        """Return each issue in which one of the items ran, the newest first."""
        told = [item for item in items if item.url or item.title]
        recalled = SqlHistory(self._engine).recall([history_keys(item) for item in told])
        found: dict[int, Ran] = {}
        for item, past in zip(told, recalled, strict=True):
            for ran, because in ran_before(item, past):
                known = Ran(
                    issue=ran.issue,
                    title=ran.title,
                    url=ran.url,
                    because=because,
                    record=issues.find(self._engine, ran.issue),
                )
                found.setdefault(ran.issue, known)
        return [found[issue] for issue in sorted(found, reverse=True)]

    def _coming(self, address: str) -> Coming:
        """Return what a draft now would make of the story at an address."""
        settings, engine, now = self._settings, self._engine, self._now
        target = choose(settings, engine, RunOptions(), now=now)
        number = coming_number(settings, engine, RunOptions(), now)
        covers = window(settings, engine, now=now)
        drafted = compose(settings, engine, number, slot=target.slot, covers=covers)
        made = decide(drafted, number)
        stories = {one.story for one in made if address_of(one.url, one.title) == address}
        return Coming(
            number=number,
            covers=covers,
            decisions=tuple(one for one in made if one.story in stories),
            skip=drafted.skip.reason if drafted.skip else "",
            is_drafted=files_of(settings, number).draft.exists(),
        )

    @cached_property
    def _lines(self) -> list[Place]:
        """The lines of the newest issue files, the newest first; of broken ones the error."""
        folder = self._settings.paths.issues
        found: list[Place] = []
        for number in numbers(folder)[:NEWEST_FILES]:
            try:
                issue = read_issue(files_of(self._settings, number))
            except IssueError as error:
                self._unreadable[number] = str(error)
                continue
            parts = [(section.name, section.entries) for section in issue.sections]
            for heading, entries in [*parts, (NEW, issue.new), (LEFT_OVER, issue.left_over)]:
                found += _lines(number, heading, entries)
        return found


def _led(subject: Subject, told: Iterable[Decision]) -> Subject:
    """Return the subject as the leading item calls it, if that is what was asked for too."""
    address, title = address_of(subject.url, subject.title), name(subject.title)
    for one in told:
        same_title = subject.match is not Match.ADDRESS and name(one.title) == title
        if one.leads and (same_title or address_of(one.url, one.title) == address):
            return replace(subject, title=one.title, url=one.url)
    return subject


def _lines(number: int, section: str, entries: Iterable[Entry]) -> Iterator[Place]:
    for entry in entries:
        if entry.url:
            yield Place(issue=number, section=section, title=entry.title, url=entry.url)
        for link in entry.links:
            yield Place(issue=number, section=section, title=link.title, url=link.url)


def _line(url: str, title: str = "") -> Item:
    return Item(feed="", guid="", url=url, title=title)


def _others(items: Iterable[Item]) -> tuple[Link, ...]:
    """Return the items that have the first one's title and another address."""
    found = {canonical(item.url): Link(title=item.title, url=item.url) for item in items}
    return tuple(found.values())[1:]
