"""One run from feeds to a verdict: the stages in their order, each a step that may be retried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.errors import NewsletterError, SettingsError
from flows.models import IssueStatus, Outcome, Verdict
from flows.pipeline.appointment import await_time
from flows.pipeline.approval import admit
from flows.pipeline.chronicle import Account, chronicled
from flows.pipeline.drafting import (
    Drafted,
    Window,
    draft_issue,
    window,
)
from flows.pipeline.gathering import gather_items
from flows.pipeline.options import RunOptions
from flows.pipeline.reading import drafted_as, files_of, read_issue, unknown
from flows.pipeline.rehearsal import rehearse
from flows.pipeline.rendering import render_issue
from flows.pipeline.sending import already_sent, send_issue, start, still_sending
from flows.pipeline.stores import open_store
from flows.pipeline.tally import tallied
from flows.pipeline.targets import choose, claim
from flows.pipeline.verdicts import failed
from flows.pipeline.work import NO_SCHEDULER, Scheduler, Work, preparing, utc_now
from flows.store import issues
from flows.store.history import forget
from flows.store.runs import SEND, WAVE
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import IssueRecord
    from flows.pipeline.observer import Observer
    from flows.settings import Settings


def run(
    settings: Settings,
    options: RunOptions,
    *,
    observer: Observer,
    scheduler: Scheduler = NO_SCHEDULER,
    clock: Callable[[], datetime] = utc_now,
) -> Verdict:
    """Gather, draft, render, check and send; the verdict says how it ended and what to type.

    Raises SettingsError if the settings cannot send; any other trouble is a failed verdict.
    """
    account = Account(
        flow_run=scheduler.flow_run, scheduled=options.scheduled, quiet=options.dry_run
    )
    host = _Host(settings=settings, observer=observer, scheduler=scheduler, clock=clock)
    return host.judged(account, lambda work: _run(work, options))


def send(
    settings: Settings,
    number: int,
    options: RunOptions,
    *,
    observer: Observer,
    scheduler: Scheduler = NO_SCHEDULER,
    clock: Callable[[], datetime] = utc_now,
) -> Verdict:
    """Send the issue as its file says, or carry on sending it; nothing is gathered or drafted.

    A run that is `resumed` carries on only, with those for whom it was begun: what a person stopped
    meanwhile stays stopped.
    """
    job = _take_part if options.resumed else _send
    account = Account(job=SEND, flow_run=scheduler.flow_run, scheduled=options.scheduled)
    host = _Host(settings=settings, observer=observer, scheduler=scheduler, clock=clock)
    return host.judged(account, lambda work: job(work, number, options))


def take_part(
    settings: Settings,
    number: int,
    options: RunOptions,
    *,
    observer: Observer,
    scheduler: Scheduler = NO_SCHEDULER,
    clock: Callable[[], datetime] = utc_now,
) -> Verdict:
    """Help to hand over an issue that is being sent, until nobody is left; else do nothing."""
    account = Account(job=WAVE, flow_run=scheduler.flow_run, scheduled=options.scheduled)
    host = _Host(settings=settings, observer=observer, scheduler=scheduler, clock=clock)
    return host.judged(account, lambda work: _take_part(work, number, options))


def _take_part(work: Work, number: int, options: RunOptions) -> Verdict:
    record = issues.find(work.engine, number)
    if record is not None and record.status is IssueStatus.SENT:
        return already_sent(work.engine, record)
    if record is None or record.status is not IssueStatus.SENDING:
        return Verdict(
            verdict=Outcome.SKIPPED, issue=number, reason=f"issue {number} is not being sent"
        )
    return send_issue(work, number, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Host:
    """Where a run happens: for whom, told to whom, brought by what, and by which clock."""

    settings: Settings
    observer: Observer
    scheduler: Scheduler
    clock: Callable[[], datetime]

    def judged(self, account: Account, job: Callable[[Work], Verdict]) -> Verdict:
        """Return the job's verdict, kept and told; raises SettingsError."""
        with chronicled(self.settings, account, clock=self.clock) as page:
            self.settings.require_sendable()
            self.settings.keys()
            page.verdict = _verdict(self, job)
            return page.verdict

    def work(self, engine: Engine) -> Work:
        """Return what the job works with."""
        return Work(
            settings=self.settings,
            engine=engine,
            observer=self.observer,
            step=self.scheduler.step,
            share=self.scheduler.share,
            clock=self.clock,
        )


def _verdict(host: _Host, job: Callable[[Work], Verdict]) -> Verdict:
    try:
        with open_store(host.settings) as engine:
            return tallied(host.settings, engine, job(host.work(engine)))
    except SettingsError:
        raise
    except NewsletterError as error:
        return failed(error)


def _run(work: Work, options: RunOptions) -> Verdict:
    now = options.as_of or work.clock()
    if options.scheduled:
        _finish_others(work)
    with preparing(work):
        prepared = _prepare(work, options, now)
    if isinstance(prepared, Verdict):
        return prepared
    return send_issue(work, prepared.number, options)


def _finish_others(work: Work) -> None:
    """Carry on with issues whose sending a crash cut short: nobody else would until asked."""
    for record in issues.open_ones(work.engine):
        if record.status is IssueStatus.SENDING:
            verdict = send_issue(work, record.number, RunOptions())
            work.observer.say(f"Issue {record.number}: {verdict.reason}")


