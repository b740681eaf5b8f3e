"""Edits after the approval: they void it, and come too late once the issue is being sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.errors import NewsletterError
from flows.models import IssueStatus
from flows.pipeline.reading import files_of, read_issue
from flows.pipeline.rendering import render_issue, render_mail

if TYPE_CHECKING:
    from flows.models import IssueRecord
    from flows.settings import Settings


def is_void(settings: Settings, record: IssueRecord) -> bool:
    """Tell whether an approved issue's file makes another mail now, or none at all."""
    if record.status is not IssueStatus.APPROVED:
        return False
    try:
        issue = read_issue(files_of(settings, record.number))
        return render_mail(settings, issue).mail.digest != record.approved_hash
    except NewsletterError:
        return True


def late_edit(settings: Settings, record: IssueRecord) -> str:
    """Return what to say if an issue's file was changed after its mail was approved, else "".

    What is sent is what was approved, whatever the file says.
    """
    files = files_of(settings, record.number)
    try:
        if files.draft.stat().st_mtime <= files.frozen.stat().st_mtime:
            return ""
        if render_issue(settings, read_issue(files)).mail.digest == record.approved_hash:
            return ""
        reason = f"{files.draft}: it was changed after the issue was approved"
    except OSError:
        return ""
    except NewsletterError as error:
        reason = str(error)
    return f"{reason}; readers get issue {record.number} as it was approved"
