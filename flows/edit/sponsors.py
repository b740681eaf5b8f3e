"""Sponsors' slots: booked in the settings by date, written into the draft, and held to the word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flows.edit.issue_file import read, write
from flows.edit.sections import SPONSOR
from flows.errors import IssueError
from flows.models import Entry, Finding, Issue, Section, Spot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

UNBOOKED = "sponsor.unbooked"
_PARAGRAPH = ["paragraph_open", "inline", "paragraph_close"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A slot booked for the issue of a day; without title, url and text its copy is missing."""

    day: date
    name: str
    title: str = ""
    url: str = ""
    text: str = ""


# Settings are read anew with each look at an issue.
@lru_cache(maxsize=256)
def unfit(text: str) -> str:
    """Return why a sponsor's text would not go out as it is, "" if it would."""
    # Who drafts without sponsors does not pay for loading it.
    from markdown_it import MarkdownIt  # noqa: PLC0415

    plain = "\n".join(line.strip() for line in text.strip().split("\n"))
    if not plain:
        return ""
    if [token.type for token in MarkdownIt("commonmark").parse(plain)] != _PARAGRAPH:
        return "is a list, a heading, or more than one paragraph"
    if not all(_comes_back(plain, url) for url in ("", "https://example.org/")):
        return 'has a comment, a line that begins with "##", or a line that is a broken link'
    return ""


def _comes_back(text: str, url: str) -> bool:
    """Tell whether a text that is written into an issue's file is read as the same."""
    entry = Entry(title="Title", url=url, sponsor="Sponsor", blurb=text)
    part = Section(name=SPONSOR, entries=(entry,))
    issue = Issue(number=1, date=date(2000, 1, 1), subject="Subject", sections=(part,))
    try:
        return read(write(issue), path=Path()) == issue
    except IssueError:
        return False


def booked(issue: Issue, bookings: Iterable[Booking]) -> Issue:
    """Return the issue with the sponsors of its day above all sections, verbatim."""
    entries = tuple(_entry(one) for one in bookings if one.day == issue.date)
    if not entries:
        return issue
    first = Section(name=SPONSOR, entries=entries)
    return replace(issue, sections=(first, *issue.sections))


def put_off(
    issue: Issue,
    bookings: Iterable[Booking],
    *,
    to: date,
    drafted: Iterable[Entry],
    is_slot: bool,
) -> Issue:
    """Return an issue that its editor put off, with the ads of its new day.

    If that is another issue's (`is_slot`), its ads are that one's: ours stay as they were drafted.
    """
    sections = tuple(
        part for part in issue.sections if not all(entry.sponsor for entry in part.entries)
    )
    moved = replace(issue, date=to, sections=sections)
    if not is_slot:
        return booked(moved, bookings)
    ours = tuple(entry for entry in drafted if entry.sponsor)
    return replace(moved, sections=(Section(name=SPONSOR, entries=ours), *sections))


def _entry(booking: Booking) -> Entry:
    missing = _missing(booking)
    note = f"check: booked for {booking.day}; write {missing} here or in the settings"
    return Entry(
        title=booking.title or booking.name,
        url=booking.url,
        sponsor=booking.name,
        blurb=booking.text,
        notes=(note,) if missing else (),
    )


def _missing(booking: Booking) -> str:
    parts = [("the link", booking.url), ("the text", booking.text.strip())]
    return " and ".join(name for name, value in parts if not value)


