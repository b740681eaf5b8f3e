"""The ledger: one row per issue and subscriber, so that nobody gets an issue twice or not at all.

A row moves on in one transaction before the next step acts; what was handed over and never
answered is in doubt, and is not handed over again blindly.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, literal, select, text, update

from flows.models import Counts, DeliveryState, IssueStatus
from flows.store import records, waves
from flows.store.claims import Turn, claim
from flows.store.groups import meant
from flows.store.owner import this_process
from flows.store.schema import deliveries, issues
from subscribers.database import insert_into, reading
from subscribers.models import SubscriberStatus
from subscribers.schema import subscribers, suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from flows.models import Batch, Receipt, Wave, WaveStatus


# Which batches this process has in hand, by database: what it left by an error is not among them,
# and is settled by its next run as if the process had died. A batch is in hand before its claim
# can be seen by another thread.
_IN_HAND: dict[str, set[int]] = {}
_HANDS = threading.Lock()


class SqlLedger:
    """The ledger of one issue, in the hands of this process; it keeps its place in the list."""

    def __init__(self, engine: Engine, issue: int, *, owner: str = "") -> None:
        self._engine = engine
        self._issue = issue
        self._owner = owner or this_process()
        # Claims go on from here: what was given back comes again once all others had their turn.
        self._after = 0
        self._mine: set[int] = set()

    def plan(self) -> int:
        """Add everybody who is to get the issue; return how many are new."""
        return plan(self._engine, self._issue)

    def claim(
        self, size: int, *, now: datetime, link: Callable[[int], str], wave: Wave | None = None
    ) -> Batch | None:
        """Return the next batch, committed as handed over; None if there is nobody to claim."""
        turn = Turn(issue=self._issue, owner=self._owner, now=now, wave=wave)
        for after in dict.fromkeys((self._after, 0)):
            with _HANDS:
                claimed = claim(self._engine, turn, size=size, after=after)
                if claimed is not None:
                    self._take(claimed.batch_id)
            if claimed is not None:
                self._after = claimed.last
                return claimed.batch(link)
        return None

    def record(self, batch: Batch, receipt: Receipt, *, now: datetime) -> None:
        """Keep what became of a batch; doing it again changes nothing."""
        records.record(self._engine, batch, receipt, now=now)

    def refuse(self, batch: Batch, reasons: Mapping[int, str]) -> None:
        """Take recipients out of a batch whose request was surely not accepted."""
        records.refuse(self._engine, batch, reasons)

    def split(self, batch: Batch, apart: Collection[int]) -> tuple[Batch, Batch]:
        """Return a batch whose request was surely not accepted in two: the rest, and `apart`."""
        with _HANDS:
            both = records.split(self._engine, batch, apart)
            for one in both:
                self._take(one.id)
        return both

    def reserve_bad_request(self, *, most: int) -> bool:
        """Count one more 400 of looking for bad recipients; False if they would be over `most`."""
        return count_bad_request(self._engine, self._issue, most=most)

    def release_bad_request(self) -> None:
        """Count one less: the request was answered otherwise."""
        uncount_bad_request(self._engine, self._issue)

    def settle(self, *, now: datetime, repeatable: bool) -> int:
        """Return how many deliveries a dead process left in doubt (or to do, if `repeatable`).

        What an earlier run of this very process left by an error counts as left by a dead one.
        """
        with _HANDS:
            left = records.left_by(
                self._engine, self._issue, self._owner, but=_IN_HAND.get(self._place, set())
            )
            return records.settle(
                self._engine, self._issue, now=now, repeatable=repeatable, left=left
            )

    def others_at_work(self) -> bool:
        """Return whether another process is handing over, or cancelling, for this issue."""
        return records.others_at_work(
            self._engine, self._issue, owner=self._owner
        ) or waves.others_at_work(self._engine, self._issue, owner=self._owner)

    def others_fill(self) -> bool:
        """Return whether another process has a wave that takes more."""
        return waves.others_fill(self._engine, self._issue, owner=self._owner)

    def stopped(self) -> bool:
        """Return whether a person stopped the issue."""
        query = select(issues.c.status).where(issues.c.number == self._issue)
        with reading(self._engine).begin() as connection:
            return connection.execute(query).scalar() == IssueStatus.STOPPED.value

    def counts(self) -> Counts:
        """Return how many deliveries stand where."""
        return counts(self._engine, self._issue)

    def waves(self) -> list[Wave]:
        """Return all waves, the first first."""
        return waves.load(self._engine, self._issue)

    def take_waves(self, *, now: datetime) -> list[Wave]:
        """Return the unfinished waves that are ours, with those that a dead process left."""
        return waves.take(self._engine, self._issue, owner=self._owner, now=now)

    def open_wave(
        self, batch_id: str, *, number: int, capacity: int, send_at: datetime, now: datetime
    ) -> Wave | None:
        """Return a new wave of ours; None if another process took its number."""
        wave = waves.Opening(batch_id=batch_id, number=number, capacity=capacity, send_at=send_at)
        return waves.open_one(self._engine, self._issue, wave, owner=self._owner, now=now)

    def move_wave(self, wave: Wave, status: WaveStatus, *, because: str | None = None) -> bool:
        """Move a wave on and make it ours; False if it moved on in the meantime."""
        return waves.move(self._engine, wave, status, because=because, owner=self._owner)

    def end_wave(self, wave: Wave, *, after: DeliveryState) -> int:
        """Move a cancelled wave's deliveries to `after`; return how many they were."""
        return waves.end(self._engine, wave, after=after)

    def leave_waves(self) -> None:
        """Let others go on with our waves, and with what we could not record."""
        with _HANDS:
            _IN_HAND.get(self._place, set()).difference_update(self._mine)
            self._mine.clear()
        waves.leave(self._engine, self._issue, owner=self._owner)

    @property
    def _place(self) -> str:
        return self._engine.url.render_as_string()

    def _take(self, batch_id: int) -> None:
        self._mine.add(batch_id)
        _IN_HAND.setdefault(self._place, set()).add(batch_id)


