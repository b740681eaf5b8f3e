"""An approved mail to inboxes: the probe, the transport, the hand-over, and how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from flows.deliver.deliver import deliver
from flows.deliver.fence import Fence
from flows.deliver.sendgrid import SendGrid
from flows.errors import NewsletterError
from flows.models import Counts, IssueStatus, Outcome, Verdict
from flows.pipeline.drafting import files_of, read_issue
from flows.pipeline.files import thaw
from flows.pipeline.ran import remember_issue
from flows.pipeline.transports import open_transport
from flows.store import issues
from flows.store.ledger import SqlLedger, counts
from subscribers import store as people
from subscribers.tokens import Purpose, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from flows.deliver.deliver import Report
    from flows.deliver.transport import Transport
    from flows.models import IssueRecord, Mail
    from flows.pipeline.options import RunOptions
    from flows.pipeline.work import Work
    from flows.settings import Settings
    from subscribers.tokens import Keys

PROBE_TIMEOUT = 10.0


def start(work: Work, number: int, options: RunOptions) -> Verdict | None:
    """Move an approved (or stopped) issue to `sending`; a verdict says what stands against it.

    To be called while preparing: a second run then finds the issue being sent and shares the work.
    """
    record = _record(work, number)
    if record.status is IssueStatus.SENT:
        return already_sent(work.engine, record)
    refusal = _obstacle(work, record, options)
    if refusal is not None:
        return refusal
    _begin(work, record, _approved_mail(work, record))
    return None


def send_issue(work: Work, number: int, options: RunOptions) -> Verdict:
    """Hand the approved mail over to everybody who has not got it; the verdict says how it ended.

    Two processes may do this at once: they share the work. Raises IssueError if the mail that
    was approved is gone.
    """
    record = _record(work, number)
    if record.status is IssueStatus.SENT:
        return already_sent(work.engine, record)
    settings = work.settings
    with open_transport(settings, number, clock=work.clock) as transport:
        report = deliver(
            _approved_mail(work, record),
            ledger=SqlLedger(work.engine, number),
            transport=transport,
            link=unsubscribe_link(settings, settings.keys(), number),
            now=work.clock,
            wait=work.wait,
            stop=work.observer.stopping,
            progress=work.observer.sent,
            batch_size=settings.sending.batch_size,
            fence=_fence(settings, transport, record, options),
            step=work.step,
        )
    return _concluded(work, record, report)


def _record(work: Work, number: int) -> IssueRecord:
    record = issues.find(work.engine, number)
    if record is None:
        raise NewsletterError(f"issue {number}: it is gone from the database; nothing was sent")
    return record


def _approved_mail(work: Work, record: IssueRecord) -> Mail:
    return thaw(files_of(work.settings, record.number), record.approved_hash or "")


def recipients_waiting(engine: Engine) -> int:
    """Return how many subscribers an issue would go to now."""
    return people.count(engine).get("active", 0)


def unsubscribe_link(settings: Settings, keys: Keys, number: int) -> Callable[[int], str]:
    """Return the function that makes a subscriber's own unsubscribe address for this issue."""
    base = settings.newsletter.base_url

    def link(subscriber_id: int) -> str:
        return f"{base}/u/{sign(keys, Purpose.UNSUBSCRIBE, subscriber_id, number)}"

    return link


