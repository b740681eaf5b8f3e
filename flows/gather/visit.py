"""Visits one feed: whether to ask, what it answered, and what to remember."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from flows.errors import FeedError, FetchError
from flows.gather.answer import Answer
from flows.gather.body import MOST_BYTES
from flows.gather.fetch import NOT_MODIFIED, fetch
from flows.gather.guards import shown
from flows.gather.limits import Limits, Trip
from flows.gather.manners import MOVES_TO_BELIEVE, address, after_answer, after_failure, due_at
from flows.gather.reading import reading
from flows.models import FeedKind, FeedReport, FeedState, Visit

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import httpx

    from flows.gather.pool import ParserPool
    from flows.models import Feed

# After so many failures in a row it is the editor's turn.
MANY_FAILURES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Visits feeds; what all visits of one gathering share."""

    client: httpx.Client
    parsers: ParserPool
    limits: Limits
    now: datetime
    least_interval: timedelta

    def visit(self, feed: Feed, state: FeedState) -> FeedReport:
        """Return how the feed fared; every FeedError and OSError becomes the report's problem."""
        resting = self._resting(feed, state)
        if resting:
            return resting
        with Trip(self.limits) as trip:
            try:
                report = self._read(feed, state, trip)
            except (FeedError, OSError) as error:
                report = self.failed(feed, state, error)
        visit = cost(trip, report.state, at=self.now, spared=state.body_bytes)
        return replace(report, visit=visit)

    def _resting(self, feed: Feed, state: FeedState) -> FeedReport | None:
        if state.gone:
            problem = f"{state.error}; it is not asked any more: remove it from the settings"
            return FeedReport(feed=feed, state=state, status="gone", problem=problem)
        due = due_at(state, least_interval=self.least_interval, now=self.now)
        if due is None or due <= self.now or local_path(feed):
            return None
        asked = f"asked at {_told(state.asked_at)}, " if state.asked_at else ""
        note = f"{asked}next due {_told(due)}"
        if state.due_because:
            note = f"{note}: {state.due_because}"
        if state.error:
            note = f"{note} ({state.error})"
        return FeedReport(feed=feed, state=state, status="resting", notes=(note,))

    def _read(self, feed: Feed, state: FeedState, trip: Trip) -> FeedReport:
        known = still_known(state, feed)
        answer = self._ask(feed, known, trip)
        after = after_answer(known, answer, now=self.now, least_interval=self.least_interval)
        after = replace(after, reading=reading(feed))
        notes = _moved(after)
        same = answer.body_hash == known.body_hash and answer.url == known.answered_by
        if answer.body is None or same:
            return FeedReport(feed=feed, state=after, status="unchanged", notes=notes)
        parsed = self.parsers.parse(
            answer.body,
            feed=feed,
            url=answer.url,
            content_type=answer.content_type,
            now=self.now,
        )
        notes = (*notes, *parsed.problems)
        return FeedReport(
            feed=feed,
            state=after,
            items=parsed.items,
            count=len(parsed.items),
            status="new",
            notes=notes,
        )

    def _ask(self, feed: Feed, state: FeedState, trip: Trip) -> Answer:
        path = local_path(feed)
        if path:
            return read_file(path)
        return fetch(
            self.client,
            address(state),
            state=state,
            trip=trip,
            now=self.now,
        )

    def failed(self, feed: Feed, state: FeedState, error: Exception) -> FeedReport:
        """Return the report of a feed that failed, with what happens next."""
        if not isinstance(error, FeedError):
            error = FeedError(f"gather: {shown(feed.url)}: {error}", url=feed.url)
        after = after_failure(state, error, now=self.now, least_interval=self.least_interval)
        if after.gone:
            problem = f"{error}; it is not asked any more: remove it from the settings"
            return FeedReport(feed=feed, state=after, status="gone", problem=problem)
        problem = f"{error}; next try {_told(after.due_at)}"
        if after.failures >= MANY_FAILURES:
            problem = f"{problem}; it failed {after.failures} times in a row: look after it"
        return FeedReport(feed=feed, state=after, status="failed", problem=problem)


def cost(trip: Trip, state: FeedState, *, at: datetime, spared: int = 0) -> Visit | None:
    """Return what a trip to a feed cost, None if nobody was asked; a 304 spared so many bytes."""
    if not trip.requests:
        return None
    return Visit(
        feed_url=state.url,
        at=at,
        requests=trip.requests,
        status=trip.status,
        received=trip.received,
        saved=spared if trip.status == NOT_MODIFIED else 0,
        wait=trip.wait,
        due_at=state.due_at,
    )


def still_known(state: FeedState, feed: Feed) -> FeedState:
    """Return the state, without validators if the feed would now be read in another way."""
    if state.reading == reading(feed):
        return state
    return replace(state, etag=None, last_modified=None, body_hash=None)


def _moved(state: FeedState) -> tuple[str, ...]:
    if not state.moved_to or state.moves_seen < MOVES_TO_BELIEVE:
        return ()
    return (f"it moved to {shown(state.moved_to)}: put that address into the settings",)


def local_path(feed: Feed) -> Path | None:
    """Return the file a river's address names, None if it is to be fetched.

    Only the settings' own rivers may be files; every other address is fetched or refused.
    """
    if feed.kind is not FeedKind.RIVER:
        return None
    parts = urlsplit(feed.url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in feed.url else Path(feed.url)


def read_file(path: Path) -> Answer:
    """Return a file's bytes as an answer; raises FetchError if it cannot be read."""
    try:
        with path.open("rb") as file:
            body = file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FetchError(f"gather: cannot read {path}: {reason}", url=str(path)) from error
    if len(body) > MOST_BYTES:
        raise FetchError(f"gather: {path} is larger than {MOST_BYTES // 2**20} MB", url=str(path))
    # A file costs nobody anything; its hash takes the place of validators.
    return Answer(url=str(path), body=body, etag=sha256(body).hexdigest())


def first_state(feed: Feed) -> FeedState:
    """Return the state of a feed never asked before."""
    return FeedState(url=feed.url)


def _told(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%d %b %H:%M UTC") if moment else "never"
