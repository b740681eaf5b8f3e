"""What is heard after a hand-over: doubts that are settled, and addresses that bounce softly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from flows.models import DeliveryState, IssueStatus
from flows.store.records import UNDECIDED
from flows.store.schema import batches, deliveries, issues, lookouts, soft_bounces
from subscribers.database import insert_into, reading
from subscribers.schema import subscribers

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine

# How many of the newest issues are looked at: a reader who missed some was on holiday from them.
ISSUES_LOOKED_AT = 50
OPERATOR = "settled by an operator"


def undecided(engine: Engine, batch_ids: Collection[int]) -> dict[int, int]:
    """Return the issue of each of these batches whose fate is not known."""
    query = select(batches.c.id, batches.c.issue).where(
        batches.c.id.in_(batch_ids), batches.c.status.in_(UNDECIDED)
    )
    with reading(engine).begin() as connection:
        return dict(connection.execute(query).tuples().all())


def is_in(engine: Engine, batch_id: int, *, subscriber_id: int, key: str) -> bool:
    """Return whether the batch has this subscriber, under this folded address."""
    query = (
        select(deliveries.c.subscriber_id)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(
            deliveries.c.batch_id == batch_id,
            deliveries.c.subscriber_id == subscriber_id,
            subscribers.c.key == key,
        )
    )
    with reading(engine).begin() as connection:
        return connection.execute(query).first() is not None


def reader_of(engine: Engine, batch_id: int) -> str | None:
    """Return the address of one reader in a batch whose fate is not known; None if all are gone."""
    query = (
        select(subscribers.c.email)
        .join(deliveries, deliveries.c.subscriber_id == subscribers.c.id)
        .where(*_undecided_of(batch_id))
        .limit(1)
    )
    with reading(engine).begin() as connection:
        return connection.execute(query).scalar()


def accept(
    engine: Engine, batch_id: int, *, now: datetime, provider_id: str = "", reason: str = ""
) -> int:
    """Settle a batch as accepted; return how many deliveries that settled, 0 the second time."""
    with engine.begin() as connection:
        settled = connection.execute(
            update(batches)
            .where(batches.c.id == batch_id, batches.c.status.in_(UNDECIDED))
            .values(
                status=DeliveryState.ACCEPTED.value,
                recorded_at=now,
                provider_id=func.coalesce(batches.c.provider_id, provider_id or None),
                reason=reason,
            )
        ).rowcount
        if not settled:
            return 0
        return connection.execute(
            update(deliveries)
            .where(*_undecided_of(batch_id))
            .values(status=DeliveryState.ACCEPTED.value, reason="")
        ).rowcount


def plan_again(engine: Engine, batch_id: int, *, now: datetime) -> int:
    """Plan a doubtful batch's deliveries again; return how many: an operator says they never left.

    Its issue is being sent again. A batch in doubt only: one in flight has an answer to come.
    """
    with engine.begin() as connection:
        issue = connection.execute(
            update(batches)
            .where(batches.c.id == batch_id, batches.c.status == DeliveryState.IN_DOUBT.value)
            .values(status=DeliveryState.CANCELLED.value, recorded_at=now, reason=OPERATOR)
            .returning(batches.c.issue)
        ).scalar()
        if issue is None:
            return 0
        planned = connection.execute(
            update(deliveries)
            .where(*_undecided_of(batch_id))
            .values(status=DeliveryState.PLANNED.value, batch_id=None, reason="")
        ).rowcount
        _keep_the_accepted(connection, batch_id)
        connection.execute(
            update(issues)
            .where(issues.c.number == issue, issues.c.status == IssueStatus.SENT.value)
            .values(status=IssueStatus.SENDING.value)
        )
        return planned


def _keep_the_accepted(connection: Connection, batch_id: int) -> None:
    """Let a batch stand for those of it whose mail was accepted, if there are any."""
    query = (
        select(func.count())
        .select_from(deliveries)
        .where(
            deliveries.c.batch_id == batch_id,
            deliveries.c.status == DeliveryState.ACCEPTED.value,
        )
    )
    accepted = connection.execute(query).scalar()
    if accepted:
        connection.execute(
            update(batches)
            .where(batches.c.id == batch_id)
            .values(status=DeliveryState.ACCEPTED.value, size=accepted)
        )


def _undecided_of(batch_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.batch_id == batch_id, deliveries.c.status.in_(UNDECIDED)


def issue_at(engine: Engine, moment: datetime) -> int | None:
    """Return the issue that was handed over last before a moment, None if there is none."""
    query = (
        select(batches.c.issue)
        .where(batches.c.handed_over_at <= moment)
        # Batches are numbered as they are claimed: the first from the end will do, out of all
        # that ever were.
        .order_by(batches.c.id.desc())
        .limit(1)
    )
    with reading(engine).begin() as connection:
        return connection.execute(query).scalar()


def bounce_softly(engine: Engine, bounced: Sequence[tuple[int, int]]) -> None:
    """Keep that mail of these (subscriber, issue) pairs did not get through; again is once."""
    rows = [{"subscriber_id": subscriber_id, "issue": issue} for subscriber_id, issue in bounced]
    if rows:
        with engine.begin() as connection:
            connection.execute(insert_into(connection, soft_bounces).on_conflict_do_nothing(), rows)


def bouncing(engine: Engine, subscriber_ids: Collection[int], *, in_a_row: int) -> set[int]:
    """Return whose last `in_a_row` issues all bounced softly."""
    newest = select(issues.c.number).order_by(issues.c.number.desc()).limit(ISSUES_LOOKED_AT)
    place = func.row_number().over(
        partition_by=deliveries.c.subscriber_id, order_by=deliveries.c.issue.desc()
    )
    got = (
        select(deliveries.c.subscriber_id, deliveries.c.issue, place.label("place"))
        .where(
            deliveries.c.issue.in_(newest),
            deliveries.c.subscriber_id.in_(subscriber_ids),
            deliveries.c.status == DeliveryState.ACCEPTED.value,
        )
        .subquery()
    )
    query = (
        select(got.c.subscriber_id)
        .join(
            soft_bounces,
            (soft_bounces.c.subscriber_id == got.c.subscriber_id)
            & (soft_bounces.c.issue == got.c.issue),
        )
        .where(got.c.place <= in_a_row)
        .group_by(got.c.subscriber_id)
        .having(func.count() == in_a_row)
    )
    with reading(engine).begin() as connection:
        return set(connection.execute(query).scalars())


def looked_until(engine: Engine, name: str) -> datetime | None:
    """Return up to when a provider's list was read, None if never."""
    query = select(lookouts.c.until).where(lookouts.c.name == name)
    with reading(engine).begin() as connection:
        return connection.execute(query).scalar()


def look_until(engine: Engine, name: str, until: datetime) -> None:
    """Keep up to when a provider's list was read."""
    with engine.begin() as connection:
        connection.execute(delete(lookouts).where(lookouts.c.name == name))
        connection.execute(insert_into(connection, lookouts).values(name=name, until=until))