def probe(settings: Settings) -> str:
    """Return "" if one-click unsubscribing answers (RFC 8058), else one sentence that says why not.

    The probe's token is for nobody: it changes nothing.
    """
    base = settings.newsletter.base_url
    url = f"{base}/u/{sign(settings.keys(), Purpose.PROBE, 0, 0)}"
    try:
        answer = httpx.post(
            url,
            data={"List-Unsubscribe": "One-Click"},
            timeout=PROBE_TIMEOUT,
            follow_redirects=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the unsubscribe link does not answer: POST {base}/u/…: {error}"
    if answer.is_success:
        return ""
    return f"the unsubscribe link does not work: POST {base}/u/… answered {answer.status_code}"


def _obstacle(work: Work, record: IssueRecord, options: RunOptions) -> Verdict | None:
    """Say what stands against the first hand-over; a started issue has passed this."""
    settings = work.settings
    if record.status is not IssueStatus.SENDING and not recipients_waiting(work.engine):
        return _verdict(
            record,
            Outcome.HELD,
            reason="there is no active subscriber to send it to",
            next_command='newsletter subscribers import FILE --consent "how they agreed"',
        )
    reachable = settings.sending.unsubscribe == "web" and settings.sending.transport != "outbox"
    if not reachable:
        return None
    problem = probe(settings)
    if not problem:
        return None
    if options.because:
        work.observer.say(f"Sending all the same ({options.because}): {problem}")
        return None
    return _verdict(
        record,
        Outcome.HELD,
        reason=problem,
        next_command='start newsletter web there, then newsletter run (or --because "reason")',
    )


def _begin(work: Work, record: IssueRecord, mail: Mail) -> None:
    """Move the issue to `sending`, its stories remembered; does nothing if it is there already."""
    if record.status is IssueStatus.STOPPED:
        stopped = [IssueStatus.STOPPED]
        issues.advance(work.engine, record.number, before=stopped, after=IssueStatus.SENDING)
    if record.status is not IssueStatus.APPROVED:
        return
    # Remembered first: a crash in between leaves an issue that is sent later, never a story
    # that runs again.
    entries = read_issue(files_of(work.settings, record.number)).entries
    remember_issue(work.settings, work.engine, record, entries)
    issues.start_sending(work.engine, record.number, subject=mail.subject, digest=mail.digest)


def _fence(
    settings: Settings, transport: Transport, record: IssueRecord, options: RunOptions
) -> Fence | None:
    if not isinstance(transport, SendGrid) or not settings.sending.fence or options.at_once:
        return None
    return Fence(
        provider=transport,
        lasts=timedelta(minutes=settings.sending.fence_minutes),
        # Readers get a scheduled issue at its slot, an ad-hoc one as soon as the fence allows.
        not_before=record.slot if options.scheduled else None,
    )


def _concluded(work: Work, record: IssueRecord, report: Report) -> Verdict:
    """Return the verdict of a hand-over; an issue with nothing left to do is sent."""
    if not report.finished:
        return _verdict(
            record,
            Outcome.FAILED,
            reason=report.reason,
            next_command=report.next or f"newsletter send {record.number}",
            standing=report.counts,
        )
    issues.advance(
        work.engine,
        record.number,
        before=[IssueStatus.SENDING],
        after=IssueStatus.SENT,
        sent_at=work.clock(),
    )
    leaves = (
        f"; readers get it at {report.leaves_at:%Y-%m-%d %H:%M} UTC" if report.leaves_at else ""
    )
    return _verdict(
        record,
        Outcome.SENT,
        reason=(report.reason or f"handed over to {work.settings.sending.transport}") + leaves,
        next_command=report.next,
        standing=report.counts,
    )


def already_sent(engine: Engine, record: IssueRecord) -> Verdict:
    """Return the verdict for an issue that needs nothing more, unless some are in doubt."""
    standing = counts(engine, record.number)
    return Verdict(
        verdict=Outcome.SKIPPED,
        issue=record.number,
        slot=record.slot,
        reason=f"already sent #{record.number}",
        next=f"newsletter deliveries {record.number}"
        if standing.in_doubt
        else "newsletter run --extra makes an additional issue",
        intended=standing.intended,
        accepted=standing.accepted,
        refused=standing.refused,
        in_doubt=standing.in_doubt,
        suppressed=standing.suppressed,
    )


def _verdict(
    record: IssueRecord,
    outcome: Outcome,
    *,
    reason: str,
    next_command: str,
    standing: Counts | None = None,
) -> Verdict:
    standing = standing or Counts()
    return Verdict(
        verdict=outcome,
        issue=record.number,
        slot=record.slot,
        reason=reason,
        next=next_command,
        intended=standing.intended,
        accepted=standing.accepted,
        refused=standing.refused,
        in_doubt=standing.in_doubt,
        suppressed=standing.suppressed,
    )
