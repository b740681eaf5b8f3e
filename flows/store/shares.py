"""What deliveries tell of one person, and of each issue as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select, update

from flows.models import DeliveryState
from flows.store.schema import batches, deliveries, soft_bounces
from subscribers.database import reading

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine


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
        .where(deliveries.c.subscriber_id == subscriber_id)
        .order_by(deliveries.c.issue)
    )
    with reading(engine).begin() as connection:
        return [Share(**row) for row in connection.execute(query).mappings()]


def erase_words(engine: Engine, subscriber_id: int) -> None:
    """Delete what was said of the deliveries to somebody: a mail server's words name its reader."""
    theirs = deliveries.c.subscriber_id == subscriber_id
    refused = deliveries.c.status == DeliveryState.REFUSED.value
    same = (deliveries.c.batch_id == batches.c.id, deliveries.c.reason == batches.c.reason)
    quoted = exists().where(theirs, refused, *same)
    with engine.begin() as connection:
        connection.execute(update(batches).where(quoted).values(reason=""))
        connection.execute(update(deliveries).where(theirs).values(reason=""))


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
