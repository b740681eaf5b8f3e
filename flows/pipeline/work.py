"""What every stage of a run works with, opened once at the edge."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flows.deliver.deliver import Step, plainly
from flows.errors import NewsletterError
from flows.store import leases
from flows.store.owner import this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from flows.pipeline.observer import Observer
    from flows.settings import Settings

# Two runs must not draft the same issue at once; the second waits for the first.
PREPARING = "preparing"
PREPARING_LASTS = timedelta(minutes=15)
POLL = 0.5


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def alone(_issue: int) -> None:
    """Ask nobody for help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """What a scheduler brings: how a step runs, its id of the run, and other hands.

    `share` is called when an issue's hand-over begins, and may bring others to take part in it.
    """

    step: Step = plainly
    flow_run: str = ""
    share: Callable[[int], None] = alone


NO_SCHEDULER = Scheduler()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The settings, the open database, and who is told, how steps run, what time it is."""

    settings: Settings
    engine: Engine
    observer: Observer
    step: Step = plainly
    share: Callable[[int], None] = alone
    clock: Callable[[], datetime] = utc_now
    wait: Callable[[float], None] = time.sleep


@contextlib.contextmanager
def preparing(work: Work) -> Iterator[None]:
    """Hold the right to draft; waits while another living process has it.

    Raises NewsletterError if the observer stops it while it waits.
    """
    owner = this_process()
    told = False
    while not leases.acquire(
        work.engine, PREPARING, owner=owner, now=work.clock(), lasts=PREPARING_LASTS
    ):
        if not told:
            work.observer.say("Another run is preparing the issue; waiting for it …")
            told = True
        if work.observer.stopping():
            raise NewsletterError("stopped while another run was preparing the issue")
        work.wait(POLL)
    try:
        yield
    finally:
        leases.release(work.engine, PREPARING, owner=owner)
