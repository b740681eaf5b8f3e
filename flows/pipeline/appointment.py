"""An issue that is to be sent at a time of its editor's: by the provider, or by waiting here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flows.errors import IssueState
from flows.models import Outcome, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from flows.models import IssueRecord
    from flows.pipeline.options import RunOptions
    from flows.pipeline.work import Work
    from flows.settings import Settings

# SendGrid keeps mail no longer (Mail Send API, send_at).
LONGEST_KEPT = timedelta(hours=72)
# Ctrl-C is heeded this soon.
LOOK_EVERY = 1.0


def provider_waits(settings: Settings, options: RunOptions) -> bool:
    """Return whether the provider keeps the mail until its time, so that we need not wait."""
    sending = settings.sending
    fenced = sending.transport == "sendgrid" and sending.fence
    return fenced and not options.at_once and not options.only


def await_time(work: Work, record: IssueRecord, options: RunOptions) -> Verdict | None:
    """Return None when the issue may be handed over, or why it was not.

    Raises IssueState if its time is further away than the provider keeps mail.
    """
    moment = options.at
    if moment is None:
        return None
    if provider_waits(work.settings, options):
        if moment - work.clock() > LONGEST_KEPT:
            raise IssueState(
                f"issue {record.number}: SendGrid keeps mail for 72 hours at most; say this again "
                f"after {_told(moment - LONGEST_KEPT)}"
            )
        return None
    if moment > work.clock():
        work.observer.say(
            f"Issue {record.number} is sent at {_told(moment)}, as its file says then. Waiting; "
            "Ctrl-C ends this, and nothing is sent."
        )
    return _wait(work, record, moment)


def _wait(work: Work, record: IssueRecord, moment: datetime) -> Verdict | None:
    while (now := work.clock()) < moment:
        if work.observer.stopping():
            reason = f"issue {record.number} was not sent: the wait for {_told(moment)} was ended"
            return _held(record, reason)
        work.wait(min(LOOK_EVERY, (moment - now).total_seconds()))
    if now > moment + work.settings.schedule.grace:
        # The machine slept through it.
        reason = f"its time, {_told(moment)}, is over by more than the grace"
        return _held(record, reason)
    return None


def _held(record: IssueRecord, reason: str) -> Verdict:
    return Verdict(
        verdict=Outcome.HELD,
        issue=record.number,
        slot=record.slot,
        reason=reason,
        next=f"newsletter send {record.number}",
    )


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
