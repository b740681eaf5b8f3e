"""A mail to everybody in the ledger, exactly once: claim, hand over, record, again and again.

Each batch is committed as handed over before its request leaves. So whatever stops a run, the
ledger says who surely got the mail, who surely did not, and whose delivery is in doubt; running
`deliver` again goes on from there, and resends nothing that is in doubt.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from flows.deliver.fence import Fence, Waves, settle_doubts, wave_to_fill
from flows.deliver.handover import hand_over_next
from flows.deliver.patience import Limits, Patience
from flows.deliver.sending import GO_ON, Next, Sending, Then, later
from flows.errors import Refused, Unavailable
from flows.models import Counts, Wave, WaveStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from flows.deliver.transport import Transport
    from flows.models import Batch, Mail, Receipt

__all__ = ["Counts", "Fence", "Ledger", "Limits", "Report", "deliver", "deliver_batch"]

T = TypeVar("T")

# Seconds: the longest single wait, so that a person who stops the run is heard soon, and how
# often another process's last batch is looked for.
LONGEST_NAP = 5.0
POLL = 1.0
# A wait as long as this is told of.
TOLD = 5.0


class Ledger(Waves, Protocol):
    """The deliveries of one issue, each state committed before the next step acts."""

    def plan(self) -> int:
        """Add everybody who is to get the issue; return how many are new."""

    def claim(
        self, size: int, *, now: datetime, link: Callable[[int], str], wave: Wave | None = None
    ) -> Batch | None:
        """Return the next batch, committed as handed over; None if there is nobody to claim."""

    def record(self, batch: Batch, receipt: Receipt, *, now: datetime) -> None:
        """Keep what became of a batch; doing it again changes nothing."""

    def refuse(self, batch: Batch, reasons: Mapping[int, str]) -> None:
        """Take recipients out of a batch whose request was surely not accepted."""

    def split(self, batch: Batch, apart: Collection[int]) -> tuple[Batch, Batch]:
        """Return a batch whose request was surely not accepted in two: the rest, and `apart`."""

    def reserve_bad_request(self, *, most: int) -> bool:
        """Count one more 400 of looking for bad recipients; False if they would be over `most`."""

    def release_bad_request(self) -> None:
        """Count one less: the request was answered otherwise."""

    def settle(self, *, now: datetime, repeatable: bool) -> int:
        """Return how many deliveries a dead process left in doubt (or to do, if `repeatable`)."""

    def others_at_work(self) -> bool:
        """Return whether another process is handing over, or cancelling, for this issue."""

    def stopped(self) -> bool:
        """Return whether a person stopped the issue."""

    def counts(self) -> Counts:
        """Return how many deliveries stand where."""


class Step(Protocol):
    """Runs one batch under a name; a scheduler's task is one way, a plain call another."""

    def __call__(self, name: str, step: Callable[[], T], /) -> T:
        """Return what the step returns."""


def quietly(_sentence: str) -> None:
    """Tell nobody."""


