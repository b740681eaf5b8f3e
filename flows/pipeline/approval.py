"""What stands between a rendered mail and its sending: the check, and a person's approval."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.edit.sponsors import UNBOOKED
from flows.errors import CheckFailed, NewsletterError
from flows.models import IssueStatus, Outcome, Verdict
from flows.pipeline.files import freeze
from flows.pipeline.overtaken import ran_since
from flows.pipeline.reading import drafted_as, files_of, read_issue, unknown
from flows.pipeline.rendering import render_issue
from flows.pipeline.stores import open_store
from flows.pipeline.work import Work
from flows.store import issues
from flows.store.mails import save_mail

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.models import Issue, IssueRecord
    from flows.pipeline.drafting import Drafted
    from flows.pipeline.observer import Observer
    from flows.pipeline.options import RunOptions
    from flows.pipeline.rendering import Rendered
    from flows.settings import Settings


def admit(
    work: Work, record: IssueRecord, drafted: Drafted, rendered: Rendered, options: RunOptions
) -> Verdict | None:
    """Return None if the mail may be sent, approved and frozen then; else why not."""
    number = record.number
    if not drafted.issue.entries:
        return _refusal(
            record,
            Outcome.HELD,
            reason=f"issue {number} has no entries",
            next_command=f"edit {files_of(work.settings, number).draft}, then newsletter run",
        )
    rendered = as_approved(work.settings, record, rendered)
    because = options.because or (record.because if _approved(record, rendered) else "")
    if rendered.errors and not because:
        return _refusal(
            record,
            Outcome.FAILED,
            reason=f"the check blocks issue {number}: {rendered.objections}",
            next_command=f"newsletter check {number}",
        )
    repeated = "" if because else ran_since(work.engine, record, drafted.issue)
    if repeated:
        return _refusal(
            record,
            Outcome.HELD,
            reason=repeated,
            next_command=f"edit {files_of(work.settings, number).draft}, then newsletter send "
            f'{number} (or --because "reason")',
        )
    if work.settings.newsletter.approval == "required" and not _approved(record, rendered):
        changed = record.status is IssueStatus.APPROVED
        return _refusal(
            record,
            Outcome.HELD,
            reason=f"issue {number} "
            + ("was changed since its approval" if changed else "waits for approval"),
            next_command=f"newsletter preview {number}, then newsletter approve {number}",
        )
    approve_rendered(work, record, rendered, because=because)
    return None


def approve_now(
    settings: Settings, number: int | None, *, observer: Observer, because: str = ""
) -> Issue:
    """Approve the mail as the issue's file makes it now; any later change voids it.

    Raises CheckFailed if the check blocks it and no reason is given, IssueState if it is past it.
    """
    with open_store(settings) as engine:
        record = _open_record(settings, engine, number)
        files = files_of(settings, record.number)
        issue = read_issue(files)
        rendered = render_issue(settings, issue, wrote=drafted_as(files))
        if rendered.errors and not because:
            raise CheckFailed(
                f"the check blocks issue {record.number}: {rendered.objections}; mend it, or give "
                "--because a reason"
            )
        if rendered.unread:
            observer.say(rendered.unread)
        for finding in rendered.errors:
            observer.say(f"Overridden: {finding.rule}  {finding.message}")
        work = Work(settings=settings, engine=engine, observer=observer)
        approve_rendered(work, record, rendered, because=because)
        return issue


def as_approved(settings: Settings, record: IssueRecord, rendered: Rendered) -> Rendered:
    """Return the mail as its editor approved it: a slot that was given up since stops it no more.

    What a run approved by itself nobody has looked at.
    """
    if settings.newsletter.approval != "required" or not _approved(record, rendered):
        return rendered
    findings = tuple(
        replace(found, severity="warn") if found.rule == UNBOOKED else found
        for found in rendered.findings
    )
    return replace(rendered, findings=findings)


def approve_rendered(
    work: Work, record: IssueRecord, rendered: Rendered, *, because: str = ""
) -> None:
    """Approve exactly this mail and freeze it; raises IssueState if it is past that."""
    issues.approve(
        work.engine,
        record.number,
        digest=rendered.mail.digest,
        now=work.clock(),
        because=because,
    )
    files = files_of(work.settings, record.number)
    freeze(files, rendered.mail, rendered.page)
    frozen = files.frozen.read_text(encoding="utf-8")
    save_mail(work.engine, record.number, digest=rendered.mail.digest, mail=frozen)


def _open_record(settings: Settings, engine: Engine, number: int | None) -> IssueRecord:
    if number is None:
        record = issues.newest_open(engine)
        if record is None:
            raise NewsletterError("no issue is open; newsletter draft writes the next one")
        return record
    record = issues.find(engine, number)
    if record is None:
        raise unknown(files_of(settings, number))
    return record


def _approved(record: IssueRecord, rendered: Rendered) -> bool:
    return record.status is IssueStatus.APPROVED and record.approved_hash == rendered.mail.digest


def _refusal(record: IssueRecord, outcome: Outcome, *, reason: str, next_command: str) -> Verdict:
    return Verdict(
        verdict=outcome, issue=record.number, slot=record.slot, reason=reason, next=next_command
    )
