"""Which issues readers have, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from flows.models import IssueStatus, Published, WaveStatus
from flows.store.schema import batches, issues, waves
from subscribers.database import reading

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

# An issue is public from its first hand-over on: its first readers look while it is being sent.
PUBLIC = (IssueStatus.SENDING, IssueStatus.SENT)


def published(engine: Engine, *, now: datetime) -> list[Published]:
    """Return the issues that readers have, the newest first.

    What is handed over to leave later is not out before its time.
    """
    leaves = (
        select(func.min(waves.c.send_at))
        .where(waves.c.issue == issues.c.number, waves.c.status != WaveStatus.CANCELLED.value)
        .scalar_subquery()
    )
    handed_over = (
        select(func.min(batches.c.handed_over_at))
        .where(batches.c.issue == issues.c.number)
        .scalar_subquery()
    )
    query = (
        select(
            issues.c.number,
            issues.c.subject,
            func.coalesce(leaves, handed_over, issues.c.sent_at, issues.c.slot).label("at"),
        )
        .where(
            issues.c.status.in_([status.value for status in PUBLIC]),
            # What some get to try it out is not out.
            or_(issues.c.only_tag == "", issues.c.status == IssueStatus.SENT.value),
        )
        .order_by(issues.c.number.desc())
    )
    with reading(engine).begin() as connection:
        rows = [Published(**row) for row in connection.execute(query).mappings()]
    return [row for row in rows if row.at is None or row.at <= now]