def plainly(_name: str, step: Callable[[], T]) -> T:
    """Run a step by calling it."""
    return step()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far a delivery is. `finished`: nobody is left to do, though some may be in doubt.

    `reason` says in one sentence why it ended, `next` what to type. `leaves_at` is when the
    provider lets the last of the mail go (None: none of it is held back).
    """

    counts: Counts
    finished: bool
    interrupted: bool = False
    reason: str = ""
    next: str = ""
    waves: tuple[Wave, ...] = ()
    leaves_at: datetime | None = None


def deliver(  # noqa: PLR0913 - a run's seams, each a part of its own
    mail: Mail,
    *,
    ledger: Ledger,
    transport: Transport,
    link: Callable[[int], str],
    now: Callable[[], datetime],
    wait: Callable[[float], None],
    stop: Callable[[], bool],
    progress: Callable[[Counts], None],
    say: Callable[[str], None] = quietly,
    batch_size: int = 1000,
    fence: Fence | None = None,
    step: Step = plainly,
    limits: Limits | None = None,
    jitter: Callable[[], float] = random.random,
) -> Report:
    """Hand the mail over to everybody who is to get it; return how far that got.

    `stop` is asked between batches and while waiting, `say` is told of long waits. Raises what the
    database raises.
    """
    sending = Sending(
        mail=mail,
        ledger=ledger,
        transport=transport,
        link=link,
        now=now,
        batch_size=min(batch_size, transport.limit),
        limits=limits or Limits(),
        patience=Patience(jitter=jitter),
        fence=fence,
    )
    run = _Run(sending=sending, wait=wait, stop=stop, progress=progress, say=say, step=step)
    ledger.settle(now=now(), repeatable=transport.repeatable)
    ledger.plan()
    try:
        ended = run.to_the_end()
        _settle_last_doubts(sending)
    finally:
        ledger.leave_waves()
    return _report(sending, ended, interrupted=ended.then is not Then.STOP)


def deliver_batch(sending: Sending) -> Next:
    """Do one step: hand over a batch, or first cancel a wave that is in doubt."""
    sending.keep_records()
    try:
        wave = wave_to_fill(sending, sending.fence) if sending.fence else None
    except Unavailable as error:
        return later(error)
    except Refused as error:
        return Next(then=Then.STOP, reason=str(error))
    if isinstance(wave, Next):
        return wave
    return hand_over_next(sending, wave)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The loop around the steps, with what the outside asked for."""

    sending: Sending
    wait: Callable[[float], None]
    stop: Callable[[], bool]
    progress: Callable[[Counts], None]
    say: Callable[[str], None]
    step: Step

    def to_the_end(self) -> Next:
        """Return the STOP that ended it; something else if a person interrupted it."""
        number = 0
        then = GO_ON
        self.sending.counts = self.sending.ledger.counts()
        self.progress(self.sending.counts)
        while then.then is not Then.STOP and not self.stop():
            if then.then is Then.LOOK_AROUND or not self.sending.counts.planned:
                then = self._look_around()
                continue
            number += 1
            then = self.step(f"batch {number}", partial(deliver_batch, self.sending))
            self.progress(self.sending.counts)
            if then.then is Then.WAIT:
                then = self._wait(then)
            elif self.sending.patience.pace and self.sending.counts.planned:
                self._nap(self.sending.patience.pace)
        return then

    def _look_around(self) -> Next:
        """Return what is left when there is nobody to claim."""
        sending = self.sending
        before = sending.counts
        sending.ledger.settle(now=sending.now(), repeatable=sending.transport.repeatable)
        trouble = _settle_last_doubts(sending)
        sending.counts = sending.ledger.counts()
        self.progress(sending.counts)
        if sending.ledger.stopped():
            return Next(then=Then.STOP, reason="the issue was stopped")
        if trouble.then is Then.STOP:
            return trouble
        at_work = sending.ledger.others_at_work()
        if not (sending.counts.planned or at_work or trouble.then is Then.WAIT):
            return Next(then=Then.STOP)
        if sending.counts != before:
            sending.patience.waited = 0.0
            if sending.counts.planned:
                return GO_ON
        if trouble.then is Then.WAIT:
            return self._wait(trouble)
        return self._pause(POLL, "another process is sending this issue")

    def _wait(self, then: Next) -> Next:
        seconds = self.sending.patience.wait_for(then.seconds)
        return self._pause(seconds, then.reason, rate=then.rate)

    def _pause(self, seconds: float, reason: str, *, rate: bool = False) -> Next:
        patience, limits = self.sending.patience, self.sending.limits
        longest = limits.rate_patience if rate else limits.patience
        if patience.waited + seconds > longest.total_seconds():
            minutes = round(patience.waited / 60)
            return Next(then=Then.STOP, reason=f"{reason}; gave up after waiting {minutes} minutes")
        patience.waited += seconds
        if seconds >= TOLD:
            self.say(f"{reason}; going on in {seconds:.0f} seconds")
        self._nap(seconds)
        return GO_ON

    def _nap(self, seconds: float) -> None:
        while seconds > 0 and not self.stop():
            self.wait(min(seconds, LONGEST_NAP))
            seconds -= LONGEST_NAP


def _settle_last_doubts(sending: Sending) -> Next:
    """Cancel the doubtful waves if there is a fence; return what stands in the way."""
    if sending.fence is None:
        return GO_ON
    try:
        settle_doubts(sending, sending.fence)
    except Unavailable as error:
        return later(error)
    except Refused as error:
        return Next(then=Then.STOP, reason=str(error))
    return GO_ON


def _report(sending: Sending, ended: Next, *, interrupted: bool) -> Report:
    counts = sending.ledger.counts()
    waves = tuple(sending.ledger.waves())
    held = [wave for wave in waves if wave.status is not WaveStatus.CANCELLED]
    leaving = [wave.send_at for wave in held if wave.send_at > sending.now()]
    # Nobody knows whether a wave that is being cancelled leaves, also whom it was accepted for.
    cancelling = any(wave.status is WaveStatus.CANCELLING for wave in waves)
    finished = not (counts.planned or counts.handed_over or counts.cancelled or cancelling)
    report = Report(
        counts=counts,
        finished=finished,
        interrupted=interrupted and not finished,
        reason=ended.reason,
        waves=waves,
        leaves_at=max(leaving, default=None),
    )
    return _explained(report, sending.mail.issue, stopped=sending.ledger.stopped())


def _explained(report: Report, issue: int, *, stopped: bool) -> Report:
    counts = report.counts
    if report.finished:
        doubts = f"{counts.in_doubt} deliveries are in doubt" if counts.in_doubt else ""
        help_with_doubts = f"newsletter deliveries {issue}" if doubts else ""
        return replace(report, reason=doubts, next=help_with_doubts)
    reason = "interrupted" if report.interrupted else report.reason
    # Who stopped it may be taking it back at this moment: how it stands is what they ask next.
    return replace(
        report,
        reason=f"{reason}; {counts.accepted} of {counts.intended} accepted so far",
        next=f"newsletter {'deliveries' if stopped else 'send'} {issue}",
    )
