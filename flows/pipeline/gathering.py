"""Feeds to stored items: asks what is due, and keeps items and validators together."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.errors import NewsletterError
from flows.gather.fetch import open_client, user_agent
from flows.gather.gather import gather
from flows.pipeline.gists import read_ahead
from flows.pipeline.stores import open_store
from flows.store.feeds import load_states
from flows.store.items import SavedItems
from flows.store.visits import prune_visits, save_reports
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from flows.models import FeedReport
    from flows.pipeline.observer import Observer
    from flows.settings import Settings

# So many feeds are stored in one transaction, fewer of those with news: a write to the disk each
# would cost more than asking them. What a crash loses is asked for again.
TOGETHER = 100
NEWS_TOGETHER = 20
STOPPED = "gathering was stopped; what had arrived is kept, and the same command carries on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one gathering brought: a report a feed, and how many items were new or changed."""

    reports: tuple[FeedReport, ...]
    new: int
    updated: int

    @property
    def failed(self) -> tuple[FeedReport, ...]:
        """The feeds that gave nothing usable, with the problem of each."""
        return tuple(report for report in self.reports if report.problem)

    @property
    def summary(self) -> str:
        """One line: how many feeds, how they fared, how many items, how many warnings."""
        count = Counter(report.status for report in self.reports)
        words = {
            "new": "with news",
            "unchanged": "unchanged",
            "resting": "not asked (asked less than an hour ago, or not due yet)",
            "failed": "failed",
            "gone": "gone",
        }
        told = [f"{count[status]} {words[status]}" for status in words if count[status]]
        warnings = len(self.failed)
        return (
            f"{counted(len(self.reports), 'feed')}: {', '.join(told) or 'none'}; "
            f"{counted(self.new, 'new item')}, {self.updated} updated"
            + (f"; {counted(warnings, 'warning')}" if warnings else "")
        )


def gather_now(settings: Settings, *, observer: Observer) -> Gathered:
    """Ask every feed that is due and store what it says, in the newsletter's own database."""
    with open_store(settings) as engine:
        return gather_items(settings, engine, now=datetime.now(UTC), observer=observer)


def gather_items(
    settings: Settings,
    engine: Engine,
    *,
    now: datetime,
    observer: Observer,
) -> Gathered:
    """Ask every feed that is due and store what it says; one bad feed is a line in the report.

    Raises NewsletterError if the observer stops it; what had arrived by then is kept.
    """
    feeds = settings.feed_list()
    states = load_states(engine, [feed.url for feed in feeds])
    reports: list[FeedReport] = []
    desk = _Desk(engine, now=now)
    with (
        open_client(
            user_agent=user_agent(contact=settings.newsletter.base_url),
            allow_private_networks=settings.gather.allow_private_networks,
        ) as client,
        closing(gather(feeds, states, client=client, now=now)) as visits,
        closing(desk),
    ):
        for report in visits:
            desk.take(report)
            # Its items are the desk's: a thousand feeds' texts would fill the memory.
            reports.append(replace(report, items=()))
            observer.gathered(report, done=len(reports), total=len(feeds))
            _check_stopping(observer)
    if desk.saved.new or desk.saved.updated:
        read_ahead(settings, engine, now=now)
    prune_visits(engine, now=now)
    return Gathered(reports=tuple(reports), new=desk.saved.new, updated=desk.saved.updated)


def _check_stopping(observer: Observer) -> None:
    if observer.stopping():
        raise NewsletterError(STOPPED)


class _Desk:
    """Collects reports and stores a few at a time; the last ones when it is closed."""

    def __init__(self, engine: Engine, *, now: datetime) -> None:
        self._engine = engine
        self._now = now
        self._waiting: list[FeedReport] = []
        self.saved = SavedItems()

    def take(self, report: FeedReport) -> None:
        if report.status == "resting":
            return
        self._waiting.append(report)
        news = sum(1 for waiting in self._waiting if waiting.items)
        if news >= NEWS_TOGETHER or len(self._waiting) >= TOGETHER:
            self.close()

    def close(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.saved = _sum([self.saved, save_reports(self._engine, waiting, now=self._now)])


def _sum(parts: Iterable[SavedItems]) -> SavedItems:
    new = updated = seen = 0
    for part in parts:
        new, updated, seen = new + part.new, updated + part.updated, seen + part.seen
    return SavedItems(new=new, updated=updated, seen=seen)
