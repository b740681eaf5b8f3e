"""Waves: batches that a provider can be told to drop together, and which process is at which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, exists, func, insert, select, update

from flows.models import KEPT, DeliveryState, Wave, WaveStatus
from flows.store.owner import alive
from flows.store.records import SILENCE
from flows.store.schema import batches, deliveries, issues, waves
from subscribers.database import reading

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine, Row

UNFINISHED = (WaveStatus.OPEN.value, WaveStatus.CANCELLING.value)

# Deliveries that a cancelled wave takes back; refused and suppressed ones were never in it.
TAKEN_BACK = (
    DeliveryState.HANDED_OVER.value,
    DeliveryState.ACCEPTED.value,
    DeliveryState.IN_DOUBT.value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a new wave is to be."""

    batch_id: str
    number: int
    capacity: int
    send_at: datetime


def load(engine: Engine, issue: int) -> list[Wave]:
    """Return the issue's waves, the first first."""
    with reading(engine).begin() as connection:
        return [_wave(row) for row in _rows(connection, issue)]


# Made once, for it is asked before each batch; by the issue, as batches are indexed: the past has
# many.
_THEIRS = (
    select(
        batches.c.wave_id,
        func.count().label("batches"),
        func.count(case((batches.c.status == DeliveryState.IN_DOUBT.value, 1))).label("in_doubt"),
    )
    .where(batches.c.issue == bindparam("of_issue"))
    .group_by(batches.c.wave_id)
    .subquery()
)
_ROWS = (
    select(
        waves,
        func.coalesce(_THEIRS.c.batches, 0).label("batches"),
        func.coalesce(_THEIRS.c.in_doubt, 0).label("in_doubt"),
    )
    .outerjoin(_THEIRS, _THEIRS.c.wave_id == waves.c.id)
    .where(waves.c.issue == bindparam("of_issue"))
    .order_by(waves.c.number)
)


def _rows(connection: Connection, issue: int) -> list[Row[tuple[object, ...]]]:
    return list(connection.execute(_ROWS, {"of_issue": issue}))


def _wave(row: Row[tuple[object, ...]]) -> Wave:
    return Wave(
        id=row.id,
        number=row.number,
        batch_id=row.batch_id,
        send_at=row.send_at,
        status=WaveStatus(row.status),
        capacity=row.capacity,
        batches=row.batches,
        in_doubt=row.in_doubt,
        owner=row.owner,
        because=row.because,
    )


def take(engine: Engine, issue: int, *, owner: str, now: datetime) -> list[Wave]:
    """Return the unfinished waves of `owner`, with those that nobody is at any more.

    A closed wave is unfinished again when a dead process turns out to have left a doubt in it.
    """
    with engine.begin() as connection:
        rows = [row for row in _rows(connection, issue) if _unfinished(row)]
        left = [row for row in rows if row.owner != owner and _left(row, now)]
        for row in left:
            connection.execute(
                update(waves)
                .where(waves.c.id == row.id, waves.c.owner == row.owner)
                .values(owner=owner, touched_at=now)
            )
        if left:
            rows = [row for row in _rows(connection, issue) if _unfinished(row)]
        return [_wave(row) for row in rows if row.owner == owner]


def _unfinished(row: Row[tuple[object, ...]]) -> bool:
    doubtful = row.status == WaveStatus.CLOSED.value and row.in_doubt > 0
    return row.status in UNFINISHED or doubtful


def _left(row: Row[tuple[object, ...]], now: datetime) -> bool:
    if not row.owner:
        return True
    running = alive(row.owner)
    if running is None:
        return bool(row.touched_at < now - SILENCE)
    return not running


def others_at_work(engine: Engine, issue: int, *, owner: str) -> bool:
    """Return whether another process, not known to be dead, cancels a wave or is about to."""
    doubtful = exists().where(
        batches.c.issue == waves.c.issue,
        batches.c.wave_id == waves.c.id,
        batches.c.status == DeliveryState.IN_DOUBT.value,
    )
    about_to = (
        waves.c.status.in_((WaveStatus.OPEN.value, WaveStatus.CLOSED.value))
        & (waves.c.because != KEPT)
        & doubtful
    )
    return _others(engine, issue, owner, (waves.c.status == WaveStatus.CANCELLING.value) | about_to)


