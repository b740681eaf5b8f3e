"""The visits to feeds: what each cost, and what its publisher asked of us."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from flows.models import Visit
from flows.store.feeds import put_states
from flows.store.items import mend_dates, put_items
from flows.store.schema import visits
from subscribers.database import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, RowMapping

    from flows.models import FeedReport
    from flows.store.items import SavedItems

# A weekly summary looks back one week; a month lets an operator look at the ones before.
KEPT = timedelta(days=35)


def save_reports(engine: Engine, reports: Sequence[FeedReport], *, now: datetime) -> SavedItems:
    """Store what these feeds told, their items, states and visits, and return how it was new.

    All or nothing: no validators are ever kept for items that are not.
    """
    with engine.begin() as connection:
        told = {report.feed.url: report.items for report in reports}
        saved = put_items(connection, told, now=now)
        for feed in (report.feed for report in reports if report.feed.timezone != "UTC"):
            mended = mend_dates(connection, feed, told[feed.url])
            seen = max(0, saved.seen - mended)
            saved = replace(saved, updated=saved.updated + saved.seen - seen, seen=seen)
        put_states(connection, [report.state for report in reports if report.status != "resting"])
        _put_visits(connection, [report.visit for report in reports if report.visit])
    return saved


def load_visits(engine: Engine, *, since: datetime) -> list[Visit]:
    """Return every visit from `since` on, oldest first."""
    query = select(visits).where(visits.c.at >= since).order_by(visits.c.at, visits.c.id)
    with reading(engine).begin() as connection:
        return [_visit(row) for row in connection.execute(query).mappings()]


def prune_visits(engine: Engine, *, now: datetime) -> None:
    """Remove the visits that nobody looks back to."""
    with engine.begin() as connection:
        connection.execute(delete(visits).where(visits.c.at < now - KEPT))


def _put_visits(connection: Connection, made: Iterable[Visit]) -> None:
    rows = [_row(visit) for visit in made]
    if rows:
        connection.execute(insert(visits), rows)


def _row(visit: Visit) -> dict[str, Any]:
    return {
        "feed_url": visit.feed_url,
        "at": visit.at,
        "requests": visit.requests,
        "status": visit.status,
        "received": visit.received,
        "saved": visit.saved,
        "wait_seconds": None if visit.wait is None else int(visit.wait.total_seconds()),
        "due_at": visit.due_at,
    }


def _visit(row: RowMapping) -> Visit:
    wait = row["wait_seconds"]
    return Visit(
        feed_url=row["feed_url"],
        at=row["at"],
        requests=row["requests"],
        status=row["status"],
        received=row["received"],
        saved=row["saved"],
        wait=None if wait is None else timedelta(seconds=wait),
        due_at=row["due_at"],
    )
