"""Why an item is where it is: one sentence that is true, from all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from flows.edit.dedupe import named
from flows.edit.sections import LEFT_OVER, NEW
from flows.errors import NewsletterError
from flows.models import IssueStatus
from flows.pipeline.known import Search
from flows.pipeline.stores import open_store
from flows.store import issues
from flows.store.decisions import Fate

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import Item
    from flows.pipeline.known import Known, Place, Ran
    from flows.settings import Settings
    from flows.store.decisions import Decision


# How much of a long question its answer repeats.
LONGEST_NAMED = 200


class Standing(StrEnum):
    """Where an item stands."""

    SENT = "sent"
    # It stands in an issue that is not sent yet.
    DRAFTED = "drafted"
    HELD = "held"
    LEFT_OUT = "left out"
    # The editor took its line out of the file.
    TAKEN_OUT = "taken out"
    WAITING = "waiting"
    # No issue's time covers it.
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of an item, in a word and in a sentence."""

    known: Known
    standing: Standing
    sentence: str
    # Which story it was merged into, and why; None where it leads its story.
    merged: Decision | None = None
    merged_because: str = ""


@dataclass(frozen=True, slots=True)
class _Word:
    standing: Standing
    sentence: str


def explain(settings: Settings, asked: str, *, now: datetime) -> Answer:
    """Return what is known of an item by its address or title; raises NewsletterError if nothing.

    A title need not be exact: the nearest is taken, and said to be.
    """
    with open_store(settings) as engine:
        known = Search(settings, engine, now=now).find(asked)
        if known is None:
            raise NewsletterError(
                f"nothing is known of {_cut(asked)!r}: no stored item, no past issue and no issue "
                "file has it; newsletter gather fetches what is new"
            )
        word = _conclude(known) or _outside(settings, engine, known, now)
    own = _newest(known)
    merged = own if own and own.fate is Fate.MERGED else None
    return Answer(
        known=known,
        standing=word.standing,
        sentence=word.sentence,
        merged=_lead(known, own) if own and merged else None,
        merged_because=merged.reason if merged else "",
    )


def _cut(asked: str) -> str:
    return asked if len(asked) <= LONGEST_NAMED else f"{asked[:LONGEST_NAMED]}…"


def _newest(known: Known) -> Decision | None:
    """Return the newest decision on the item itself, the one that leads where there are two."""
    return min(known.own, key=lambda one: (-one.issue, not one.leads), default=None)


def _lead(known: Known, own: Decision | None) -> Decision | None:
    """Return the decision on the item that leads the story."""
    made = known.decisions or (known.coming.decisions if known.coming else ())
    if own is None:
        return None
    return next((one for one in made if (one.issue, one.item) == (own.issue, own.story)), own)


def _conclude(known: Known) -> _Word | None:
    """Return what became of the item, None if no issue has had a look at it."""
    lead = _lead(known, _newest(known))
    if lead is not None and known.coming is not None:
        return _waiting(known, lead)
    if lead is not None and lead.fate is Fate.HELD:
        return _Word(Standing.HELD, f"held back from #{lead.issue}: {_plain(lead.reason)}")
    if known.ran:
        return _ran(known.ran[0])
    if lead is not None:
        return _drafted(known, lead)
    if known.places:
        return _in_file(known, known.places[0])
    return None


def _ran(ran: Ran) -> _Word:
    record = ran.record
    if record is None:
        told = f"ran in {named(ran.issue)}, which was imported"
    elif record.status is IssueStatus.SENT and record.sent_at:
        told = f"sent in #{ran.issue} on {_day(record.sent_at)}"
    elif record.status is IssueStatus.SENDING:
        told = f"#{ran.issue}, in which it runs, is being sent"
    else:
        told = f"it runs in #{ran.issue}, which is {record.status.value}"
    if ran.because not in ("same address", "same entry"):
        told += f", as “{ran.title}” ({ran.because})"
    return _Word(Standing.SENT, told)


def _waiting(known: Known, lead: Decision) -> _Word:
    coming = known.coming
    if coming is None:
        raise AssertionError("unreachable: only a story of the coming issue waits")
    reason = _plain(lead.reason)
    if coming.is_drafted:
        told = f"it came after #{coming.number} was drafted; newsletter draft adds it if there is"
        told += " room"
    elif coming.skip:
        told = f"it waits for #{coming.number}, which has too little yet: {coming.skip}"
    else:
        told = f"it waits for #{coming.number}, which is not drafted yet"
    if lead.fate is Fate.CHOSEN:
        return _Word(Standing.WAITING, f"{told}; there it would stand under {lead.section}")
    would = "be held back" if lead.fate is Fate.HELD else "be left out"
    standing = Standing.HELD if lead.fate is Fate.HELD else Standing.LEFT_OUT
    return _Word(standing, f"{told}; there it would {would}: {reason}")


