"""Which issue there is to look at, and how far it is on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.models import IssueStatus
from flows.pipeline.options import RunOptions
from flows.pipeline.reading import files_of
from flows.pipeline.stores import open_store
from flows.pipeline.targets import choose
from flows.store import issues

if TYPE_CHECKING:
    from datetime import datetime

    from flows.models import IssueRecord, Mail
    from flows.settings import Settings

_STANDING = {
    IssueStatus.DRAFT: "draft",
    IssueStatus.SENDING: "being sent; what is changed now is not sent",
    IssueStatus.STOPPED: "stopped",
    IssueStatus.SENT: "sent; what is changed now is not sent",
}


def newest(settings: Settings, *, now: datetime) -> int | None:
    """Return the number of the issue to look at: the open one; None if it has no file yet."""
    with open_store(settings) as engine:
        # An issue held past its slot is no run's any more, but still the one to look at.
        record = choose(settings, engine, RunOptions(), now=now).record
        record = record or issues.newest_open(engine)
    if record is None or not files_of(settings, record.number).draft.exists():
        return None
    return record.number


def status(settings: Settings, number: int) -> str:
    """Return a word that changes when `standing` may; raises DatabaseUnavailable."""
    with open_store(settings) as engine:
        record = issues.find(engine, number)
    return f"{record.status.value} {record.approved_hash}" if record else ""


def standing(settings: Settings, mail: Mail) -> str:
    """Return in words how far the issue of a mail is on its way; raises DatabaseUnavailable."""
    with open_store(settings) as engine:
        record = issues.find(engine, mail.issue)
    if record is None:
        return "a file only: no run knows this issue"
    if record.status is IssueStatus.APPROVED:
        return _approval(record, mail)
    return _STANDING[record.status]


def _approval(record: IssueRecord, mail: Mail) -> str:
    if record.approved_hash == mail.digest:
        return "approved"
    return "changed since its approval, which is void"
