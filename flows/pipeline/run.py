"""One run from feeds to a verdict: the stages in their order, each a step that may be retried."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.deliver.deliver import Step, plainly
from flows.errors import NewsletterError, SettingsError
from flows.models import IssueStatus, Outcome, Verdict
from flows.pipeline.approval import admit
from flows.pipeline.drafting import (
    Drafted,
    Window,
    compose,
    draft_issue,
    files_of,
    read_issue,
    window,
)
from flows.pipeline.gathering import gather_items
from flows.pipeline.rendering import render_issue
from flows.pipeline.sending import already_sent, recipients_waiting, send_issue, start
from flows.pipeline.stores import open_store
from flows.pipeline.targets import choose, claim
from flows.pipeline.work import Work, preparing, utc_now
from flows.store import issues

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.models import IssueRecord
    from flows.pipeline.observer import Observer
    from flows.pipeline.options import RunOptions
    from flows.pipeline.targets import Target
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
    except NewsletterError as error:
        return Verdict(verdict=Outcome.FAILED, reason=str(error))


def _run(work: Work, options: RunOptions) -> Verdict:
    now = options.as_of or work.clock()
    with preparing(work):
        prepared = _prepare(work, options, now)
    if isinstance(prepared, Verdict):
        return prepared
    verdict = send_issue(work, prepared.record.number, options)
    return _counted(verdict, prepared.drafted)


def _send(work: Work, number: int, options: RunOptions) -> Verdict:
    record = issues.find(work.engine, number)
    if record is None:
        raise NewsletterError(f"issue {number}: there is none; newsletter draft writes the next")
    if record.status is IssueStatus.SENT:
        return already_sent(work.engine, record)
    with preparing(work):
        refusal = _admit_file(work, record, options) or start(work, number, options)
    return refusal or send_issue(work, number, options)


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
    _gather(work, options)
    if options.dry_run:
        return _rehearse(work, options, target, now)
    return _draft(work, options, claim(work.settings, work.engine, target), now)


def _gather(work: Work, options: RunOptions) -> None:
    gathered = work.step(
        "gather",
        lambda: gather_items(
            work.settings,
            work.engine,
            now=work.clock(),
            observer=work.observer,
            seen_at=options.as_of,
        ),
    )
    work.observer.say(gathered.summary)


def _draft(
    work: Work, options: RunOptions, record: IssueRecord, now: datetime
) -> Prepared | Verdict:
    settings, engine = work.settings, work.engine
    covers = window(settings, engine, now=now, since=options.since)
    drafted = work.step("draft", lambda: draft_issue(settings, engine, record, covers=covers))
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
    return refusal or Prepared(record=record, drafted=drafted)


def _admit(
    work: Work, record: IssueRecord, drafted: Drafted, options: RunOptions
) -> Verdict | None:
    rendered = work.step("render", lambda: render_issue(work.settings, drafted.issue))
    verdict = admit(work, record, drafted, rendered, options)
    return _counted(verdict, drafted) if verdict else None


def _rehearse(work: Work, options: RunOptions, target: Target, now: datetime) -> Verdict:
    """Say what a run would do, leaving no draft behind."""
    settings, engine = work.settings, work.engine
    covers = window(settings, engine, now=now, since=options.since)
    record = target.record
    number = record.number if record else issues.next_number(engine)
    if record is not None and files_of(settings, number).draft.exists():
        drafted = draft_issue(settings, engine, record, covers=covers)
    else:
        drafted = compose(settings, engine, number, slot=target.slot, covers=covers)
    reason = drafted.skip
    if not reason:
        rendered = render_issue(settings, drafted.issue)
        problems = "; ".join(finding.message for finding in rendered.errors)
        waiting = recipients_waiting(engine)
        reason = f"dry run: issue {number} with {len(drafted.issue.entries)} entries would go to "
        reason += f"{waiting} subscribers"
        reason += f", but the check blocks it: {problems}" if problems else "; nothing was sent"
    verdict = Verdict(
        verdict=Outcome.SKIPPED,
        slot=target.slot,
        reason=reason,
        next="newsletter preview",
    )
    return _counted(verdict, drafted)


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