def _drafted(known: Known, lead: Decision) -> _Word:
    """Return how a story stands that was decided on and did not run."""
    number = lead.issue
    record = known.records.get(number)
    place = _place(known, number)
    if lead.fate is Fate.LEFT_OUT and not (record and place and place.is_sent):
        return _Word(Standing.LEFT_OUT, f"left out of #{number}: {_plain(lead.reason)}")
    if record is None:
        return _Word(Standing.TAKEN_OUT, f"chosen for #{number}, which was given up")
    if record.status is not IssueStatus.SENT and place is not None:
        return _in_file(known, place)
    return _gone(known, lead, is_sent=record.status is IssueStatus.SENT)


def _gone(known: Known, lead: Decision, *, is_sent: bool) -> _Word:
    """Return how a story stands that was chosen and has no line in the issue any more."""
    chosen = f"chosen for #{lead.issue} under {lead.section}"
    if is_sent:
        told = f"{chosen}, and taken out of its file before it was sent"
        return _Word(Standing.TAKEN_OUT, told)
    if error := known.unreadable.get(lead.issue):
        return _Word(Standing.DRAFTED, f"{chosen}; its file cannot be read now: {error}")
    return _Word(Standing.TAKEN_OUT, f"{chosen}; its line is not in the file any more")


def _place(known: Known, number: int) -> Place | None:
    """Return where the story stands in an issue's file: in the mail, if it stands there."""
    places = [place for place in known.places if place.issue == number]
    return min(places, key=lambda place: not place.is_sent, default=None)


def _in_file(known: Known, place: Place) -> _Word:
    record = known.records.get(place.issue)
    told = f"stands under {place.section} in the file of #{place.issue}"
    if place.section == LEFT_OVER:
        return _Word(Standing.LEFT_OUT, f"{told}, so it is not sent")
    if place.section == NEW:
        return _Word(Standing.LEFT_OUT, f"{told}; it is not sent until you move it up")
    if record is None:
        return _Word(Standing.DRAFTED, f"{told}, an issue that the database does not know")
    if record.status is IssueStatus.SENT:
        return _Word(Standing.DRAFTED, f"{told}, and was put there after the issue was sent")
    return _Word(Standing.DRAFTED, f"{told}, which is not sent yet")


def _outside(settings: Settings, engine: Engine, known: Known, now: datetime) -> _Word:
    """Return why no issue has had a look at the item."""
    feeds = {feed.name or feed.url for feed in settings.feed_list()}
    item = next((one for one in known.items if one.feed in feeds), None)
    if item is None:
        feed = known.items[0].feed if known.items else "its feed"
        return _Word(Standing.OUTSIDE, f"{feed} is not among the feeds of the settings any more")
    moment = item.published or item.first_seen or now
    if moment > now:
        return _Word(Standing.WAITING, f"it waits for its date, {_day(moment)}, which is to come")
    if covering := issues.find_covering(engine, moment):
        return _Word(Standing.OUTSIDE, _missed(item, covering.number, covering.cutoff))
    if moment <= now - settings.gather.max_age:
        old = f"too old: {_dated(item)}, more than max_age = {settings.gather.max_age.days}d ago"
        return _Word(Standing.OUTSIDE, old)
    if known.coming:
        start = _day(known.coming.covers.start)
        told = f"{_dated(item)}, before the time of #{known.coming.number}, which begins {start}"
        return _Word(Standing.OUTSIDE, told)
    return _Word(Standing.OUTSIDE, f"{_dated(item)}; no issue covers that time")


def _missed(item: Item, number: int, cutoff: datetime | None) -> str:
    """Return why an issue did not have an item that is of its time."""
    seen = item.first_seen
    if seen is not None and cutoff is not None and seen > cutoff:
        return (
            f"{_dated(item)}, in the time of #{number}, but first seen {_day(seen)}, after that "
            "was drafted"
        )
    return f"{_dated(item)}, in the time of #{number}, of which no decision on it was kept"


def _dated(item: Item) -> str:
    if item.published:
        return f"published {_day(item.published)}"
    return f"undated, and first seen {_day(item.first_seen)}" if item.first_seen else "undated"


def _plain(reason: str) -> str:
    return reason or "no reason was kept"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
