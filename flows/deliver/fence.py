"""The fence: mail that is in doubt is cancelled before it leaves, and handed over once more.

A wave's requests carry one batch_id and a `send_at` that lies at least the fence's length after
the last of them. While there is notice enough, SendGrid can be told to drop all of it: then the
wave's people are planned again, and a copy of the doubtful request that arrives late is dropped
too. SendGrid keeps only ten cancelled batches, so an issue has few waves: five may be cancelled
for a doubt, and as many to undo the issue.

All waves of an issue get the same `send_at` as long as that leaves them time enough, so that
readers get it together: now + the fence + room for handing over everybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from flows.deliver.sending import GO_ON, Next, Sending, Then
from flows.errors import Refused, Unavailable
from flows.models import DOUBT, KEPT, UNDO, DeliveryState, Wave, WaveStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flows.deliver.deliver import Ledger

LENGTH = timedelta(minutes=20)
WAVES = 5
CANCELS = 5

# SendGrid promises nothing for a cancellation less than ten minutes ahead; one minute is ours,
# for the request itself.
NOTICE = timedelta(minutes=11)

# How long handing over is given: at least this, and so much for each batch; and what is kept free
# before a wave's time.
LEAST_ROOM = timedelta(minutes=5)
ROOM_A_BATCH = timedelta(seconds=2)
SPARE = timedelta(minutes=1)


class Provider(Protocol):
    """Holds mail back until it is due, and can be told to drop it."""

    def open_batch(self) -> str:
        """Return a new batch_id; raises Unavailable, Refused."""

    def cancel(self, batch_id: str) -> bool:
        """Return whether its mail is surely dropped; raises Unavailable, Refused."""

    def cancelled(self, batch_id: str) -> bool:
        """Return whether it was told so before; raises Unavailable, Refused."""


class Waves(Protocol):
    """The waves of one issue, as the ledger keeps them."""

    def waves(self) -> list[Wave]:
        """Return all waves, the first first."""

    def take_waves(self, *, now: datetime) -> list[Wave]:
        """Return the unfinished waves that are ours, with those that a dead process left."""

    def open_wave(
        self, batch_id: str, *, number: int, capacity: int, send_at: datetime, now: datetime
    ) -> Wave | None:
        """Return a new wave of ours; None if another process took its number."""

    def move_wave(self, wave: Wave, status: WaveStatus, *, because: str | None = None) -> bool:
        """Move a wave on and make it ours; False if it moved on in the meantime."""

    def end_wave(self, wave: Wave, *, after: DeliveryState) -> int:
        """Move a cancelled wave's deliveries to `after`; return how many they were."""

    def others_fill(self) -> bool:
        """Return whether another process has a wave that takes more."""

    def leave_waves(self) -> None:
        """Let other processes go on with our waves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Who holds the mail back and for how long; readers get it not before `not_before`.

    `at_once`: nothing more is held back, but what an earlier run held back and is in doubt is
    still cancelled and handed over again.
    """

    provider: Provider
    lasts: timedelta = LENGTH
    not_before: datetime | None = None
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo achieved: deliveries caught, those that had left, and why."""

    caught: int = 0
    missed: int = 0
    waves: int = 0
    reason: str = ""


def wave_to_fill(sending: Sending, fence: Fence) -> Wave | Next | None:
    """Return the wave that the next batch goes to (None: it leaves at once), or what to do first.

    Doubts are settled before anything else is handed over. Raises Unavailable, Refused.
    """
    usable = None
    for wave in sending.ledger.take_waves(now=sending.now()):
        if _is_to_be_cancelled(sending, wave):
            return _cancel(sending, fence, wave)
        if _takes_more(wave, fence, sending.now()):
            usable = usable or wave
        elif wave.status is WaveStatus.OPEN:
            sending.ledger.move_wave(wave, WaveStatus.CLOSED)
    if fence.at_once:
        return None
    return usable or _open(sending, fence)


def settle_doubts(sending: Sending, fence: Fence) -> None:
    """Cancel what can be cancelled of our doubtful waves; raises Unavailable, Refused."""
    for wave in sending.ledger.take_waves(now=sending.now()):
        if _is_to_be_cancelled(sending, wave):
            _cancel(sending, fence, wave)


def _is_to_be_cancelled(sending: Sending, wave: Wave) -> bool:
    if wave.status is WaveStatus.CANCELLING:
        return True
    if wave.in_doubt <= sending.kept.get(wave.id, 0):
        return False
    used = sum(one.because == DOUBT for one in sending.ledger.waves())
    if used < CANCELS and in_time(wave, sending.now()):
        return True
    _keep(sending, wave, wave.status)
    return False


def _keep(sending: Sending, wave: Wave, status: WaveStatus) -> None:
    """Leave a wave's doubts as they are, and let the other processes know that they stay."""
    sending.kept[wave.id] = wave.in_doubt
    sending.ledger.move_wave(wave, status, because=KEPT)


def in_time(wave: Wave, now: datetime) -> bool:
    """Return whether a cancellation would still be heeded for sure."""
    return now <= wave.send_at - NOTICE


