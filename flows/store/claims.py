"""Claims: the next deliveries, committed as handed over before their request leaves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Integer, Row, Text, Update, bindparam, insert, select, update

from flows.models import Batch, DeliveryState, IssueStatus, Recipient, Wave, WaveStatus
from flows.store.records import by_reason
from flows.store.schema import batches, deliveries, issues, waves
from subscribers.database import among, among_packed, pack
from subscribers.models import SubscriberStatus
from subscribers.schema import subscribers, suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine


# subscriber id, email, name, status, until when paused, why suppressed
People = tuple[int, str, str, str, "datetime | None", str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who claims, for which issue and wave, and when."""

    issue: int
    owner: str
    now: datetime
    wave: Wave | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The rows of a claimed batch, and how many were passed over for it."""

    batch_id: int
    rows: Sequence[Row[People]]
    dropped: int
    wave: Wave | None

    @property
    def last(self) -> int:
        """The highest subscriber id."""
        return int(self.rows[-1][0])

    def batch(self, link: Callable[[int], str]) -> Batch:
        """Return the batch, each recipient with their own link."""
        recipients = tuple(
            Recipient(
                subscriber_id=subscriber_id,
                email=email,
                unsubscribe_url=link(subscriber_id),
                name=name,
            )
            for subscriber_id, email, name, *_ in self.rows
        )
        return Batch(
            id=self.batch_id, recipients=recipients, wave=self.wave, suppressed=self.dropped
        )


def claim(engine: Engine, turn: Turn, *, size: int, after: int) -> Claimed | None:
    """Claim up to `size` planned deliveries past subscriber `after`, in one transaction.

    Whoever left or was suppressed since the planning is passed over. None: there is nobody, a
    person stopped the issue, or its wave takes no more.
    """
    dropped = 0
    with engine.begin() as connection:
        if not _may_claim(connection, turn):
            return None
        while rows := _page(connection, turn.issue, size, after):
            unwanted = _unwanted(rows, turn.now)
            wanted = [row for row in rows if row[0] not in unwanted] if unwanted else rows
            dropped += _suppress(connection, turn.issue, unwanted)
            if wanted:
                batch_id = _create_batch(connection, turn, size=len(wanted))
                _hand_over(connection, turn.issue, batch_id, wanted)
                return Claimed(batch_id=batch_id, rows=wanted, dropped=dropped, wave=turn.wave)
            after = rows[-1][0]
    return None


# Made once: to build a statement anew for each batch took as long as to execute it.
_STATUS = select(issues.c.status).where(issues.c.number == bindparam("of_issue"))
_TOUCH = (
    update(waves)
    .where(waves.c.id == bindparam("of_wave"), waves.c.status == WaveStatus.OPEN.value)
    .values(touched_at=bindparam("now"))
)
# Both sides begin past the last page: PostgreSQL, which joins them in order, would read the list
# of subscribers from its beginning for every page.
_PAGE = (
    select(
        deliveries.c.subscriber_id,
        subscribers.c.email,
        subscribers.c.name,
        subscribers.c.status,
        subscribers.c.paused_until,
        suppressions.c.reason,
    )
    .select_from(deliveries)
    .outerjoin(
        subscribers,
        (subscribers.c.id == deliveries.c.subscriber_id) & (subscribers.c.id > bindparam("after")),
    )
    .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
    .where(
        deliveries.c.issue == bindparam("of_issue"),
        deliveries.c.status == DeliveryState.PLANNED.value,
        deliveries.c.subscriber_id > bindparam("after"),
    )
    .order_by(deliveries.c.subscriber_id)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(of=deliveries, skip_locked=True)
)
_CREATE = insert(batches).returning(batches.c.id)


@cache
def _handing_over(dialect: str) -> Update:
    packed = bindparam("packed", type_=Text)
    return (
        update(deliveries)
        .where(
            deliveries.c.issue == bindparam("of_issue"),
            among_packed(dialect, deliveries.c.subscriber_id, packed),
        )
        .values(status=DeliveryState.HANDED_OVER.value, batch_id=bindparam("to_batch"))
    )


def _may_claim(connection: Connection, turn: Turn) -> bool:
    status = connection.execute(_STATUS, {"of_issue": turn.issue}).scalar()
    if status == IssueStatus.STOPPED.value:
        return False
    if turn.wave is None:
        return True
    # The row stays locked until the batch is in: who cancels the wave sees all its batches.
    touched = connection.execute(_TOUCH, {"of_wave": turn.wave.id, "now": turn.now})
    return bool(touched.rowcount)


def _page(connection: Connection, issue: int, size: int, after: int) -> Sequence[Row[People]]:
    page = connection.execute(_PAGE, {"of_issue": issue, "size": size, "after": after})
    return page.all()


def _unwanted(rows: Sequence[Row[People]], now: datetime) -> dict[int, str]:
    """Return who must not get the issue after all, and why."""
    reasons = {}
    for subscriber_id, email, _name, status, paused_until, suppressed in rows:
        if email is None:
            reasons[subscriber_id] = "no longer on the list"
        elif suppressed is not None:
            reasons[subscriber_id] = f"suppressed: {suppressed}"
        elif status != SubscriberStatus.ACTIVE.value:
            reasons[subscriber_id] = status
        elif paused_until is not None and paused_until > now:
            reasons[subscriber_id] = "paused"
    return reasons


def _suppress(connection: Connection, issue: int, reasons: Mapping[int, str]) -> int:
    grouped = by_reason(reasons)
    for reason, subscriber_ids in grouped.items():
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.issue == issue,
                among(connection, deliveries.c.subscriber_id, subscriber_ids),
            )
            .values(status=DeliveryState.SUPPRESSED.value, reason=reason)
        )
    return len(reasons)


def _create_batch(connection: Connection, turn: Turn, *, size: int) -> int:
    values = {
        "issue": turn.issue,
        "wave_id": turn.wave.id if turn.wave else None,
        "status": DeliveryState.HANDED_OVER.value,
        "size": size,
        "owner": turn.owner,
        "handed_over_at": turn.now,
    }
    batch_id: int = connection.execute(_CREATE, values).scalar_one()
    return batch_id


def _hand_over(
    connection: Connection, issue: int, batch_id: int, rows: Sequence[Row[People]]
) -> None:
    packed = pack(row[0] for row in rows)
    values = {"of_issue": issue, "packed": packed, "to_batch": batch_id}
    connection.execute(_handing_over(connection.dialect.name), values)
