"""What became of a batch, kept row by row; and the batches that a dead process left behind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update

from flows.models import Batch, DeliveryState
from flows.store.owner import alive
from flows.store.schema import batches, deliveries, waves
from subscribers.database import among, reading
from subscribers.schema import subscribers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row

    from flows.models import Receipt

# A process on another host cannot be looked at: its batch is given up after this long, many times
# the longest request.
SILENCE = timedelta(minutes=15)

UNANSWERED = "the process that handed it over ended before the answer was kept"

# What a batch may still become something else from: an answer may come after it was given up.
UNDECIDED = (DeliveryState.HANDED_OVER.value, DeliveryState.IN_DOUBT.value)

# What each batch takes, made once: to build a statement took longer than to execute it.
_DECIDE = update(batches).where(
    batches.c.id == bindparam("of_batch"), batches.c.status.in_(UNDECIDED)
)
_ACCEPT = (
    update(deliveries)
    .where(deliveries.c.batch_id == bindparam("of_batch"), deliveries.c.status.in_(UNDECIDED))
    .values(status=DeliveryState.ACCEPTED.value, reason="")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """A batch as the ledger keeps it; `size` counts who was accepted or is in doubt."""

    id: int
    wave_id: int | None
    wave: int | None
    status: str
    size: int
    handed_over_at: datetime
    recorded_at: datetime | None
    provider_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """One delivery with its reason; `email` is empty once the subscriber is forgotten."""

    subscriber_id: int
    email: str
    status: DeliveryState
    batch_id: int | None
    reason: str


def by_reason(reasons: Mapping[int, str]) -> dict[str, list[int]]:
    """Return the subscriber ids of each reason."""
    grouped: dict[str, list[int]] = defaultdict(list)
    for subscriber_id, reason in reasons.items():
        grouped[reason].append(subscriber_id)
    return dict(grouped)


def record(engine: Engine, batch: Batch, receipt: Receipt, *, now: datetime) -> None:
    """Keep what became of a batch, in one transaction; doing it again changes nothing.

    A batch whose wave was cancelled meanwhile stays cancelled: its rows are no longer its own.
    """
    status = _status(batch, receipt)
    with engine.begin() as connection:
        if not _decide(connection, batch, receipt, status, now):
            return
        connection.execute(_ACCEPT, {"of_batch": batch.id})
        _mark_each(connection, batch, receipt.refused, DeliveryState.REFUSED)
        _mark_each(connection, batch, receipt.in_doubt, DeliveryState.IN_DOUBT)
        _give_back(connection, batch, receipt.unsent)
        if status is DeliveryState.PLANNED:
            _forget(connection, batch.id)


def _status(batch: Batch, receipt: Receipt) -> DeliveryState:
    """Return what is said of the batch as a whole; a doubt outweighs the rest."""
    if receipt.in_doubt:
        return DeliveryState.IN_DOUBT
    if len(batch.recipients) > len(receipt.refused) + len(receipt.unsent):
        return DeliveryState.ACCEPTED
    return DeliveryState.REFUSED if receipt.refused else DeliveryState.PLANNED


def _decide(
    connection: Connection, batch: Batch, receipt: Receipt, status: DeliveryState, now: datetime
) -> bool:
    reasons = [*receipt.in_doubt.values(), *receipt.refused.values()]
    values = {
        "of_batch": batch.id,
        "status": status.value,
        "size": len(batch.recipients) - len(receipt.refused) - len(receipt.unsent),
        "recorded_at": now,
        "provider_id": receipt.provider_id or None,
        "reason": reasons[0] if reasons else "",
    }
    return bool(connection.execute(_DECIDE, values).rowcount)


def _mark(
    connection: Connection,
    *conditions: ColumnElement[bool],
    status: DeliveryState,
    reason: str = "",
) -> int:
    return connection.execute(
        update(deliveries).where(*conditions).values(status=status.value, reason=reason)
    ).rowcount


def _mark_each(
    connection: Connection, batch: Batch, reasons: Mapping[int, str], status: DeliveryState
) -> None:
    for reason, subscriber_ids in by_reason(reasons).items():
        theirs = (
            deliveries.c.batch_id == batch.id,
            among(connection, deliveries.c.subscriber_id, subscriber_ids),
        )
        _mark(connection, *theirs, status=status, reason=reason)


def _give_back(connection: Connection, batch: Batch, subscriber_ids: Collection[int]) -> None:
    if subscriber_ids:
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.batch_id == batch.id,
                among(connection, deliveries.c.subscriber_id, subscriber_ids),
            )
            .values(status=DeliveryState.PLANNED.value, batch_id=None, reason="")
        )


def refuse(engine: Engine, batch: Batch, reasons: Mapping[int, str]) -> None:
    """Take recipients out of a batch that is about to be handed over again without them."""
    with engine.begin() as connection:
        _mark_each(connection, batch, reasons, DeliveryState.REFUSED)


def split(engine: Engine, batch: Batch, apart: Collection[int]) -> tuple[Batch, Batch]:
    """Return a batch without the subscribers `apart`, and those under an id of their own.

    Both are handed over.
    """
    rest = tuple(one for one in batch.recipients if one.subscriber_id not in apart)
    others = tuple(one for one in batch.recipients if one.subscriber_id in apart)
    with engine.begin() as connection:
        values = dict(
            connection.execute(select(batches).where(batches.c.id == batch.id)).mappings().one()
        )
        del values["id"]
        values["size"] = len(others)
        new_id = connection.execute(
            insert(batches).values(**values).returning(batches.c.id)
        ).scalar_one()
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.batch_id == batch.id,
                among(
                    connection,
                    deliveries.c.subscriber_id,
                    [person.subscriber_id for person in others],
                ),
            )
            .values(batch_id=new_id)
        )
        connection.execute(update(batches).where(batches.c.id == batch.id).values(size=len(rest)))
    return replace(batch, recipients=rest), Batch(id=new_id, recipients=others, wave=batch.wave)


def left_by(engine: Engine, issue: int, owner: str, *, but: Collection[int]) -> set[int]:
    """Return the owner's batches that are still handed over, except those it has in hand."""
    with reading(engine).begin() as connection:
        found = _handed_over(connection, issue)
    return {row.id for row in found if row.owner == owner and row.id not in but}