def others_fill(engine: Engine, issue: int, *, owner: str) -> bool:
    """Return whether another process, not known to be dead, has an open wave."""
    return _others(engine, issue, owner, waves.c.status == WaveStatus.OPEN.value)


def _others(engine: Engine, issue: int, owner: str, condition: ColumnElement[bool]) -> bool:
    query = select(waves.c.owner).where(
        waves.c.issue == issue, condition, waves.c.owner.not_in(("", owner))
    )
    with reading(engine).begin() as connection:
        owners = set(connection.execute(query).scalars())
    return any(alive(other) is not False for other in owners)


def open_one(
    engine: Engine, issue: int, opening: Opening, *, owner: str, now: datetime
) -> Wave | None:
    """Return the new wave; None if another process took its number."""
    with engine.begin() as connection:
        # The issue's row is the lock: numbers are given one at a time.
        lock = (
            select(issues.c.number).where(issues.c.number == issue).with_for_update(key_share=True)
        )
        connection.execute(lock)
        highest = select(func.max(waves.c.number)).where(waves.c.issue == issue)
        if (connection.execute(highest).scalar() or 0) + 1 != opening.number:
            return None
        wave_id = connection.execute(
            insert(waves)
            .values(
                issue=issue,
                number=opening.number,
                batch_id=opening.batch_id,
                send_at=opening.send_at,
                status=WaveStatus.OPEN.value,
                capacity=opening.capacity,
                owner=owner,
                touched_at=now,
            )
            .returning(waves.c.id)
        ).scalar_one()
        return Wave(
            id=wave_id,
            number=opening.number,
            batch_id=opening.batch_id,
            send_at=opening.send_at,
            capacity=opening.capacity,
            owner=owner,
        )


def move(
    engine: Engine, wave: Wave, status: WaveStatus, *, because: str | None, owner: str
) -> bool:
    """Move a wave on from the status it was read with; False if it moved on meanwhile.

    Why it stands so is left as it is by now if `because` is None.
    """
    why = {} if because is None else {"because": because}
    with engine.begin() as connection:
        return bool(
            connection.execute(
                update(waves)
                .where(waves.c.id == wave.id, waves.c.status == wave.status.value)
                .values(status=status.value, owner=owner, **why)
            ).rowcount
        )


def end(engine: Engine, wave: Wave, *, after: DeliveryState) -> int:
    """Close a wave that the provider has dropped: its deliveries are in none and become `after`.

    Wherever it stands by now: a second process that was told no may have moved it on.
    """
    theirs = select(batches.c.id).where(batches.c.wave_id == wave.id)
    with engine.begin() as connection:
        moved = connection.execute(
            update(waves)
            .where(waves.c.id == wave.id, waves.c.status != WaveStatus.CANCELLED.value)
            .values(status=WaveStatus.CANCELLED.value, because=wave.because, owner="")
        ).rowcount
        if not moved:
            return 0
        # Batches before deliveries, as everywhere: two processes must not wait for each other.
        connection.execute(
            update(batches)
            .where(batches.c.wave_id == wave.id)
            .values(status=DeliveryState.CANCELLED.value)
        )
        return connection.execute(
            update(deliveries)
            .where(deliveries.c.batch_id.in_(theirs), deliveries.c.status.in_(TAKEN_BACK))
            .values(status=after.value, batch_id=None, reason="")
        ).rowcount


def leave(engine: Engine, issue: int, *, owner: str) -> None:
    """Give the owner's waves to whoever comes next."""
    with engine.begin() as connection:
        connection.execute(
            update(waves).where(waves.c.issue == issue, waves.c.owner == owner).values(owner="")
        )
