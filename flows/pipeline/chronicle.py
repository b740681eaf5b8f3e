"""Every run's beginning and end, kept in the database, and the verdict's mail to the editor."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.errors import NewsletterError
from flows.models import Letter, Outcome, Verdict
from flows.pipeline import verdicts
from flows.pipeline.letters import post
from flows.pipeline.ready import letter_for
from flows.pipeline.stores import open_store
from flows.pipeline.work import utc_now
from flows.store import runs
from flows.store.owner import alive, this_process
from flows.store.runs import DRAFT, SEND, WAVE, WEEKLY, Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from flows.settings import Settings
    from flows.store.runs import RunRecord

logger = logging.getLogger(__name__)

# What a person waits for, and the command that goes on with it.
GOES_ON = {WEEKLY: "newsletter run", SEND: "newsletter run", DRAFT: "newsletter draft"}
# A job that has no verdict ends so.
DONE = "done"
# No run is at work until the next week's begins: a machine that is gone must not hold that up.
LONGEST = timedelta(days=6)
KILLED = "its process ended before it could say how it went (killed, out of memory, power cut)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Which job runs: its name, Prefect's id of the run, whether the schedule started it.

    `quiet` leaves no trace: a rehearsal is no run.
    """

    job: str = WEEKLY
    flow_run: str = ""
    scheduled: bool = False
    quiet: bool = False


class Page:
    """The run's row; what it is told last is kept when the block ends."""

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.done = ""


@contextlib.contextmanager
def chronicled(
    settings: Settings, account: Account, *, clock: Callable[[], datetime] = utc_now
) -> Iterator[Page]:
    """Keep that a run began, and when the block ends how it ended; the editor is told.

    A database or a mail server that is out of order is logged: it must not stop a run that can
    go on, nor hide its verdict.
    """
    page = Page()
    if account.quiet:
        yield page
        return
    run_id = _begin(settings, account, clock())
    try:
        yield page
    except NewsletterError as error:
        page.verdict = verdicts.failed(error)
        raise
    except BaseException as error:
        reason = f"it broke off: {error!r}"
        page.verdict = Verdict(verdict=Outcome.FAILED, reason=reason, next="newsletter doctor")
        raise
    finally:
        _end(settings, run_id, page, clock())
        if page.verdict and account.job != WAVE:
            tell(settings, page.verdict)


def _begin(settings: Settings, account: Account, now: datetime) -> int | None:
    try:
        with open_store(settings) as engine:
            return runs.begin(
                engine,
                job=account.job,
                flow_run=account.flow_run,
                scheduled=account.scheduled,
                owner=this_process(),
                now=now,
            )
    except NewsletterError as error:
        logger.warning("the run's beginning was not kept: %s", error)
        return None


def _end(settings: Settings, run_id: int | None, page: Page, now: datetime) -> None:
    if run_id is None:
        return
    try:
        with open_store(settings) as engine:
            runs.end(engine, run_id, _ending(page), now=now)
    except NewsletterError as error:
        logger.warning("the run's end was not kept: %s", error)


def _ending(page: Page) -> Ending:
    verdict = page.verdict
    if verdict is None:
        return Ending(verdict=DONE, reason=page.done)
    return Ending(
        verdict=verdict.verdict.value,
        reason=verdict.reason,
        next=verdict.next,
        issue=verdict.issue,
    )


def tell(settings: Settings, verdict: Verdict) -> bool:
    """Mail the verdict to the editor, if the settings name one; False if nobody was told.

    That an issue was sent before is no news.
    """
    editor = settings.newsletter.editor
    if not editor or (verdict.verdict is Outcome.SKIPPED and verdict.issue):
        return False
    try:
        post(settings, letter_for(settings, verdict) or letter(settings, verdict))
    except NewsletterError as error:
        logger.warning("the verdict was not mailed to the editor: %s", error)
        return False
    return True


def letter(settings: Settings, verdict: Verdict) -> Letter:
    """Return the verdict as a mail to the editor."""
    lines = [verdicts.as_text(verdict)]
    if verdict.next:
        lines += ["", f"(in {settings.folder})"]
    return Letter(
        to=settings.newsletter.editor,
        subject=f"{settings.newsletter.title}: {verdicts.headline(verdict)}",
        text="\n".join(lines) + "\n",
        purpose="verdict",
    )


def settle(settings: Settings, *, now: datetime, lost: Collection[str] = ()) -> list[RunRecord]:
    """End the runs whose process is dead, tell the editor, and return them.

    A run on another machine is that machine's to settle, unless its id at Prefect is among the
    `lost` or it is LONGEST under way: a container that is made anew has another name, and is
    another machine then. What is known to live goes on: a run may outlive the serve that began it.
    """
    with open_store(settings) as engine:
        found = [(one, alive(one.owner)) for one in runs.unended(engine)]
        dead = [
            one
            for one, lives in found
            if lives is False or (lives is None and _is_lost(one, lost, now=now))
        ]
        settled = []
        for one in dead:
            after = f"{GOES_ON[one.job]} goes on from there" if one.job in GOES_ON else ""
            ending = Ending(verdict=Outcome.FAILED.value, reason=KILLED, next=after)
            if runs.end(engine, one.id, ending, now=now):
                settled.append(one)
    for one in settled:
        if command := GOES_ON.get(one.job):
            tell(settings, Verdict(verdict=Outcome.FAILED, reason=KILLED, next=command))
    return settled


def _is_lost(run: RunRecord, lost: Collection[str], *, now: datetime) -> bool:
    return run.flow_run in lost or now - run.started_at > LONGEST