def settle(
    engine: Engine,
    issue: int,
    *,
    now: datetime,
    repeatable: bool,
    left: Collection[int] = (),
) -> int:
    """Settle what dead processes left handed over; return how many deliveries that were.

    `left` are batches that a living process left, too. They are in doubt, unless handing them over
    again does no harm (`repeatable`).
    """
    settled = 0
    with engine.begin() as connection:
        for row in _handed_over(connection, issue):
            if row.id in left or _dead(row, now):
                settled += _orphan(connection, row.id, now=now, repeatable=repeatable)
    return settled


def _handed_over(connection: Connection, issue: int) -> list[Row[tuple[object, ...]]]:
    query = select(batches.c.id, batches.c.owner, batches.c.handed_over_at).where(
        batches.c.issue == issue, batches.c.status == DeliveryState.HANDED_OVER.value
    )
    return list(connection.execute(query))


def _dead(row: Row[tuple[object, ...]], now: datetime) -> bool:
    running = alive(row.owner)
    if running is None:
        return bool(row.handed_over_at < now - SILENCE)
    return not running


def _orphan(connection: Connection, batch_id: int, *, now: datetime, repeatable: bool) -> int:
    taken = connection.execute(
        update(batches)
        .where(batches.c.id == batch_id, batches.c.status == DeliveryState.HANDED_OVER.value)
        .values(status=DeliveryState.IN_DOUBT.value, reason=UNANSWERED, recorded_at=now)
    ).rowcount
    if not taken:
        return 0
    theirs = (
        deliveries.c.batch_id == batch_id,
        deliveries.c.status == DeliveryState.HANDED_OVER.value,
    )
    if not repeatable:
        return _mark(connection, *theirs, status=DeliveryState.IN_DOUBT, reason=UNANSWERED)
    given_back = connection.execute(
        update(deliveries).where(*theirs).values(status=DeliveryState.PLANNED.value, batch_id=None)
    ).rowcount
    _forget(connection, batch_id)
    return given_back


def _forget(connection: Connection, batch_id: int) -> None:
    """Drop a batch that nothing was accepted of, unless refused recipients still name it."""
    named = select(deliveries.c.batch_id).where(deliveries.c.batch_id == batch_id).exists()
    connection.execute(delete(batches).where(batches.c.id == batch_id, ~named))
    connection.execute(
        update(batches)
        .where(batches.c.id == batch_id)
        .values(status=DeliveryState.REFUSED.value, size=0)
    )


def others_at_work(engine: Engine, issue: int, *, owner: str) -> bool:
    """Return whether another process, not known to be dead, waits for an answer."""
    with reading(engine).begin() as connection:
        owners = {str(row.owner) for row in _handed_over(connection, issue)} - {owner}
    return any(alive(other) is not False for other in owners)


def load_batches(
    engine: Engine, issue: int, *, after: int = 0, limit: int = 1000
) -> list[BatchRecord]:
    """Return the issue's batches past id `after`, at most `limit` of them."""
    query = (
        select(
            batches.c.id,
            batches.c.wave_id,
            waves.c.number.label("wave"),
            batches.c.status,
            batches.c.size,
            batches.c.handed_over_at,
            batches.c.recorded_at,
            batches.c.provider_id,
            batches.c.reason,
        )
        .outerjoin(waves, waves.c.id == batches.c.wave_id)
        .where(batches.c.issue == issue, batches.c.id > after)
        .order_by(batches.c.id)
        .limit(limit)
    )
    with reading(engine).begin() as connection:
        return [BatchRecord(**row) for row in connection.execute(query).mappings()]


def every_batch(engine: Engine, issue: int) -> Iterator[BatchRecord]:
    """Yield the issue's batches, a page at a time."""
    after = 0
    while found := load_batches(engine, issue, after=after):
        yield from found
        after = found[-1].id


def load_deliveries(
    engine: Engine, issue: int, *, state: DeliveryState, after: int = 0, limit: int = 1000
) -> list[DeliveryRecord]:
    """Return deliveries in `state` past subscriber `after`, at most `limit` of them."""
    query = (
        select(
            deliveries.c.subscriber_id,
            subscribers.c.email,
            deliveries.c.batch_id,
            deliveries.c.reason,
        )
        .select_from(deliveries)
        .outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(
            deliveries.c.issue == issue,
            deliveries.c.status == state.value,
            deliveries.c.subscriber_id > after,
        )
        .order_by(deliveries.c.subscriber_id)
        .limit(limit)
    )
    with reading(engine).begin() as connection:
        return [
            DeliveryRecord(
                subscriber_id=row.subscriber_id,
                email=row.email or "",
                status=state,
                batch_id=row.batch_id,
                reason=row.reason,
            )
            for row in connection.execute(query)
        ]
