"""One run from feeds to a verdict: the stages in their order, each a step that may be retried."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.deliver.deliver import Step, plainly
from flows.errors import IssueError, NewsletterError, SettingsError
from flows.models import IssueStatus, Outcome, Verdict
from flows.pipeline.approval import admit
from flows.pipeline.drafting import (
    Drafted,
    Window,
    draft_issue,
    files_of,
    read_issue,
    window,
)
from flows.pipeline.gathering import gather_items
from flows.pipeline.options import RunOptions
from flows.pipeline.rehearsal import rehearse
from flows.pipeline.rendering import render_issue
from flows.pipeline.sending import already_sent, send_issue, start
from flows.pipeline.stores import open_store
from flows.pipeline.targets import choose, claim
from flows.pipeline.work import Work, preparing, utc_now
from flows.store import issues
from flows.store.history import forget

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.models import IssueRecord
    from flows.pipeline.observer import Observer
    from flows.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An issue that may be sent, and what it was made from if it was drafted just now."""

    record: IssueRecord
    drafted: Drafted | None = None


def run(
    settings: Settings,
    options: RunOptions,
    *,
    observer: Observer,
    step: Step = plainly,
    clock: Callable[[], datetime] = utc_now,
) -> Verdict:
    """Gather, draft, render, check and send; the verdict says how it ended and what to type.

    Raises SettingsError if the settings cannot send; any other trouble is a failed verdict.
    """
    settings.require_sendable()
    settings.keys()
    return _judged(settings, observer, step, clock, lambda work: _run(work, options))


def send(
    settings: Settings,
    number: int,
    options: RunOptions,
    *,
    observer: Observer,
    step: Step = plainly,
    clock: Callable[[], datetime] = utc_now,
) -> Verdict:
    """Send the issue as its file says, or carry on sending it; nothing is gathered or drafted."""
    settings.require_sendable()
    settings.keys()
    return _judged(settings, observer, step, clock, lambda work: _send(work, number, options))


def _judged(
    settings: Settings,
    observer: Observer,
    step: Step,
    clock: Callable[[], datetime],
    job: Callable[[Work], Verdict],
) -> Verdict:
    try:
        with open_store(settings) as engine:
            return job(
                Work(settings=settings, engine=engine, observer=observer, step=step, clock=clock)
            )
    except SettingsError:
        raise
    except IssueError as error:
        number = int(error.path.stem) if error.path and error.path.stem.isdigit() else None
        return Verdict(
            verdict=Outcome.FAILED,
            issue=number,
            reason=str(error),
            next=f"mend {error.path}, then newsletter run" if error.path else "",
        )
    except NewsletterError as error:
        return Verdict(verdict=Outcome.FAILED, reason=str(error))


def _run(work: Work, options: RunOptions) -> Verdict:
    now = options.as_of or work.clock()
    if options.scheduled:
        _finish_others(work)
    with preparing(work):
        prepared = _prepare(work, options, now)
    if isinstance(prepared, Verdict):
        return prepared
    verdict = send_issue(work, prepared.record.number, options)
    return _counted(verdict, prepared.drafted)


def _finish_others(work: Work) -> None:
    """Carry on with issues whose sending a crash cut short: nobody else would until asked."""
    for record in issues.open_ones(work.engine):
        if record.status is IssueStatus.SENDING:
            verdict = send_issue(work, record.number, RunOptions(scheduled=True))
            work.observer.say(f"Issue {record.number}: {verdict.reason}")


def _send(work: Work, number: int, options: RunOptions) -> Verdict:
    record = _reopened(work, number)
    if record.status is IssueStatus.SENT:
        return already_sent(work.engine, record)
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
    record = issues.find(work.engine, number)
    if record is None:
        raise NewsletterError(f"issue {number}: there is none; newsletter draft writes the next")
    return record


def _admit_file(work: Work, record: IssueRecord, options: RunOptions) -> Verdict | None:
    """Admit what the issue's file says; an issue that is past its approval has been admitted."""
    if record.status not in (IssueStatus.DRAFT, IssueStatus.APPROVED):
        return None
    issue = read_issue(files_of(work.settings, record.number))
    now = work.clock()
    covers = Window(start=record.window_start or now, end=record.cutoff or now)
    return _admit(work, record, Drafted(issue=issue, window=covers), options)


def _prepare(work: Work, options: RunOptions, now: datetime) -> Prepared | Verdict:
    target = choose(work.settings, work.engine, options, now=now)
    if target.missed:
        return Verdict(
            verdict=Outcome.HELD,
            reason=target.missed,
            next="newsletter run sends an issue now",
        )
    if target.record is not None:
        match target.record.status:
            case IssueStatus.SENT:
                return already_sent(work.engine, target.record)
            case IssueStatus.STOPPED:
                return stopped(target.record)
            case IssueStatus.SENDING:
                refusal = start(work, target.record.number, options)
                return refusal or Prepared(record=target.record)
            case _:
                pass
    _gather(work)
    if options.dry_run:
        return rehearse(work, options, target, now)
    return _draft(work, options, claim(work.settings, work.engine, target), now)


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
) -> Prepared | Verdict:
    settings, engine = work.settings, work.engine
    covers = window(settings, engine, now=now, since=options.since)
    drafted = work.step("draft", lambda: draft_issue(settings, engine, record, covers=covers))
    for archive in drafted.again:
        work.observer.say(f"{archive.sentence}.")
    if drafted.skip:
        issues.release(engine, record.number)
        return _counted(
            Verdict(
                verdict=Outcome.SKIPPED,
                slot=record.slot,
                reason=drafted.skip,
                next="newsletter run, once there is more; --since DATE looks further back",
            ),
            drafted,
        )
    work.observer.say(
        f"Issue {record.number}: {drafted.issue.subject} ({len(drafted.issue.entries)} entries)"
    )
    refusal = _admit(work, record, drafted, options) or start(work, record.number, options)
    if refusal is not None:
        return _counted(refusal, drafted)
    return Prepared(record=record, drafted=drafted)


def _admit(
    work: Work, record: IssueRecord, drafted: Drafted, options: RunOptions
) -> Verdict | None:
    rendered = work.step("render", lambda: render_issue(work.settings, drafted.issue))
    verdict = admit(work, record, drafted, rendered, options)
    return _counted(verdict, drafted) if verdict else None


def settled(settings: Settings, options: RunOptions) -> Verdict | None:
    """Return the verdict of a run that has nothing to do, None if it has: a look, no work."""
    now = options.as_of or utc_now()
    with open_store(settings) as engine:
        record = choose(settings, engine, options, now=now).record
        if record is None or record.status is not IssueStatus.SENT:
            return None
        return already_sent(engine, record)


def stopped(record: IssueRecord) -> Verdict:
    """Return the verdict for an issue that a person stopped."""
    return Verdict(
        verdict=Outcome.HELD,
        issue=record.number,
        slot=record.slot,
        reason=f"issue {record.number} was stopped",
        next=f"newsletter send {record.number}",
    )


def _counted(verdict: Verdict, drafted: Drafted | None) -> Verdict:
    if drafted is None:
        return verdict
    return replace(
        verdict,
        items=drafted.items,
        stories=drafted.stories,
        entries=len(drafted.issue.entries),
    )
