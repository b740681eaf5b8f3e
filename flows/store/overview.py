"""What a person asks of the whole database: doubts that remain, its newest moment, its health."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from flows.models import DeliveryState
from flows.store.schema import batches, deliveries, runs, visits
from subscribers.database import reading

if TYPE_CHECKING:
    from sqlalchemy import Engine


def doubts(engine: Engine) -> dict[int, int]:
    """Return how many deliveries are in doubt, by issue; only issues that have any."""
    in_doubt = DeliveryState.IN_DOUBT.value
    # By their batches, a thousandth as many rows: a doubt in one makes the batch one.
    doubtful = select(batches.c.id).where(batches.c.status == in_doubt)
    query = (
        select(deliveries.c.issue, func.count().label("total"))
        .where(deliveries.c.batch_id.in_(doubtful), deliveries.c.status == in_doubt)
        .group_by(deliveries.c.issue)
        .order_by(deliveries.c.issue)
    )
    with reading(engine).begin() as connection:
        return {row.issue: row.total for row in connection.execute(query)}


def newest_moment(engine: Engine) -> datetime | None:
    """Return the latest time at which this newsletter did anything, None if it never did."""
    with reading(engine).begin() as connection:
        found = [
            connection.execute(select(func.max(column))).scalar()
            for column in (runs.c.started_at, visits.c.at)
        ]
    return max((moment for moment in found if moment is not None), default=None)


def database_time(engine: Engine) -> datetime | None:
    """Return what time it is by the database's server; None for SQLite, which has no own clock."""
    if engine.dialect.name == "sqlite":
        return None
    with reading(engine).begin() as connection:
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def damage(engine: Engine) -> str:
    """Return what SQLite finds wrong with the file, "" if nothing; PostgreSQL looks by itself."""
    if engine.dialect.name != "sqlite":
        return ""
    with reading(engine).begin() as connection:
        said = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
    return "" if said == "ok" else said
