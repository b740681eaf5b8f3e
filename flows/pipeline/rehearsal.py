"""A dry run: what a run would do, told without leaving a draft behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.models import Outcome, Verdict
from flows.pipeline.approval import as_approved
from flows.pipeline.drafting import compose, draft_issue, window
from flows.pipeline.reading import drafted_as, files_of
from flows.pipeline.rendering import render_issue
from flows.pipeline.sending import recipients_waiting
from flows.pipeline.targets import coming_number
from flows.wording import counted

if TYPE_CHECKING:
    from datetime import datetime

    from flows.pipeline.drafting import Drafted
    from flows.pipeline.options import RunOptions
    from flows.pipeline.targets import Target
    from flows.pipeline.work import Work


def rehearse(work: Work, options: RunOptions, target: Target, now: datetime) -> Verdict:
    """Return the verdict a run would have reached, up to the hand-over."""
    settings, engine = work.settings, work.engine
    number = coming_number(settings, engine, options, now)
    drafted = _drafted(work, options, target, number=number, now=now)
    if drafted.skip:
        reason = f"dry run: {drafted.skip.reason}"
        verdict = _verdict(target, drafted, Outcome.SKIPPED, reason)
        return replace(verdict, next=drafted.skip.next)
    wrote = drafted_as(files_of(settings, number))
    rendered = render_issue(settings, drafted.issue, wrote=wrote)
    if target.record is not None:
        rendered = as_approved(settings, target.record, rendered)
    if rendered.errors:
        reason = f"dry run: the check would block issue {number}: {rendered.objections}"
        return _verdict(target, drafted, Outcome.FAILED, reason)
    waiting = recipients_waiting(engine, only=options.only)
    reason = (
        f"dry run: issue {number} with "
        f"{counted(len(drafted.issue.entries), 'entry')} would go to "
        f"{counted(waiting, 'subscriber')}; nothing was sent"
    )
    return _verdict(target, drafted, Outcome.SKIPPED, reason, intended=waiting)


def _drafted(
    work: Work, options: RunOptions, target: Target, *, number: int, now: datetime
) -> Drafted:
    settings, engine = work.settings, work.engine
    covers = window(settings, engine, now=now, since=options.since)
    if target.record is not None and files_of(settings, number).draft.exists():
        return draft_issue(settings, engine, target.record, covers=covers)
    return compose(settings, engine, number, slot=target.slot, covers=covers)


def _verdict(
    target: Target, drafted: Drafted, outcome: Outcome, reason: str, *, intended: int = 0
) -> Verdict:
    return Verdict(
        verdict=outcome,
        issue=drafted.issue.number,
        slot=target.slot,
        reason=reason,
        next="newsletter preview",
        items=drafted.items,
        stories=drafted.stories,
        entries=len(drafted.issue.entries),
        intended=intended,
    )
