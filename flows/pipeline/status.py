"""How the newsletter stands: what ran last and comes next, and what wants a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.models import IssueStatus
from flows.pipeline.standing import standings
from flows.pipeline.stores import open_store
from flows.pipeline.targets import draft_cron, lead, weekly_cron
from flows.settings import next_slot
from flows.store import issues, runs
from flows.store.ledger import counts
from flows.store.overview import doubts
from flows.store.owner import alive
from flows.store.runs import GATHER, SEND, WEEKLY
from subscribers import store as people

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import Counts, IssueRecord
    from flows.settings import Settings
    from flows.store.runs import RunRecord

# Slots ahead that may be sent already.
WEEKS = 8
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The next slot that is not served yet, and when the schedule begins its work."""

    slot: datetime
    starts_at: datetime
    drafted_at: datetime | None
    weekly_cron: str
    draft_cron: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything `newsletter status` tells; `resting` counts feeds by state."""

    last_run: RunRecord | None
    last_gathered: RunRecord | None
    running: tuple[RunRecord, ...]
    coming: Coming
    last_sent: IssueRecord | None
    last_counts: Counts | None
    open_issues: tuple[IssueRecord, ...]
    doubts: dict[int, int]
    feeds: dict[str, int]
    subscribers: dict[str, int]


def status(settings: Settings, *, now: datetime) -> Status:
    """Return how the newsletter stands at `now`; nothing is changed and nobody is asked."""
    with open_store(settings) as engine:
        last_sent = issues.last_sent(engine)
        return Status(
            last_run=_last_run(engine),
            last_gathered=runs.last_ended(engine, GATHER),
            running=tuple(one for one in runs.unended(engine) if alive(one.owner) is not False),
            coming=coming(settings, engine, now=now),
            last_sent=last_sent,
            last_counts=counts(engine, last_sent.number) if last_sent else None,
            open_issues=tuple(issues.open_ones(engine)),
            doubts=doubts(engine),
            feeds=dict(Counter(one.state for one in standings(settings, engine, now=now))),
            subscribers=people.count(engine),
        )


def _last_run(engine: Engine) -> RunRecord | None:
    found = [run for run in (runs.last_ended(engine, job) for job in (WEEKLY, SEND)) if run]
    return max(found, key=lambda run: run.started_at, default=None)


def coming(settings: Settings, engine: Engine, *, now: datetime) -> Coming:
    """Return the next slot whose issue is not sent, and when work on it begins."""
    slot = next_slot(settings.schedule, now)
    for _ in range(WEEKS):
        record = issues.find_slot(engine, slot)
        if record is None or record.status is not IssueStatus.SENT:
            break
        slot = next_slot(settings.schedule, slot + MOMENT)
    required = settings.newsletter.approval == "required"
    return Coming(
        slot=slot,
        starts_at=slot - lead(settings),
        drafted_at=slot - settings.schedule.draft_ahead if required else None,
        weekly_cron=weekly_cron(settings),
        draft_cron=draft_cron(settings) if required else "",
    )
