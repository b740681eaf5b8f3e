"""Which issue a run is for: the open one, the slot's, or an additional one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flows.pipeline.files import highest_number
from flows.settings.shapes import WEEKDAYS
from flows.settings.slots import due_slot, next_slot
from flows.store import issues

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.models import IssueRecord
    from flows.pipeline.options import RunOptions
    from flows.settings import Settings


# What a scheduled run may take to gather, draft and hand over before the fence's time begins.
HAND_OVER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The issue a run is for: `record` if it stands already, else the `slot` to claim.

    An additional issue has no slot.
    """

    slot: datetime | None
    record: IssueRecord | None


def choose(settings: Settings, engine: Engine, options: RunOptions, *, now: datetime) -> Target:
    """Return the issue that a run at `now` is for, without claiming anything."""
    if options.extra:
        return Target(slot=None, record=None)
    if not options.scheduled and (record := issues.newest_open(engine)):
        return Target(slot=record.slot, record=record)
    slot = slot_at(settings, now)
    return Target(slot=slot, record=issues.find_slot(engine, slot))


def slot_at(settings: Settings, now: datetime) -> datetime:
    """Return the slot due within its grace, else the coming one."""
    schedule = settings.schedule
    return due_slot(schedule, now, schedule.grace) or next_slot(schedule, now)


def claim(settings: Settings, engine: Engine, target: Target) -> IssueRecord:
    """Return the target's issue, claimed now unless it stands; its number is new on disk too.

    Files of a newsletter whose database was lost must not be taken for a draft and sent again.
    """
    if target.record is not None:
        return target.record
    at_least = highest_number(settings.paths.issues) + 1
    return issues.claim(engine, target.slot, at_least=at_least)


def coming_number(settings: Settings, engine: Engine, options: RunOptions, now: datetime) -> int:
    """Return the number of the issue that a run at `now` is for."""
    target = choose(settings, engine, options, now=now)
    if target.record is not None:
        return target.record.number
    return max(issues.next_number(engine), highest_number(settings.paths.issues) + 1)


def lead(settings: Settings) -> timedelta:
    """Return how long before its slot a scheduled run starts: the fence's time and some more."""
    sending = settings.sending
    if sending.transport != "sendgrid" or not sending.fence:
        return timedelta()
    return timedelta(minutes=sending.fence_minutes) + HAND_OVER


def weekly_cron(settings: Settings) -> str:
    """Return when the weekly run starts as a cron line in the schedule's zone (crontab(5))."""
    return _cron(settings, ahead=lead(settings))


def draft_cron(settings: Settings) -> str:
    """Return when the draft of a held issue is written as a cron line in the schedule's zone."""
    return _cron(settings, ahead=settings.schedule.draft_ahead)


def _cron(settings: Settings, *, ahead: timedelta) -> str:
    schedule = settings.schedule
    # 2024-01-01 was a Monday; the week wraps by itself.
    monday = datetime(2024, 1, 1)  # noqa: DTZ001 - wall-clock time in the schedule's zone
    slot = monday.replace(hour=schedule.time.hour, minute=schedule.time.minute)
    start = slot + timedelta(days=WEEKDAYS.index(schedule.day)) - ahead
    return f"{start.minute} {start.hour} * * {start.isoweekday() % 7}"
