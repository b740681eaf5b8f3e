"""How the feeds stand, what would mend each, and how we behaved towards their publishers."""

from __future__ import annotations

import shlex
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.gather.fetch import NOT_MODIFIED
from flows.gather.guards import shown
from flows.gather.manners import LONGEST_RETRY_AFTER, MOVES_TO_BELIEVE, due_at, told, wants_rest
from flows.gather.visit import local_path
from flows.store.feeds import load_states
from flows.store.items import count_items
from flows.store.visits import load_visits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import Feed, FeedState, Visit
    from flows.settings import Settings

WEEK = timedelta(days=7)
LEAST_INTERVAL = timedelta(hours=1)
# These statuses ask for less, whether they say for how long or not (RFC 6585 4, 9110 15.6.4).
SLOW_DOWN = frozenset({429, 503})
_SAME = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one feed stands: `state` is a word, `reason` a sentence, `command` what mends it."""

    feed: Feed
    state: str
    last_success: datetime | None = None
    items: int = 0
    next_due: datetime | None = None
    reason: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A publisher's wish that we slow down, and what we did; `kept` is None if it is too early."""

    feed_url: str
    at: datetime
    status: int
    wait: timedelta | None
    kept: bool | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What a week's gathering cost publishers: requests, spared bytes, and wishes."""

    since: datetime
    visits: int
    requests: int
    unchanged: int
    received: int
    saved: int
    wishes: tuple[Request, ...]

    @property
    def share_unchanged(self) -> float:
        """The share of visits that were answered by a 304."""
        return self.unchanged / self.visits if self.visits else 0.0


def standings(settings: Settings, engine: Engine, *, now: datetime) -> list[Standing]:
    """Return how each feed of the settings stands, in their order."""
    feeds = settings.feed_list()
    urls = [feed.url for feed in feeds]
    states, counts = load_states(engine, urls), count_items(engine, urls)
    return [
        _standing(feed, states.get(feed.url), items=counts.get(feed.url, 0), now=now)
        for feed in feeds
    ]


def _standing(feed: Feed, state: FeedState | None, *, items: int, now: datetime) -> Standing:
    if state is None:
        return Standing(
            feed=feed, state="new", reason="it was never asked", command="newsletter gather"
        )
    due = None if state.gone else due_at(state, least_interval=LEAST_INTERVAL, now=now)
    word, reason, command = _word(feed, state, due=due, now=now)
    return Standing(
        feed=feed,
        state=word,
        last_success=state.succeeded_at,
        items=items,
        next_due=due,
        reason=reason,
        command=command,
    )


def _word(
    feed: Feed, state: FeedState, *, due: datetime | None, now: datetime
) -> tuple[str, str, str]:
    name = shlex.quote(feed.name or feed.url)
    if state.gone:
        return "gone", state.error, f"newsletter feeds remove {name}"
    if state.failures and "it names " in state.error:
        return "failing", state.error, f"newsletter feeds move {name}"
    if state.failures:
        because = f"{state.error} ({state.due_because})" if state.due_because else state.error
        check = f"newsletter feeds check {shlex.quote(feed.url)}"
        return "failing", because, "" if wants_rest(state, now=now) else check
    if state.moved_to and state.moves_seen >= MOVES_TO_BELIEVE:
        reason = f"it moved to {shown(state.moved_to)}"
        return "moved", reason, f"newsletter feeds move {name}"
    if due and due > now and not local_path(feed):
        return "resting", state.due_because or "it was asked less than an hour ago", ""
    return "due", "", ""


def manners(engine: Engine, *, now: datetime, lasts: timedelta = WEEK) -> Manners:
    """Return what the visits of the last week cost, and how wishes to slow down were obeyed."""
    visits = load_visits(engine, since=now - lasts)
    return Manners(
        since=now - lasts,
        visits=len(visits),
        requests=sum(visit.requests for visit in visits),
        unchanged=sum(1 for visit in visits if visit.status == NOT_MODIFIED),
        received=sum(visit.received for visit in visits),
        saved=sum(visit.saved for visit in visits),
        wishes=tuple(_wishes(visits)),
    )


def _wishes(visits: Sequence[Visit]) -> Iterable[Request]:
    by_feed: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_feed[visit.feed_url].append(visit)
    for own in by_feed.values():
        for visit, following in zip(own, [*own[1:], None], strict=True):
            if visit.wait is not None or visit.status in SLOW_DOWN:
                yield _wish(visit, following)


def _wish(visit: Visit, following: Visit | None) -> Request:
    wait = visit.wait
    asked = f"answered {visit.status}"
    if wait is not None:
        asked = f"{asked} and asked for {told(wait)}"
    if following is None:
        kept = None
        until = f" until {visit.due_at:%d %b %H:%M} UTC" if visit.due_at else ""
        done = f"it is left alone{until}"
    else:
        rested = following.at - visit.at
        kept = rested + _SAME >= min(wait or timedelta(), LONGEST_RETRY_AFTER)
        done = f"it was left alone for {told(rested)}"
    return Request(
        feed_url=visit.feed_url,
        at=visit.at,
        status=visit.status,
        wait=wait,
        kept=kept,
        sentence=f"{asked}; {done}",
    )
