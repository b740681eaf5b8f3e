"""Issues that go to a tag's people first: whom they are for, and who is left out for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, or_, select, update

from flows.models import DeliveryState, IssueStatus
from flows.store.schema import deliveries, issues
from subscribers.database import reading
from subscribers.models import SubscriberStatus
from subscribers.schema import subscribers, suppressions, tags

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

# Deliveries nobody has handed over: they may be taken out of the ledger again.
OPEN = (DeliveryState.PLANNED.value, DeliveryState.CANCELLED.value)


def meant(issue: int) -> ColumnElement[bool]:
    """Return the condition for a subscriber whom the issue is for as things stand."""
    only = select(issues.c.only_tag).where(issues.c.number == issue).scalar_subquery()
    has_tag = exists().where(tags.c.subscriber_id == subscribers.c.id, tags.c.tag == only)
    return or_(func.coalesce(only, "") == "", has_tag)


def aim(engine: Engine, number: int, tag: str) -> bool:
    """Make the issue one for a tag's people alone; False if it is on its way to everybody.

    What was planned for others and not handed over is taken out of the ledger.
    """
    before = (IssueStatus.DRAFT.value, IssueStatus.APPROVED.value)
    may = or_(issues.c.status.in_(before), issues.c.only_tag != "")
    with engine.begin() as connection:
        mark = update(issues).where(issues.c.number == number, may).values(only_tag=tag)
        if not connection.execute(mark).rowcount:
            return False
        connection.execute(
            delete(deliveries).where(deliveries.c.issue == number, deliveries.c.status.in_(OPEN))
        )
        return True


def lift(engine: Engine, number: int) -> None:
    """Make the issue one for everybody."""
    with engine.begin() as connection:
        connection.execute(
            update(issues)
            .where(issues.c.number == number, issues.c.only_tag != "")
            .values(only_tag="")
        )


def end(engine: Engine, number: int, tag: str) -> bool:
    """Let an issue that a tag's people have wait; False if it is for everybody by now.

    It is approved again: what was approved may still be corrected, and is approved anew then.
    """
    with engine.begin() as connection:
        return bool(
            connection.execute(
                update(issues)
                .where(
                    issues.c.number == number,
                    issues.c.status == IssueStatus.SENDING.value,
                    issues.c.only_tag == tag,
                )
                .values(status=IssueStatus.APPROVED.value)
            ).rowcount
        )


def left_out(engine: Engine, number: int) -> int:
    """Return how many active people the issue was not planned for."""
    planned = exists().where(
        deliveries.c.issue == number, deliveries.c.subscriber_id == subscribers.c.id
    )
    query = (
        select(func.count())
        .select_from(subscribers)
        .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
        .where(
            subscribers.c.status == SubscriberStatus.ACTIVE.value,
            suppressions.c.key.is_(None),
            ~planned,
        )
    )
    with reading(engine).begin() as connection:
        return connection.execute(query).scalar_one()
