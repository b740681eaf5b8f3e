"""After the hand-over began: how the deliveries stand, and taking back what has not left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.deliver.fence import undo
from flows.errors import IssueState, NewsletterError
from flows.models import DeliveryState, IssueStatus
from flows.pipeline.stores import open_store
from flows.pipeline.transports import open_sendgrid
from flows.pipeline.work import utc_now
from flows.store import issues
from flows.store.ledger import SqlLedger
from flows.store.records import every_batch, load_deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.deliver.fence import Undone
    from flows.models import Counts, IssueRecord, Wave
    from flows.settings import Settings
    from flows.store.records import BatchRecord, DeliveryRecord

# What a person has to look at, one by one.
TROUBLED = (DeliveryState.REFUSED, DeliveryState.IN_DOUBT)
PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an issue's deliveries stand: the sums, the waves, the batches, and who is in trouble."""

    record: IssueRecord
    counts: Counts
    waves: tuple[Wave, ...]
    batches: tuple[BatchRecord, ...]
    troubled: tuple[DeliveryRecord, ...]


def standing(settings: Settings, number: int) -> Standing:
    """Return how the deliveries of an issue stand; raises NewsletterError if there is none."""
    with open_store(settings) as engine:
        ledger = SqlLedger(engine, number)
        return Standing(
            record=record_of(engine, number),
            counts=ledger.counts(),
            waves=tuple(ledger.waves()),
            batches=tuple(every_batch(engine, number)),
            troubled=tuple(_troubled(engine, number)),
        )


def stop(settings: Settings, number: int) -> Undone:
    """Stop an issue and take back what has not left; the counts say what was and was not caught.

    Raises IssueState if it is not being sent or was never handed over.
    """
    # A missing key is told before the issue is touched.
    settings.require_sendable()
    with open_store(settings) as engine:
        record = record_of(engine, number)
        stoppable = (IssueStatus.SENDING, IssueStatus.SENT, IssueStatus.STOPPED)
        if record.status not in stoppable:
            raise IssueState(f"issue {number}: nothing of it was handed over; nothing to stop")
        ledger = SqlLedger(engine, number)
        now = utc_now()
        if record.status is IssueStatus.SENT and not _waiting(ledger.waves(), now):
            raise IssueState(f"issue {number}: all of it has left; nothing can be taken back")
        issues.advance(engine, number, before=stoppable, after=IssueStatus.STOPPED)
        return undo(ledger, open_sendgrid(settings, clock=utc_now), now=utc_now)


def _waiting(waves: list[Wave], now: datetime) -> bool:
    return any(wave.send_at > now for wave in waves)


def record_of(engine: Engine, number: int) -> IssueRecord:
    """Return what is known of the issue; raises NewsletterError if there is none."""
    record = issues.find(engine, number)
    if record is None:
        raise NewsletterError(f"issue {number}: there is none")
    return record


def _troubled(engine: Engine, number: int) -> Iterator[DeliveryRecord]:
    for state in TROUBLED:
        after = 0
        while found := load_deliveries(engine, number, state=state, after=after, limit=PAGE):
            yield from found
            after = found[-1].subscriber_id
