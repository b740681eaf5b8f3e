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
from flows.pipeline.edits import late_edit
from flows.pipeline.files import thaw, write
from flows.pipeline.ran import remember_issue
from flows.pipeline.reading import files_of, read_issue
from flows.pipeline.receipts import write_receipt
from flows.pipeline.transports import open_transport
from flows.store import groups, issues
from flows.store.history import forget
from flows.store.ledger import SqlLedger, counts
from flows.store.mails import load_mail
from subscribers import store as people
from subscribers.store import labels
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
    refusal = _obstacle(work, record, options) or _aim(work, record, options)
    if refusal is not None:
        return refusal
    _begin(work, record, _approved_mail(work, record), options)
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
    # Fewer than fill a request need no other hands.
    if settings.sending.workers and recipients_waiting(work.engine) > settings.sending.batch_size:
        work.share(number)
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
            say=work.observer.say,
            batch_size=settings.sending.batch_size,
            fence=_fence(settings, transport, record, options),
            step=work.step,
        )
    if late := late_edit(settings, record):
        work.observer.say(late)
    return _concluded(work, record, report)


def _record(work: Work, number: int) -> IssueRecord:
    record = issues.find(work.engine, number)
    if record is None:
        raise NewsletterError(f"issue {number}: it is gone from the database; nothing was sent")
    return record


def _approved_mail(work: Work, record: IssueRecord) -> Mail:
    files, digest = files_of(work.settings, record.number), record.approved_hash or ""
    if not files.frozen.exists():
        # Another machine than the one that approved it, or a folder that was lost.
        kept = load_mail(work.engine, record.number, digest=digest)
        if kept is not None:
            write(files.frozen, kept)
    return thaw(files, digest)


def recipients_waiting(engine: Engine, *, only: str = "") -> int:
    """Return how many subscribers an issue would go to now, or how many of those with a tag."""
    if only:
        return labels.count_tags(engine).get(only, 0)
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
    if options.only and not recipients_waiting(work.engine, only=options.only):
        return _verdict(
            record,
            Outcome.HELD,
            reason=f"no active subscriber has the tag {options.only!r}",
            next_command=f"newsletter subscribers tag {options.only} EMAIL",
        )
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


def _aim(work: Work, record: IssueRecord, options: RunOptions) -> Verdict | None:
    """Keep whom the issue is for: a tag's people alone, or everybody."""
    if not options.only:
        groups.lift(work.engine, record.number)
        return None
    if groups.aim(work.engine, record.number, options.only):
        return None
    return _verdict(
        record,
        Outcome.FAILED,
        reason=f"issue {record.number} is on its way to everybody; it cannot go to "
        f"{options.only!r} alone any more",
        next_command=f"newsletter send {record.number}",
    )


def _begin(work: Work, record: IssueRecord, mail: Mail, options: RunOptions) -> None:
    """Move the issue to `sending`, its stories remembered, and keep when readers are to get it."""
    # Readers get a scheduled issue at its slot, an ad-hoc one as soon as the fence allows.
    send_at = options.at or (record.slot if options.scheduled else None)
    # What goes on after a crash keeps its time, unless another is said; a stop ends that.
    is_said = options.at is not None or options.at_once
    if record.status is IssueStatus.STOPPED or (record.status is IssueStatus.SENDING and is_said):
        issues.go_on_sending(work.engine, record.number, before=record.status, send_at=send_at)
    if record.status is not IssueStatus.APPROVED:
        return
    # Remembered first: a crash in between leaves an issue that is sent later, never a story
    # that runs again.
    entries = read_issue(files_of(work.settings, record.number)).entries
    remember_issue(work.settings, work.engine, record, entries)
    issues.start_sending(
        work.engine,
        record.number,
        subject=mail.subject,
        digest=mail.digest,
        send_at=send_at,
    )


def _fence(
    settings: Settings, transport: Transport, record: IssueRecord, options: RunOptions
) -> Fence | None:
    if not isinstance(transport, SendGrid):
        return None
    return Fence(
        provider=transport,
        # Whoever tries an issue on a few wants to see it now.
        at_once=options.at_once or not settings.sending.fence or bool(record.only),
        lasts=timedelta(minutes=settings.sending.fence_minutes),
        not_before=record.send_at,
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
    if record.only and (left := groups.left_out(work.engine, record.number)):
        return _concluded_group(work, record, report, left)
    issues.advance(
        work.engine,
        record.number,
        before=[IssueStatus.SENDING],
        after=IssueStatus.SENT,
        sent_at=work.clock(),
    )
    _write_receipt(work, record.number)
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


def _concluded_group(work: Work, record: IssueRecord, report: Report, left: int) -> Verdict:
    """Return the verdict of a hand-over to a few: the issue waits for a person to send it on.

    Until then its file may still be corrected, so nothing in it counts as told.
    """
    if groups.end(work.engine, record.number, record.only):
        forget(work.engine, record.number)
    return _verdict(
        record,
        Outcome.SENT,
        reason=f"handed over to {work.settings.sending.transport} for {record.only!r} alone; "
        f"{left} others wait",
        next_command=f"newsletter send {record.number}",
        standing=report.counts,
    )


def _write_receipt(work: Work, number: int) -> None:
    try:
        write_receipt(work.settings, work.engine, number)
    except NewsletterError as error:
        # The issue is out: a folder that cannot be written does not undo that.
        work.observer.say(f"The receipt of issue {number} was not written: {error}")


def already_sent(engine: Engine, record: IssueRecord) -> Verdict:
    """Return the verdict for an issue that needs nothing more, unless some are in doubt."""
    standing = counts(engine, record.number)
    return _verdict(
        record,
        Outcome.SKIPPED,
        reason=f"already sent #{record.number}",
        next_command=f"newsletter deliveries {record.number}"
        if standing.in_doubt
        else "newsletter run --extra makes an additional issue",
        standing=standing,
    )


def still_sending(engine: Engine, record: IssueRecord) -> Verdict:
    """Return the verdict of a dry run on an issue that is being sent: how many are left."""
    standing = counts(engine, record.number)
    return _verdict(
        record,
        Outcome.SKIPPED,
        reason=f"dry run: issue {record.number} is being sent and would go to {standing.planned} "
        "more; nothing was sent",
        next_command=f"newsletter deliveries {record.number}",
        standing=standing,
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
