"""What ran and how it ended: one row a run, begun before its work and ended by its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from flows.store.schema import runs
from subscribers.database import reading

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, RowMapping

# What runs.
WEEKLY, SEND, WAVE = "weekly", "send", "wave"
GATHER, DRAFT, SUPPRESSIONS = "gather", "draft", "suppressions"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run; `verdict` is empty and `ended_at` None for what has not ended.

    `job` is what ran (`WEEKLY`, `GATHER`, `DRAFT` …), `flow_run` Prefect's id of it ("": none),
    `owner` the process that ran it.
    """

    id: int
    job: str
    flow_run: str
    scheduled: bool
    owner: str
    started_at: datetime
    ended_at: datetime | None = None
    verdict: str = ""
    issue: int | None = None
    reason: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended: a verdict's word, the issue, why, and what to type."""

    verdict: str
    reason: str = ""
    next: str = ""
    issue: int | None = None


def begin(
    engine: Engine, *, job: str, flow_run: str, scheduled: bool, owner: str, now: datetime
) -> int:
    """Keep that a run begins; return its id."""
    with engine.begin() as connection:
        run_id: int = connection.execute(
            insert(runs)
            .values(job=job, flow_run=flow_run, scheduled=scheduled, owner=owner, started_at=now)
            .returning(runs.c.id)
        ).scalar_one()
        return run_id


def end(engine: Engine, run_id: int, ending: Ending, *, now: datetime) -> bool:
    """Keep how a run ended; False if that was known already."""
    with engine.begin() as connection:
        return bool(
            connection.execute(
                update(runs)
                .where(runs.c.id == run_id, runs.c.ended_at.is_(None))
                .values(
                    ended_at=now,
                    verdict=ending.verdict,
                    issue=ending.issue,
                    reason=ending.reason,
                    next=ending.next,
                )
            ).rowcount
        )


def unended(engine: Engine) -> list[RunRecord]:
    """Return the runs that have not ended, the oldest first."""
    query = select(runs).where(runs.c.ended_at.is_(None)).order_by(runs.c.id)
    with reading(engine).begin() as connection:
        return [_record(row) for row in connection.execute(query).mappings()]


def last_ended(engine: Engine, job: str) -> RunRecord | None:
    """Return the run of this job that ended last, None if none did."""
    return _newest(engine, runs.c.job == job, runs.c.ended_at.is_not(None))


def in_a_row(engine: Engine, jobs: Collection[str], *, reason: str) -> int:
    """Return how many of these jobs' runs ended so one after the other, up to the newest."""
    ended = runs.c.job.in_(jobs) & runs.c.ended_at.is_not(None)
    other = select(func.max(runs.c.id)).where(ended, runs.c.reason != reason).scalar_subquery()
    query = select(func.count()).where(
        ended, runs.c.reason == reason, runs.c.id > func.coalesce(other, 0)
    )
    with reading(engine).begin() as connection:
        return connection.execute(query).scalar_one()


def find_flow_run(engine: Engine, flow_run: str) -> RunRecord | None:
    """Return the run that Prefect knows by this id, None if it never got to its work."""
    return _newest(engine, runs.c.flow_run == flow_run)


def _newest(engine: Engine, *conditions: ColumnElement[bool]) -> RunRecord | None:
    query = select(runs).where(*conditions).order_by(runs.c.id.desc()).limit(1)
    with reading(engine).begin() as connection:
        row = connection.execute(query).mappings().one_or_none()
    return _record(row) if row else None


def _record(row: RowMapping) -> RunRecord:
    return RunRecord(**row)