def plan(engine: Engine, issue: int) -> int:
    """Add a row for every active, unsuppressed subscriber; return how many are new.

    An issue that is for a tag's people alone gets rows for those.
    What a person stopped is planned again; nobody is ever planned twice. An issue that was sent
    before (and is taken up for what was in doubt or taken back) gets no new readers.
    """
    people = (
        select(literal(issue), subscribers.c.id, literal(DeliveryState.PLANNED.value))
        .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
        .where(
            subscribers.c.status == SubscriberStatus.ACTIVE.value,
            suppressions.c.key.is_(None),
            meant(issue),
            ~exists().where(issues.c.number == issue, issues.c.sent_at.is_not(None)),
        )
        .order_by(subscribers.c.id)
    )
    columns = [deliveries.c.issue, deliveries.c.subscriber_id, deliveries.c.status]
    with engine.begin() as connection:
        _take_up(connection, issue)
        added = connection.execute(
            insert_into(connection, deliveries)
            .from_select(columns, people)
            .on_conflict_do_nothing(),
            execution_options={"preserve_rowcount": True},
        ).rowcount
    if engine.dialect.name == "postgresql":
        # Without fresh figures the planner takes a million new rows for a handful. Also where none
        # is new: the process that added them may have died before it came to this.
        with engine.begin() as connection:
            connection.execute(text("ANALYZE deliveries, subscribers, suppressions"))
    return added


def _take_up(connection: Connection, issue: int) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.issue == issue, deliveries.c.status == DeliveryState.CANCELLED.value)
        .values(status=DeliveryState.PLANNED.value, reason="")
    )


def count_bad_request(engine: Engine, issue: int, *, most: int) -> bool:
    """Count one more 400 of looking for bad recipients; False if they would be over `most`."""
    statement = (
        update(issues)
        .where(issues.c.number == issue, issues.c.bad_requests < most)
        .values(bad_requests=issues.c.bad_requests + 1)
    )
    with engine.begin() as connection:
        return bool(connection.execute(statement).rowcount)


def uncount_bad_request(engine: Engine, issue: int) -> None:
    """Count one 400 of looking for bad recipients less."""
    statement = (
        update(issues)
        .where(issues.c.number == issue)
        .values(bad_requests=issues.c.bad_requests - 1)
    )
    with engine.begin() as connection:
        connection.execute(statement)


def counts(engine: Engine, issue: int) -> Counts:
    """Return how many deliveries of the issue stand where."""
    # Counters side by side: by groups SQLite would sort a million states first.
    columns = [
        func.count().filter(deliveries.c.status == state.value).label(state.value)
        for state in DeliveryState
    ]
    query = select(*columns).where(deliveries.c.issue == issue)
    with reading(engine).begin() as connection:
        return Counts(**connection.execute(query).mappings().one())
