"""The letter that brings an editor the draft: what to do, what was found, and the mail itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.edit.left_over import count_left_over
from flows.errors import IssueError, TemplateError
from flows.models import IssueStatus, Letter, Outcome, Recipient
from flows.pipeline.looking import look
from flows.pipeline.stores import open_store
from flows.render.html import personalise
from flows.render.letters import write
from flows.store import issues
from subscribers.tokens import Purpose, sign

if TYPE_CHECKING:
    from datetime import datetime

    from flows.models import IssueRecord, Mail, Verdict
    from flows.settings import Settings

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_WAITING = (IssueStatus.DRAFT, IssueStatus.APPROVED)


def letter_for(settings: Settings, verdict: Verdict) -> Letter | None:
    """Return the letter for a verdict that an issue waits for its editor, None for any other.

    A draft that cannot be read or rendered has none: the verdict itself says what is wrong.
    """
    record = waiting(settings, verdict)
    if record is None:
        return None
    try:
        return ready_letter(settings, record, reason=verdict.reason)
    except (IssueError, TemplateError):
        return None


def waiting(settings: Settings, verdict: Verdict) -> IssueRecord | None:
    """Return the issue that waits for its editor by this verdict, None if none does."""
    waits = settings.newsletter.approval == "required" and verdict.verdict is Outcome.HELD
    if not waits or verdict.issue is None:
        return None
    with open_store(settings) as engine:
        record = issues.find(engine, verdict.issue)
    return record if record is not None and record.status in _WAITING else None


def ready_letter(settings: Settings, record: IssueRecord, *, reason: str = "") -> Letter:
    """Return the draft of an issue as a mail to its editor, with what to do about it.

    Raises IssueError if its file is missing or broken, TemplateError if the theme is.
    """
    seen = look(settings, record.number)
    issue, mail = seen.issue, _as_test(settings, seen.mail)
    text, box = write(
        "ready",
        settings.brand(),
        number=record.number,
        subject=issue.subject,
        reason=reason or f"issue {record.number} waits for approval",
        entries=len(issue.entries),
        left_over=count_left_over(issue),
        slot=_slot(settings, record.slot),
        file=seen.file,
        folder=settings.folder,
        findings=seen.findings,
    )
    return Letter(
        to=settings.newsletter.editor,
        subject=f"Draft of issue {record.number}: {issue.subject}",
        text=f"{text}\n{mail.text}",
        html=_with_box(mail.html, box),
        purpose="verdict",
    )


def _slot(settings: Settings, slot: datetime | None) -> str:
    if slot is None:
        return ""
    zone = ZoneInfo(settings.schedule.timezone)
    return f"{slot.astimezone(zone):%A, %d %B %Y, %H:%M} ({settings.schedule.timezone})"


def _as_test(settings: Settings, mail: Mail) -> Mail:
    """Return the mail with a link in it that unsubscribes nobody."""
    token = sign(settings.keys(), Purpose.TEST, 0, mail.issue)
    link = f"{settings.newsletter.base_url}/u/{token}"
    return personalise(mail, Recipient(subscriber_id=0, email="", unsubscribe_url=link))


def _with_box(html: str, box: str) -> str:
    """Return the mail with the box above it; a theme without a body has it in front."""
    body = _BODY.search(html)
    place = body.end() if body else 0
    return f"{html[:place]}\n{box}{html[place:]}"
