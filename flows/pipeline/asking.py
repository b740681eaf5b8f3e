"""The draft that waits for its editor: what the schedule's `draft` run does, and what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.models import IssueStatus, Outcome, Verdict
from flows.pipeline import desk
from flows.pipeline.edits import is_void
from flows.pipeline.reading import files_of
from flows.pipeline.rendering import render_issue
from flows.pipeline.sending import already_sent
from flows.pipeline.stores import open_store
from flows.pipeline.targets import coming
from flows.pipeline.work import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from flows.models import Issue, IssueRecord
    from flows.pipeline.observer import Observer
    from flows.pipeline.rendering import Rendered
    from flows.settings import Settings


def draft_for_approval(
    settings: Settings, *, observer: Observer, as_of: datetime | None = None
) -> tuple[Verdict, str]:
    """Write the draft of the coming slot's issue; return the verdict and what its page shows.

    What was approved or sent ahead of it is left alone.
    """
    done = _settled(settings, as_of or utc_now())
    if done is not None:
        return done, ""
    record, drafted = desk.draft_now(settings, observer=observer, as_of=as_of, ahead=True)
    if drafted.skip:
        return (
            Verdict(
                verdict=Outcome.SKIPPED,
                slot=record.slot,
                reason=drafted.skip.reason,
                next=drafted.skip.next,
            ),
            "",
        )
    rendered = render_issue(settings, drafted.issue)
    verdict = Verdict(
        verdict=Outcome.HELD,
        issue=record.number,
        slot=record.slot,
        reason=f"issue {record.number} waits for approval",
        next=f"newsletter preview {record.number}, then newsletter approve {record.number}",
        items=drafted.items,
        stories=drafted.stories,
        entries=len(drafted.issue.entries),
    )
    return verdict, request(settings, record, drafted.issue, rendered)


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


def request(settings: Settings, record: IssueRecord, issue: Issue, rendered: Rendered) -> str:
    """Return what an editor is asked, in Markdown: where it stands, what was found, what to do."""
    number = record.number
    file = files_of(settings, number).draft
    slot = f" Its slot is {record.slot:%Y-%m-%d %H:%M} UTC." if record.slot else ""
    lines = [
        f"# Issue {number} waits for approval",
        "",
        f"**{issue.subject}**: {len(issue.entries)} entries.{slot}",
        "",
        f"- Look at it: `newsletter preview {number}`",
        f"- Change it: [{file}]({file.as_uri()})",
        f"- Approve it: `newsletter approve {number}`; it goes out at its slot, else it is held.",
        "",
        "## What the check found",
        "",
    ]
    lines += [f"- {one.severity} {one.rule}: {one.message}" for one in rendered.findings]
    if not rendered.findings:
        lines.append("Nothing.")
    return "\n".join(lines)
