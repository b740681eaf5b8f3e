"""The editor's single steps before there is a mail: draft, and look at what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.errors import IssueState, NewsletterError
from flows.models import IssueStatus
from flows.pipeline.drafting import (
    compose,
    draft_again,
    draft_issue,
    window,
)
from flows.pipeline.options import RunOptions
from flows.pipeline.reading import files_of, read_issue
from flows.pipeline.stores import open_store
from flows.pipeline.targets import choose, claim, coming, coming_number
from flows.pipeline.whereabouts import newest
from flows.pipeline.work import Work, preparing, utc_now
from flows.store import issues

if TYPE_CHECKING:
    from datetime import datetime

    from flows.models import Issue, IssueRecord
    from flows.pipeline.drafting import Drafted
    from flows.pipeline.observer import Observer
    from flows.settings import Settings


def draft_now(
    settings: Settings,
    *,
    observer: Observer,
    since: datetime | None = None,
    as_of: datetime | None = None,
    ahead: bool = False,
) -> tuple[IssueRecord, Drafted]:
    """Write the file of the open or coming issue from what is stored.

    `ahead` is the schedule's: the coming slot's issue, whatever else is open. If the file stands
    already, new stories are added under "New since the draft", and all else is left.
    Nothing is claimed or written if too little is in it (`skip`). Raises IssueState if that
    issue is past drafting.
    """
    now = as_of or utc_now()
    with open_store(settings) as engine:
        work = Work(settings=settings, engine=engine, observer=observer)
        with preparing(work):
            target = coming(settings, engine, now) if ahead else None
            target = target or choose(settings, engine, RunOptions(), now=now)
            record = claim(settings, engine, target)
            if record.status not in (IssueStatus.DRAFT, IssueStatus.APPROVED):
                raise IssueState(
                    f"issue {record.number} is {record.status.value}; the next one is drafted "
                    "after its slot"
                )
            covers = window(settings, engine, now=now, since=since)
            if files_of(settings, record.number).draft.exists():
                return record, draft_again(settings, engine, record, covers=covers)
            drafted = draft_issue(settings, engine, record, covers=covers)
            if drafted.skip:
                issues.release(engine, record.number)
            return record, drafted


def open_issue(
    settings: Settings,
    number: int | None,
    *,
    since: datetime | None = None,
    as_of: datetime | None = None,
) -> Issue:
    """Return the issue with this number, else the newest open one, else what a draft would be.

    Leaves no trace. Raises IssueError if its file is missing or broken.
    """
    now = as_of or utc_now()
    number = number or newest(settings, now=now)
    if number is not None:
        return read_issue(files_of(settings, number))
    with open_store(settings) as engine:
        target = choose(settings, engine, RunOptions(), now=now)
        covers = window(settings, engine, now=now, since=since)
        coming = coming_number(settings, engine, RunOptions(), now)
        drafted = compose(settings, engine, coming, slot=target.slot, covers=covers)
        if not drafted.items:
            raise NewsletterError(
                "there is nothing to show: no items are stored for the coming issue; "
                "newsletter gather fetches them, newsletter preview --sample shows a sample"
            )
        return drafted.issue


def number_to_come(settings: Settings) -> int:
    """Return the number of the issue that a run now is for."""
    with open_store(settings) as engine:
        return coming_number(settings, engine, RunOptions(), utc_now())
