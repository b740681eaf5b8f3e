"""What one run of a delivery works with, and what it remembers from one batch to the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from flows.models import Batch, Counts, Mail, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.deliver.deliver import Ledger
    from flows.deliver.fence import Fence
    from flows.deliver.patience import Limits, Patience
    from flows.deliver.transport import Transport
    from flows.errors import Unavailable


class Then(StrEnum):
    """What comes after a step."""

    GO_ON = "go on"
    WAIT = "wait"
    LOOK_AROUND = "look around"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What comes after a step, and why; `seconds` to wait, if the provider told.

    `rate`: the provider is well, but takes no more for now.
    """

    then: Then
    reason: str = ""
    seconds: float | None = None
    rate: bool = False


GO_ON = Next(then=Then.GO_ON)
LOOK_AROUND = Next(then=Then.LOOK_AROUND)

TOO_MANY = 429


def later(error: Unavailable) -> Next:
    """Return the waiting that a "not now" asks for, as long as it told."""
    rate = error.status == TOO_MANY
    return Next(then=Then.WAIT, reason=str(error), seconds=error.retry_after, rate=rate)


@dataclass(slots=True, kw_only=True)
class Sending:
    """One run. What has to survive it is in the ledger; the rest may be forgotten."""

    mail: Mail
    ledger: Ledger
    transport: Transport
    link: Callable[[int], str]
    now: Callable[[], datetime]
    batch_size: int
    limits: Limits
    patience: Patience
    fence: Fence | None = None
    counts: Counts = field(default_factory=Counts)
    refused: int = 0
    doubts_in_a_row: int = 0
    # Waves that could not be cancelled, with the doubts they had: not asked again for the same.
    kept: dict[int, int] = field(default_factory=dict)
    # Answers that the database did not take yet: they are kept before anything else happens.
    unrecorded: list[tuple[Batch, Receipt]] = field(default_factory=list)

    def record(self, batch: Batch, receipt: Receipt) -> None:
        """Keep what became of a batch, first of all in this process."""
        self.unrecorded.append((batch, receipt))
        self.keep_records()

    def keep_records(self) -> None:
        """Bring every answer into the ledger, also those of a step that broke off."""
        while self.unrecorded:
            batch, receipt = self.unrecorded[0]
            self.ledger.record(batch, receipt, now=self.now())
            del self.unrecorded[0]
            self._count(batch, receipt)

    def give_back(self, *given: Batch) -> None:
        """Put batches that were surely not accepted back among the planned."""
        for batch in given:
            unsent = frozenset(person.subscriber_id for person in batch.recipients)
            self.unrecorded.append((batch, Receipt(unsent=unsent)))
        self.keep_records()

    def doubt(self, batch: Batch, reason: str) -> None:
        """Keep that nobody knows what became of a batch."""
        doubtful = {person.subscriber_id: reason for person in batch.recipients}
        self.record(batch, Receipt(in_doubt=doubtful))

    def refuse(self, batch: Batch, reasons: dict[int, str]) -> Batch:
        """Return the batch without those recipients."""
        self.ledger.refuse(batch, reasons)
        self.refused += len(reasons)
        self._move(handed_over=-len(reasons), refused=len(reasons))
        rest = tuple(one for one in batch.recipients if one.subscriber_id not in reasons)
        return replace(batch, recipients=rest)

    def claimed(self, batch: Batch) -> None:
        """Count a batch as handed over."""
        size = len(batch.recipients)
        self._move(planned=-size - batch.suppressed, handed_over=size, suppressed=batch.suppressed)

    def _count(self, batch: Batch, receipt: Receipt) -> None:
        refused, doubtful = len(receipt.refused), len(receipt.in_doubt)
        unsent, size = len(receipt.unsent), len(batch.recipients)
        accepted = size - refused - doubtful - unsent
        self.refused += refused
        if doubtful:
            self.doubts_in_a_row += 1
        elif accepted:
            self.doubts_in_a_row = 0
            self.patience.rewarded()
        self._move(
            handed_over=-size, accepted=accepted, refused=refused, in_doubt=doubtful, planned=unsent
        )

    def _move(self, **changes: int) -> None:
        # Counting a million rows after each batch would cost more than sending it.
        self.counts = replace(
            self.counts,
            **{name: getattr(self.counts, name) + change for name, change in changes.items()},
        )
