"""Issues: whose slot they are for, where they stand, what was approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError

from flows.errors import IssueState
from flows.models import DeliveryState, IssueRecord, IssueStatus
from flows.store.schema import deliveries, issues
from subscribers.database import insert_into, reading

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine, RowMapping

OPEN = (IssueStatus.DRAFT, IssueStatus.APPROVED, IssueStatus.SENDING, IssueStatus.STOPPED)

# Two machines may compute the same next number; the loser of that race counts again.
ATTEMPTS = 5


def claim(engine: Engine, slot: datetime | None, *, at_least: int = 1) -> IssueRecord:
    """Return the issue of `slot`, made now unless it stands already; None makes an additional one.

    A new issue gets the next number, but at least `at_least`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _claim_once(engine, slot, at_least)
        except IntegrityError:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _claim_once(engine: Engine, slot: datetime | None, at_least: int) -> IssueRecord:
    with engine.begin() as connection:
        if slot is not None and (record := _one(connection, issues.c.slot == slot)):
            return record
        newest = connection.execute(select(func.max(issues.c.number))).scalar() or 0
        number = max(newest + 1, at_least)
        connection.execute(
            insert_into(connection, issues).values(
                number=number, slot=slot, status=IssueStatus.DRAFT.value
            )
        )
        return IssueRecord(number=number, slot=slot, status=IssueStatus.DRAFT)


def find(engine: Engine, number: int) -> IssueRecord | None:
    """Return the issue with this number, None if there is none."""
    with reading(engine).begin() as connection:
        return _one(connection, issues.c.number == number)


def find_slot(engine: Engine, slot: datetime) -> IssueRecord | None:
    """Return the issue of this slot, None if nobody claimed it."""
    with reading(engine).begin() as connection:
        return _one(connection, issues.c.slot == slot)


def find_covering(engine: Engine, moment: datetime) -> IssueRecord | None:
    """Return the newest issue whose window a moment lies in, None if there is none."""
    with reading(engine).begin() as connection:
        return _one(connection, (issues.c.window_start < moment) & (issues.c.cutoff >= moment))


def newest_open(engine: Engine) -> IssueRecord | None:
    """Return the newest issue that is not sent, None if there is none."""
    with reading(engine).begin() as connection:
        return _one(connection, issues.c.status.in_([status.value for status in OPEN]))


def open_ones(engine: Engine) -> list[IssueRecord]:
    """Return the issues that are not sent, the newest first."""
    query = (
        select(issues)
        .where(issues.c.status.in_([status.value for status in OPEN]))
        .order_by(issues.c.number.desc())
    )
    with reading(engine).begin() as connection:
        return [_record(row) for row in connection.execute(query).mappings()]


def last_sent(engine: Engine) -> IssueRecord | None:
    """Return the newest sent issue, None before the first."""
    with reading(engine).begin() as connection:
        return _one(connection, issues.c.status == IssueStatus.SENT.value)


def next_number(engine: Engine) -> int:
    """Return the number that a new issue would get."""
    with reading(engine).begin() as connection:
        return (connection.execute(select(func.max(issues.c.number))).scalar() or 0) + 1


def record_draft(
    engine: Engine, number: int, *, subject: str, window_start: datetime, cutoff: datetime
) -> None:
    """Keep what the draft covers: the next issue's window starts at this one's `cutoff`."""
    with engine.begin() as connection:
        connection.execute(
            update(issues)
            .where(issues.c.number == number, issues.c.cutoff.is_(None))
            .values(subject=subject, window_start=window_start, cutoff=cutoff)
        )


def approve(engine: Engine, number: int, *, digest: str, now: datetime, because: str = "") -> None:
    """Approve the rendered mail with this digest; raises IssueState if it is past that."""
    approvable = (IssueStatus.DRAFT, IssueStatus.APPROVED)
    with engine.begin() as connection:
        changed = connection.execute(
            update(issues)
            .where(issues.c.number == number, issues.c.status.in_([s.value for s in approvable]))
            .values(
                status=IssueStatus.APPROVED.value,
                approved_hash=digest,
                approved_at=now,
                because=because or None,
            )
        ).rowcount
    if not changed:
        raise IssueState(f"issue {number}: it is being sent or was sent; nothing was approved")


def advance(
    engine: Engine,
    number: int,
    *,
    before: Collection[IssueStatus],
    after: IssueStatus,
    sent_at: datetime | None = None,
) -> bool:
    """Move the issue on if it stands at one of `before`; False if it does not."""
    values: dict[str, object] = {"status": after.value}
    if sent_at is not None:
        values["sent_at"] = sent_at
    with engine.begin() as connection:
        return bool(
            connection.execute(
                update(issues)
                .where(issues.c.number == number, issues.c.status.in_([s.value for s in before]))
                .values(**values)
            ).rowcount
        )


def start_sending(
    engine: Engine, number: int, *, subject: str, digest: str, send_at: datetime | None = None
) -> bool:
    """Move an approved issue to `sending` if `digest` is what was approved; False if not.

    Readers get it not before `send_at`, whoever goes on with it.
    """
    with engine.begin() as connection:
        return bool(
            connection.execute(
                update(issues)
                .where(
                    issues.c.number == number,
                    issues.c.status == IssueStatus.APPROVED.value,
                    issues.c.approved_hash == digest,
                )
                .values(status=IssueStatus.SENDING.value, subject=subject, send_at=send_at)
            ).rowcount
        )


def go_on_sending(
    engine: Engine, number: int, *, before: IssueStatus, send_at: datetime | None
) -> bool:
    """Move an issue that stands at `before` on to `sending`, for another time; False if not."""
    with engine.begin() as connection:
        return bool(
            connection.execute(
                update(issues)
                .where(issues.c.number == number, issues.c.status == before.value)
                .values(status=IssueStatus.SENDING.value, send_at=send_at)
            ).rowcount
        )


def reopen(engine: Engine, number: int) -> bool:
    """Make a stopped issue a draft again; False if anything of it went out or may have."""
    out = (DeliveryState.HANDED_OVER, DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT)
    went_out = exists().where(
        deliveries.c.issue == number, deliveries.c.status.in_([state.value for state in out])
    )
    with engine.begin() as connection:
        return bool(
            connection.execute(
                update(issues)
                .where(
                    issues.c.number == number,
                    issues.c.status == IssueStatus.STOPPED.value,
                    ~went_out,
                )
                .values(
                    status=IssueStatus.DRAFT.value,
                    approved_hash=None,
                    because=None,
                    send_at=None,
                    sent_at=None,
                )
            ).rowcount
        )


def release(engine: Engine, number: int) -> bool:
    """Give up an issue that nothing was handed over for; its slot and number are free again."""
    sent_something = exists().where(deliveries.c.issue == number)
    with engine.begin() as connection:
        return bool(
            connection.execute(
                delete(issues).where(
                    issues.c.number == number,
                    issues.c.status == IssueStatus.DRAFT.value,
                    ~sent_something,
                )
            ).rowcount
        )


def _one(connection: Connection, condition: ColumnElement[bool]) -> IssueRecord | None:
    query = select(issues).where(condition).order_by(issues.c.number.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return _record(row) if row else None


def _record(values: RowMapping) -> IssueRecord:
    return IssueRecord(
        number=values["number"],
        slot=values["slot"],
        status=IssueStatus(values["status"]),
        subject=values["subject"],
        window_start=values["window_start"],
        cutoff=values["cutoff"],
        approved_hash=values["approved_hash"],
        because=values["because"] or "",
        send_at=values["send_at"],
        sent_at=values["sent_at"],
        only=values["only_tag"],
    )
