"""Deliveries in doubt, settled: by what SendGrid knows of them, else by an operator's word."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from flows.deliver.fence import is_curable
from flows.errors import Refused, Unavailable
from flows.models import DeliveryState, IssueStatus
from flows.pipeline.deliveries import record_of
from flows.pipeline.receipts import renew_receipt
from flows.pipeline.stores import open_store
from flows.pipeline.transports import open_sendgrid
from flows.pipeline.work import utc_now
from flows.store.feedback import OPERATOR, accept, plan_again, reader_of
from flows.store.ledger import SqlLedger
from flows.store.records import every_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import IssueRecord
    from flows.settings import Settings
    from flows.store.records import BatchRecord

# SendGrid answers six such questions a minute.
PAUSE = 10.0
PAUSES = 7
TOO_MANY = 429


class Decision(StrEnum):
    """What an operator says of a batch in doubt."""

    ACCEPTED = "accepted"
    AGAIN = "again"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Whom the settling talks to: who decides, who is told, how time passes."""

    decide: Callable[[BatchRecord], Decision]
    say: Callable[[str], None]
    wait: Callable[[float], None]
    clock: Callable[[], datetime] = utc_now


@dataclass(slots=True, kw_only=True)
class Settled:
    """How many deliveries were settled which way; `known` by SendGrid's own word.

    `curable` need nobody's word: sending on cancels them and hands them over again. `stopped`: the
    issue is, and stopping it again takes those back.
    """

    known: int = 0
    accepted: int = 0
    planned: int = 0
    curable: int = 0
    stopped: bool = False
    batches_left: list[BatchRecord] = field(default_factory=list)


def settle(settings: Settings, number: int, desk: Desk) -> Settled:
    """Settle what is in doubt of an issue, as far as anybody knows; raises NewsletterError.

    What is planned again is handed over by the next `newsletter send`.
    """
    with open_store(settings) as engine:
        repeatable = settings.sending.transport == "outbox"
        SqlLedger(engine, number).settle(now=desk.clock(), repeatable=repeatable)
        record = record_of(engine, number)
        curable = _curable(settings, engine, record, desk.clock())
        doubtful = [one for one in every_batch(engine, number) if _is_doubtful(one)]
        settled = Settled(stopped=record.status is IssueStatus.STOPPED)
        if doubtful and settings.sending.transport == "sendgrid":
            doubtful = _ask_provider(settings, engine, number, doubtful, desk, settled)
        for batch in doubtful:
            if batch.wave_id in curable:
                settled.curable += batch.size
            else:
                _decide(engine, batch, desk, settled)
        renew_receipt(settings, engine, number)
        return settled


def _curable(
    settings: Settings, engine: Engine, record: IssueRecord, now: datetime
) -> set[int | None]:
    """Return the waves whose doubts sending on settles for certain: no word is asked for these."""
    sending = record.status in (IssueStatus.SENDING, IssueStatus.STOPPED)
    if not sending or settings.sending.transport != "sendgrid":
        return set()
    found = SqlLedger(engine, record.number).waves()
    return {wave.id for wave in found if is_curable(wave, now)}


def _is_doubtful(batch: BatchRecord) -> bool:
    return batch.status == DeliveryState.IN_DOUBT.value


def _ask_provider(
    settings: Settings,
    engine: Engine,
    number: int,
    doubtful: Iterable[BatchRecord],
    desk: Desk,
    settled: Settled,
) -> list[BatchRecord]:
    """Return the batches that SendGrid knows nothing of, or cannot be asked about."""
    settings.require_sendable()
    provider = open_sendgrid(settings, clock=desk.clock)
    asking = True
    left = []
    for batch in doubtful:
        try:
            email = reader_of(engine, batch.id) if asking else None
            known = email is not None and _knows(
                partial(provider.knows, number, batch.id, email=email), desk
            )
        except (Unavailable, Refused) as error:
            desk.say(f"SendGrid's activity cannot be asked: {error}")
            asking = known = False
        if known:
            settled.known += accept(engine, batch.id, now=desk.clock())
        else:
            left.append(batch)
    return left


def _knows(ask: Callable[[], bool], desk: Desk) -> bool:
    for _ in range(PAUSES):
        try:
            return ask()
        except Unavailable as error:
            if error.status != TOO_MANY:
                raise
            desk.wait(error.retry_after or PAUSE)
    return ask()


def _decide(engine: Engine, batch: BatchRecord, desk: Desk, settled: Settled) -> None:
    match desk.decide(batch):
        case Decision.ACCEPTED:
            settled.accepted += accept(engine, batch.id, now=desk.clock(), reason=OPERATOR)
        case Decision.AGAIN:
            settled.planned += plan_again(engine, batch.id, now=desk.clock())
        case Decision.LATER:
            settled.batches_left.append(batch)