def is_curable(wave: Wave, now: datetime) -> bool:
    """Return whether sending on would still settle the wave's doubts for certain."""
    if wave.status is WaveStatus.CANCELLING:
        return True
    return wave.status is not WaveStatus.CANCELLED and wave.because != KEPT and in_time(wave, now)


def has_left(wave: Wave, now: datetime) -> bool:
    """Return whether a request might arrive when the wave holds nothing back any more."""
    return now > wave.send_at - SPARE


def _takes_more(wave: Wave, fence: Fence, now: datetime) -> bool:
    has_room = wave.status is WaveStatus.OPEN and wave.batches < wave.capacity
    return has_room and now <= wave.send_at - fence.lasts


def _cancel(sending: Sending, fence: Fence, wave: Wave) -> Next:
    """Cancel a wave and plan its people again; if that is refused, its doubts stay."""
    wave = _being_cancelled(sending.ledger, wave, DOUBT)
    if _is_dropped(fence.provider, wave, sending.now()):
        sending.ledger.end_wave(wave, after=DeliveryState.PLANNED)
    else:
        _keep(sending, wave, WaveStatus.OPEN)
    sending.counts = sending.ledger.counts()
    return GO_ON


def _being_cancelled(ledger: Waves, wave: Wave, because: str) -> Wave:
    """Commit that a wave is being cancelled before asking: whoever resumes asks again."""
    while wave.status in (WaveStatus.OPEN, WaveStatus.CLOSED):
        ledger.move_wave(wave, WaveStatus.CANCELLING, because=because)
        wave = next(one for one in ledger.waves() if one.id == wave.id)
    return wave


def _is_dropped(provider: Provider, wave: Wave, now: datetime) -> bool:
    if in_time(wave, now):
        return provider.cancel(wave.batch_id)
    # Too late to ask, but an earlier request of ours may have been heeded.
    return provider.cancelled(wave.batch_id)


def _open(sending: Sending, fence: Fence) -> Wave | Next:
    now = sending.now()
    waves = sending.ledger.waves()
    # The others' claims are in the ledger only.
    sending.counts = sending.ledger.counts()
    remaining = math.ceil(sending.counts.planned / sending.batch_size)
    if not remaining:
        return Next(then=Then.LOOK_AROUND)
    live = [wave for wave in waves if _needs_a_cancel(wave, now)]
    if len(live) >= WAVES and sending.ledger.others_fill():
        # Their waves have room for what is left.
        return Next(then=Then.LOOK_AROUND)
    capacity = math.ceil(remaining / max(1, WAVES - len(live)))
    opened = sending.ledger.open_wave(
        fence.provider.open_batch(),
        number=len(waves) + 1,
        capacity=capacity,
        send_at=_common(fence, live, capacity, now) or _send_at(fence, remaining, now),
        now=now,
    )
    return opened or GO_ON


def _needs_a_cancel(wave: Wave, now: datetime) -> bool:
    """Return whether undoing the issue would take a cancellation for this wave."""
    return wave.status is not WaveStatus.CANCELLED and wave.send_at > now


def _common(fence: Fence, live: Sequence[Wave], batches: int, now: datetime) -> datetime | None:
    """Return the live waves' time if it leaves room for these batches too."""
    common = max((wave.send_at for wave in live), default=None)
    if common is None or now + SPARE + batches * ROOM_A_BATCH > common - fence.lasts:
        return None
    return common


def _send_at(fence: Fence, batches: int, now: datetime) -> datetime:
    room = max(LEAST_ROOM, batches * ROOM_A_BATCH)
    moment = max(now + fence.lasts + room, fence.not_before or now)
    # SendGrid counts whole seconds.
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)


def undo(ledger: Ledger, provider: Provider, *, now: Callable[[], datetime]) -> Undone:
    """Cancel every wave that has not left; return what was and was not caught.

    The issue must be `stopped` before, so that nobody hands over any more. Doing it again asks
    again for what was not caught, and what became of a request that had no answer.
    """
    caught = waves = 0
    reasons: list[str] = []
    for wave in ledger.waves():
        if not (_needs_a_cancel(wave, now()) or wave.status is WaveStatus.CANCELLING):
            continue
        try:
            taken_back = _undo_one(ledger, provider, wave, now())
        except (Unavailable, Refused) as error:
            reasons.append(str(error))
            continue
        caught += taken_back
        waves += 1 if taken_back else 0
    counts = ledger.counts()
    missed = counts.accepted + counts.in_doubt + counts.handed_over
    return Undone(
        caught=caught, missed=missed, waves=waves, reason="; ".join(dict.fromkeys(reasons))
    )


def _undo_one(ledger: Waves, provider: Provider, wave: Wave, now: datetime) -> int:
    """Return how many deliveries were caught."""
    wave = _being_cancelled(ledger, wave, UNDO)
    if _is_dropped(provider, wave, now):
        return ledger.end_wave(wave, after=DeliveryState.CANCELLED)
    ledger.move_wave(wave, WaveStatus.CLOSED, because="")
    return 0