def _send(work: Work, number: int, options: RunOptions) -> Verdict:
    record = _reopened(work, number)
    if record.status is IssueStatus.SENT:
        return already_sent(work.engine, record)
    if options.at is not None:
        with preparing(work):
            # What stands against it is told now, not when its time has come.
            refusal = _admit_file(work, record, options)
        refusal = refusal or await_time(work, record, options)
        if refusal is not None:
            return refusal
        # Meanwhile somebody else may have sent it, or edited its file.
        record = _known(work, number)
    with preparing(work):
        refusal = _admit_file(work, record, options) or start(work, number, options)
    return refusal or send_issue(work, number, options)


def _reopened(work: Work, number: int) -> IssueRecord:
    """Return the issue, a draft again if it was stopped before anybody got it.

    What was corrected in its file is then what is approved and sent.
    """
    if issues.reopen(work.engine, number):
        forget(work.engine, number)
        work.observer.say(f"Nobody has got issue {number}: it is sent as its file says now.")
    return _known(work, number)


def _known(work: Work, number: int) -> IssueRecord:
    record = issues.find(work.engine, number)
    if record is None:
        raise unknown(files_of(work.settings, number))
    return record


def _admit_file(work: Work, record: IssueRecord, options: RunOptions) -> Verdict | None:
    """Admit what the issue's file says; an issue that is past its approval has been admitted."""
    if record.status not in (IssueStatus.DRAFT, IssueStatus.APPROVED):
        return None
    issue = read_issue(files_of(work.settings, record.number))
    now = work.clock()
    covers = Window(start=record.window_start or now, end=record.cutoff or now)
    return _admit(work, record, Drafted(issue=issue, window=covers), options)


def _prepare(work: Work, options: RunOptions, now: datetime) -> IssueRecord | Verdict:
    """Return the issue that may be sent, or the verdict if none may."""
    target = choose(work.settings, work.engine, options, now=now)
    if target.missed:
        return Verdict(
            verdict=Outcome.HELD,
            reason=target.missed,
            next="newsletter run sends an issue now",
        )
    if target.record is not None:
        if options.dry_run and target.record.status is IssueStatus.SENDING:
            return still_sending(work.engine, target.record)
        if (verdict := _kept(work, target.record, options)) is not None:
            return verdict
        if target.record.status is IssueStatus.SENDING:
            refusal = start(work, target.record.number, options)
            return refusal or target.record
    _gather(work)
    if options.dry_run:
        return rehearse(work, options, target, now)
    return _draft(work, options, claim(work.settings, work.engine, target), now)


def _kept(work: Work, record: IssueRecord, options: RunOptions) -> Verdict | None:
    """Return the verdict for an issue that no run takes up."""
    if record.status is IssueStatus.SENT:
        return already_sent(work.engine, record)
    if record.only and not options.only:
        return went_to_few(record)
    if record.status is IssueStatus.STOPPED:
        return stopped(record)
    return None


def _gather(work: Work) -> None:
    gathered = work.step(
        "gather",
        lambda: gather_items(
            work.settings,
            work.engine,
            now=work.clock(),
            observer=work.observer,
        ),
    )
    work.observer.say(gathered.summary)


def _draft(
    work: Work, options: RunOptions, record: IssueRecord, now: datetime
) -> IssueRecord | Verdict:
    settings, engine = work.settings, work.engine
    covers = window(settings, engine, now=now, since=options.since)
    drafted = work.step("draft", lambda: draft_issue(settings, engine, record, covers=covers))
    for archive in drafted.again:
        work.observer.say(f"{archive.sentence}.")
    if drafted.skip:
        issues.release(engine, record.number)
        return Verdict(
            verdict=Outcome.SKIPPED,
            slot=record.slot,
            reason=drafted.skip.reason,
            next=drafted.skip.next,
            items=drafted.items,
            stories=drafted.stories,
            entries=len(drafted.issue.entries),
        )
    entries = counted(len(drafted.issue.entries), "entry")
    work.observer.say(f"Issue {record.number}: {drafted.issue.subject} ({entries})")
    refusal = _admit(work, record, drafted, options) or start(work, record.number, options)
    return refusal or record


def _admit(
    work: Work, record: IssueRecord, drafted: Drafted, options: RunOptions
) -> Verdict | None:
    wrote = drafted_as(files_of(work.settings, record.number))
    rendered = work.step("render", lambda: render_issue(work.settings, drafted.issue, wrote=wrote))
    if rendered.unread:
        work.observer.say(rendered.unread)
    return admit(work, record, drafted, rendered, options)


def settled(settings: Settings, options: RunOptions) -> Verdict | None:
    """Return the verdict of a run that has nothing to do, None if it has: a look, no work."""
    now = options.as_of or utc_now()
    with open_store(settings) as engine:
        record = choose(settings, engine, options, now=now).record
        if record is None or record.status is not IssueStatus.SENT:
            return None
        return tallied(settings, engine, already_sent(engine, record))


def stopped(record: IssueRecord) -> Verdict:
    """Return the verdict for an issue that a person stopped."""
    return Verdict(
        verdict=Outcome.HELD,
        issue=record.number,
        slot=record.slot,
        reason=f"issue {record.number} was stopped",
        next=f"newsletter send {record.number}",
    )


def went_to_few(record: IssueRecord) -> Verdict:
    """Return the verdict for an issue that a tag's people have: a person sends it on."""
    return Verdict(
        verdict=Outcome.HELD,
        issue=record.number,
        slot=record.slot,
        reason=f"issue {record.number} went to {record.only!r} alone",
        next=f"newsletter send {record.number} sends it to everybody else",
    )
