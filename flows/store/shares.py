"""What deliveries tell of one person, and of each issue as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, tuple_, update

from flows.models import DeliveryState
from flows.store.schema import batches, deliveries, issues, soft_bounces
from subscribers.database import reading

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One issue's delivery to one person; `handed_over_at` is None if it was not."""

    issue: int
    status: str
    reason: str
    handed_over_at: datetime | None


def deliveries_of(engine: Engine, subscriber_id: int) -> list[Share]:
    """Return the deliveries to somebody, by issue."""
    query = (
        select(
            deliveries.c.issue,
            deliveries.c.status,
            deliveries.c.reason,
            batches.c.handed_over_at,
        )
        .outerjoin(batches, batches.c.id == deliveries.c.batch_id)
        .where(_to(subscriber_id))
        .order_by(deliveries.c.issue)
    )
    with reading(engine).begin() as connection:
        return [Share(**row) for row in connection.execute(query).mappings()]


def erase_words(engine: Engine, subscriber_id: int) -> None:
    """Delete what was said of the deliveries to somebody: a mail server's words name its reader."""
    theirs = _to(subscriber_id)
    refused = select(deliveries.c.batch_id, deliveries.c.reason).where(
        theirs, deliveries.c.status == DeliveryState.REFUSED.value
    )
    quoted = tuple_(batches.c.id, batches.c.reason).in_(refused)
    with engine.begin() as connection:
        connection.execute(update(batches).where(quoted).values(reason=""))
        connection.execute(update(deliveries).where(theirs).values(reason=""))


def _to(subscriber_id: int) -> ColumnElement[bool]:
    """Return the condition for the deliveries to somebody."""
    # Issue by issue, as the primary key has them: by the reader alone all deliveries that ever
    # were would be read.
    every = deliveries.c.issue.in_(select(issues.c.number))
    return every & (deliveries.c.subscriber_id == subscriber_id)


def soft_bounces_of(engine: Engine, subscriber_id: int) -> list[int]:
    """Return the issues that were put off for good on their way to somebody."""
    query = select(soft_bounces.c.issue).where(soft_bounces.c.subscriber_id == subscriber_id)
    with reading(engine).begin() as connection:
        return list(connection.execute(query.order_by(soft_bounces.c.issue)).scalars())


def accepted_by_issue(engine: Engine) -> dict[int, int]:
    """Return how many deliveries of each issue were accepted."""
    query = (
        select(deliveries.c.issue, func.count())
        .where(deliveries.c.status == DeliveryState.ACCEPTED.value)
        .group_by(deliveries.c.issue)
        .order_by(deliveries.c.issue)
    )
    with reading(engine).begin() as connection:
        return dict(connection.execute(query).tuples().all())