def findings(
    issue: Issue, bookings: Iterable[Booking], *, wrote: Issue | None = None
) -> list[Finding]:
    """Return what is wrong with the slots booked for the issue's day; an empty one blocks it.

    An ad that nobody booked for the day is told where slots are booked, and where the draft that
    we `wrote` has the sponsor: an editor may have written any other. One that nobody touched since
    blocks: its slot was cancelled, moved or renamed.
    """
    known = list(bookings)
    found = list(_bare(issue, known))
    for booking in known:
        if booking.day != issue.date:
            continue
        number = _standing(issue, booking)
        if number is None:
            found.append(_error(booking, "no entry of the issue is theirs"))
            continue
        entry, spot = issue.entries[number], Spot(number, "source")
        if not entry.url or not entry.blurb.strip():
            empty = "link" if not entry.url else "text"
            what = f"their entry has no {empty} yet; write it into the issue's file"
            found.append(_error(booking, what, spot))
        elif _differs(entry, booking):
            found.append(_changed(booking, spot))
    drafted = () if wrote is None else tuple(map(_in_mail, (*wrote.entries, *wrote.new)))
    return [*found, *_unbooked(issue, known, drafted=drafted)]


def _in_mail(entry: Entry) -> Entry:
    return replace(entry, notes=())


def _bare(issue: Issue, bookings: Iterable[Booking]) -> Iterator[Finding]:
    """Yield the ads without link and text that no booking of the day is about."""
    names = {booking.name.casefold() for booking in bookings if booking.day == issue.date}
    for number, entry in enumerate(issue.entries):
        is_bare = not (entry.url or entry.links or entry.blurb.strip())
        if entry.sponsor and is_bare and entry.sponsor.casefold() not in names:
            yield _empty(
                f"the ad of {entry.sponsor} has neither link nor text; write them or delete it",
                Spot(number, "source"),
            )


def _standing(issue: Issue, booking: Booking) -> int | None:
    """Return which entry is the sponsor's, None if none is."""
    name = booking.name.casefold()
    sponsors = (entry.sponsor.casefold() for entry in issue.entries)
    return next((number for number, sponsor in enumerate(sponsors) if sponsor == name), None)


def _unbooked(
    issue: Issue, bookings: Sequence[Booking], *, drafted: Collection[Entry]
) -> Iterator[Finding]:
    days: dict[str, list[date]] = {}
    for booking in bookings:
        days.setdefault(booking.name.casefold(), []).append(booking.day)
    names = {entry.sponsor for entry in drafted}
    for number, entry in enumerate(issue.entries):
        theirs = days.get(entry.sponsor.casefold(), [])
        if not entry.sponsor or issue.date in theirs or not (bookings or entry.sponsor in names):
            continue
        nearest = min(theirs, key=lambda day: abs(day - issue.date), default=None)
        told = f"nobody booked a slot for {issue.date} as {entry.sponsor}"
        told += f", whose nearest one is for {nearest}" if nearest else ""
        found = _warning(
            UNBOOKED,
            told,
            "a slot that was cancelled, moved or renamed goes out unpaid, or twice",
            Spot(number, "source"),
        )
        mended = f"{told}; delete it, as newsletter draft does if nobody touched it"
        yield (
            replace(found, severity="error", message=mended)
            if _in_mail(entry) in drafted
            else found
        )


def _differs(entry: Entry, booking: Booking) -> bool:
    words = booking.text.split()
    title = " ".join(booking.title.split())
    return (
        bool(booking.url and entry.url != booking.url)
        or bool(words and entry.blurb.split() != words)
        or bool(title and entry.title != title)
    )


def _error(booking: Booking, what: str, spot: Spot | None = None) -> Finding:
    return _empty(f"{booking.name} booked a slot for {booking.day}, and {what}", spot)


def _empty(message: str, spot: Spot | None) -> Finding:
    return Finding(
        rule="sponsor.empty",
        severity="error",
        message=message,
        why="the slot is sold: an issue without it has to be sent again or paid back",
        source="[[sponsors]] in the settings",
        spot=spot,
    )


def _changed(booking: Booking, spot: Spot) -> Finding:
    return _warning(
        "sponsor.changed",
        f"the title, the link or the text of {booking.name} is not what was booked",
        "a sponsor's words and the address they count clicks by are theirs",
        spot,
    )


def _warning(rule: str, message: str, why: str, spot: Spot) -> Finding:
    return Finding(
        rule=rule,
        severity="warn",
        message=message,
        why=why,
        source="[[sponsors]] in the settings",
        spot=spot,
    )
