"""When a feed may be asked again: pure rules over what it answered and what we remember.

Retry-After (RFC 9110 10.2.3) is obeyed on any answer, max-age is the least interval up to a
ceiling, and a feed that fails is asked less and less often. All of it is kept in the feed's
state, so a restart forgets nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from flows.errors import FetchError, GoneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flows.errors import FeedError
    from flows.gather.answer import Answer
    from flows.models import FeedState

# A week-long max-age would lose items between two issues.
LONGEST_MAX_AGE = timedelta(hours=12)
# Without validators every visit costs the publisher the whole feed.
WITHOUT_VALIDATORS = timedelta(hours=24)
LONGEST_RETRY_AFTER = timedelta(days=7)
# What to do when told to slow down or to stay away without being told for how long.
SLOW_DOWN = timedelta(hours=4)
SLOW_DOWN_STATUS = frozenset({403, 429})
FIRST_BACK_OFF = timedelta(hours=1)
LONGEST_BACK_OFF = timedelta(hours=24)
# Sites lose single pages for weeks and get them back; this is about a month of daily tries.
MOST_404 = 30
NOT_FOUND = 404
# How often a permanent redirect must have led to a good feed before we go there at once.
MOVES_TO_BELIEVE = 3
# How the sentences begin that tell what a publisher wished.
_ASKED = "its publisher asks"
_TOLD = "it told us to keep away"
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


def due_at(state: FeedState, *, least_interval: timedelta, now: datetime) -> datetime | None:
    """Return the moment before which the feed is left alone, None if it never was asked.

    Who was asked in a time to come was asked while the clock was wrong, perhaps by years.
    """
    if state.asked_at is None:
        return state.due_at
    if state.asked_at > now + least_interval:
        return None
    earliest = state.asked_at + least_interval
    return max(state.due_at, earliest) if state.due_at else earliest


def wants_rest(state: FeedState, *, now: datetime) -> bool:
    """Return whether the publisher wished that nobody asks now, not even by hand."""
    wished = state.due_because.startswith((_ASKED, _TOLD))
    return wished and state.due_at is not None and now < state.due_at


def address(state: FeedState) -> str:
    """Return where to ask: the feed's own address, or where it moved to for good."""
    if state.moved_to and state.moves_seen >= MOVES_TO_BELIEVE:
        return state.moved_to
    return state.url


def after_answer(
    state: FeedState, answer: Answer, *, now: datetime, least_interval: timedelta
) -> FeedState:
    """Return the state after a usable answer, with its validators byte for byte."""
    wait, because = max(_waits(answer, least_interval), key=lambda reason: reason[0])
    moved_to, moves_seen = _moved(state, answer)
    return replace(
        state,
        etag=answer.etag,
        last_modified=answer.last_modified,
        body_hash=answer.body_hash or state.body_hash,
        body_bytes=state.body_bytes if answer.body is None else answer.wire_bytes,
        answered_by=answer.url,
        asked_at=now,
        succeeded_at=now,
        due_at=now + wait,
        due_because=because,
        failures=0,
        error="",
        moved_to=moved_to,
        moves_seen=moves_seen,
    )


def _waits(answer: Answer, least_interval: timedelta) -> Iterator[tuple[timedelta, str]]:
    """Yield how long each rule would have the feed rest, and the rule in words."""
    yield least_interval, ""
    max_age = min(answer.max_age, LONGEST_MAX_AGE)
    yield max_age, f"{_ASKED} for {told(max_age)} between visits (max-age)"
    if not (answer.etag or answer.last_modified):
        why = "it gives no validators, so that every visit costs its publisher the whole feed"
        yield WITHOUT_VALIDATORS, why
    if answer.retry_after is not None:
        wait = _bounded(answer.retry_after)
        yield wait, f"{_ASKED} to be left alone for {told(wait)} (Retry-After)"


def told(wait: timedelta) -> str:
    """Return a time as a person says it."""
    for seconds, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if wait.total_seconds() >= seconds:
            return f"{wait.total_seconds() / seconds:.3g} {unit}"
    return f"{wait.total_seconds():.0f} s"


def after_failure(
    state: FeedState, error: FeedError, *, now: datetime, least_interval: timedelta
) -> FeedState:
    """Return the state after a failure: validators stay, the next visit moves away."""
    failures = state.failures + 1
    wait, because = _patience(state.url, failures, error)
    # A new address that does not answer well is no longer believed.
    believed = state.moves_seen if address(state) == state.url else 0
    return replace(
        state,
        asked_at=now,
        due_at=now + max(wait, least_interval),
        due_because=because,
        failures=failures,
        error=str(error),
        gone=isinstance(error, GoneError) or (failures >= MOST_404 and _is_missing(error)),
        moves_seen=believed,
    )


def _is_missing(error: FeedError) -> bool:
    return isinstance(error, FetchError) and error.status == NOT_FOUND


def _patience(url: str, failures: int, error: FeedError) -> tuple[timedelta, str]:
    if isinstance(error, FetchError) and error.retry_after is not None:
        wait = _bounded(timedelta(seconds=error.retry_after))
        return wait, f"{_ASKED} to be left alone for {told(wait)} (Retry-After)"
    wait = min(FIRST_BACK_OFF * (1 << min(failures - 1, 10)), LONGEST_BACK_OFF)
    because = "it failed" if failures == 1 else f"it failed {failures} times in a row"
    if isinstance(error, FetchError) and error.status in SLOW_DOWN_STATUS:
        wait = max(wait, SLOW_DOWN)
        because = f"{_TOLD} ({error.status})"
    return wait * jitter(f"{url} {failures}"), because


def jitter(key: str) -> float:
    """Return a factor from 1 to 1.25 that `key` always gets: feeds that failed at once part."""
    return 1 + int.from_bytes(sha256(key.encode()).digest()[:2], "big") / 0x3FFFF


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


def _moved(state: FeedState, answer: Answer) -> tuple[str | None, int]:
    if answer.moved_to is None:
        # Nothing moved the one we asked; if that is the new place, it goes on being it.
        asked_new_place = address(state) != state.url
        return (state.moved_to, state.moves_seen) if asked_new_place else (None, 0)
    seen = state.moves_seen + 1 if answer.moved_to == state.moved_to else 1
    return answer.moved_to, seen


def read_retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds a Retry-After header asks for, None if there is no usable one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    moment = _http_date(value)
    if moment is None:
        return None
    # Told against the server's own clock where it says what that is.
    return max((moment - (_http_date(headers.get("date", "")) or now)).total_seconds(), 0.0)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_max_age(headers: Mapping[str, str]) -> timedelta:
    """Return what Cache-Control: max-age says, zero without it."""
    control = headers.get("cache-control", "")
    if re.search(r"no-(?:cache|store)", control, re.IGNORECASE):
        return timedelta()
    found = _MAX_AGE.search(control)
    return timedelta(seconds=int(found[1])) if found else timedelta()
