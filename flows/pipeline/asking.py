"""The draft that waits for its editor: how the schedule writes it, and what a run's page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.errors import IssueError, TemplateError
from flows.models import IssueStatus, Outcome, Verdict
from flows.pipeline import desk
from flows.pipeline.edits import is_void
from flows.pipeline.looking import look
from flows.pipeline.reading import files_of
from flows.pipeline.ready import waiting
from flows.pipeline.sending import already_sent
from flows.pipeline.stores import open_store
from flows.pipeline.targets import coming
from flows.pipeline.work import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from flows.pipeline.observer import Observer
    from flows.settings import Settings


def draft_for_approval(
    settings: Settings, *, observer: Observer, as_of: datetime | None = None
) -> Verdict:
    """Write the draft of the coming slot's issue and return the verdict.

    What was approved or sent ahead of it is left alone.
    """
    done = _settled(settings, as_of or utc_now())
    if done is not None:
        return done
    record, drafted = desk.draft_now(settings, observer=observer, as_of=as_of, ahead=True)
    if drafted.skip:
        return Verdict(
            verdict=Outcome.SKIPPED,
            slot=record.slot,
            reason=drafted.skip.reason,
            next=drafted.skip.next,
        )
    return Verdict(
        verdict=Outcome.HELD,
        issue=record.number,
        slot=record.slot,
        reason=f"issue {record.number} waits for approval",
        next=f"newsletter preview {record.number}, then newsletter approve {record.number}",
        items=drafted.items,
        stories=drafted.stories,
        entries=len(drafted.issue.entries),
    )


def _settled(settings: Settings, now: datetime) -> Verdict | None:
    """Return the verdict if the coming slot's issue waits for nobody, None if it may be drafted."""
    with open_store(settings) as engine:
        record = coming(settings, engine, now).record
        if record is None or record.status is IssueStatus.DRAFT:
            return None
        if record.status is IssueStatus.SENT:
            return already_sent(engine, record)
    if record.status is IssueStatus.APPROVED and is_void(settings, record):
        return None
    return Verdict(
        verdict=Outcome.SKIPPED,
        issue=record.number,
        slot=record.slot,
        reason=f"issue {record.number} is {record.status.value} already",
    )


def page(settings: Settings, verdict: Verdict) -> str:
    """Return what the run's page asks the editor, in Markdown; "" if the verdict asks nothing.

    Where the issue stands, what was found, what to do; a file that is broken the verdict tells.
    """
    record = waiting(settings, verdict)
    if record is None:
        return ""
    try:
        seen = look(settings, record.number)
    except (IssueError, TemplateError):
        return ""
    number, entries = record.number, len(seen.issue.entries)
    file = files_of(settings, number).draft
    slot = f" Its slot is {record.slot:%Y-%m-%d %H:%M} UTC." if record.slot else ""
    lines = [
        f"# Issue {number} waits for approval",
        "",
        f"**{seen.issue.subject}**: {entries} entries.{slot}",
        "",
        f"- Look at it: `newsletter preview {number}`",
        f"- Change it: [{file}]({file.as_uri()})",
        f"- Approve it: `newsletter approve {number}`; it goes out at its slot, else it is held.",
        "",
        "## What the check found",
        "",
    ]
    for one in seen.findings:
        place = f", line {one.line}" if one.line else ""
        lines.append(f"- {one.severity} {one.rule}{place}: {one.message}")
    if not seen.findings:
        lines.append("Nothing.")
    return "\n".join(lines)
