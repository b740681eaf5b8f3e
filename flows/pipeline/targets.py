"""Which issue a run is for: the open one, the slot's, or an additional one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.models import IssueStatus
from flows.pipeline.files import highest_number
from flows.settings.shapes import WEEKDAYS
from flows.settings.slots import due_slot, next_slot
from flows.store import issues
from flows.store.history import newest_issue

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.models import IssueRecord
    from flows.pipeline.options import RunOptions
    from flows.settings import Settings


# A scheduler may fire this much early.
EARLY = timedelta(minutes=5)
# What a scheduled run may take to gather, draft and hand over before the fence's time begins.
HAND_OVER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The issue a run is for: `record` if it stands already, else the `slot` to claim.

    An additional issue has no slot. `missed` says that a scheduled run came too late for its own.
    """

    slot: datetime | None
    record: IssueRecord | None
    missed: str = ""


def choose(settings: Settings, engine: Engine, options: RunOptions, *, now: datetime) -> Target:
    """Return the issue that a run at `now` is for, without claiming anything."""
    if options.extra:
        return Target(slot=None, record=None)
    if options.scheduled:
        return _scheduled(settings, engine, now)
    for record in issues.open_ones(engine):
        if is_live(settings, record, now):
            return Target(slot=record.slot, record=record)
    slot = slot_at(settings, now)
    return Target(slot=slot, record=issues.find_slot(engine, slot))


def is_live(settings: Settings, record: IssueRecord, now: datetime) -> bool:
    """Say whether a run still takes the open issue up: not if its slot and grace are over.

    What is being sent is always finished; what was held too long goes out by `newsletter send`.
    """
    if record.slot is None or record.status is IssueStatus.SENDING:
        return True
    return now <= record.slot + settings.schedule.grace


def _scheduled(settings: Settings, engine: Engine, now: datetime) -> Target:
    """Return the slot that a run of the schedule is for, never one that is a week away."""
    schedule = settings.schedule
    slot = next_slot(schedule, now)
    # By the wall clock, as the cron line has it: in the night in which an hour comes twice a run
    # may start that hour early, and the fence holds its mail until the slot.
    zone = ZoneInfo(schedule.timezone)
    ahead = _wall(slot, zone) - _wall(now, zone)
    # The one ahead first: within a long grace the one of last week is still due.
    if ahead > lead(settings) + EARLY:
        due = due_slot(schedule, now, schedule.grace)
        if due is None:
            missed = f"its slot is over by more than the grace of {schedule.grace}"
            return Target(slot=None, record=None, missed=missed)
        slot = due
    return Target(slot=slot, record=issues.find_slot(engine, slot))


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def slot_at(settings: Settings, now: datetime) -> datetime:
    """Return the slot due within its grace, else the coming one."""
    schedule = settings.schedule
    return due_slot(schedule, now, schedule.grace) or next_slot(schedule, now)


def coming(settings: Settings, engine: Engine, now: datetime) -> Target:
    """Return the issue of the next slot, whatever else is open."""
    slot = next_slot(settings.schedule, now)
    return Target(slot=slot, record=issues.find_slot(engine, slot))


def claim(settings: Settings, engine: Engine, target: Target) -> IssueRecord:
    """Return the target's issue, claimed now unless it stands; its number is new on disk too.

    Files of a newsletter whose database was lost must not be taken for a draft and sent again,
    and one that moved here goes on counting from its imported issues.
    """
    if target.record is not None:
        return target.record
    return issues.claim(engine, target.slot, at_least=_unused(settings, engine))


def coming_number(settings: Settings, engine: Engine, options: RunOptions, now: datetime) -> int:
    """Return the number of the issue that a run at `now` is for."""
    target = choose(settings, engine, options, now=now)
    if target.record is not None:
        return target.record.number
    return max(issues.next_number(engine), _unused(settings, engine))


def _unused(settings: Settings, engine: Engine) -> int:
    """Return a number above those of the issue files and of what is remembered."""
    return max(highest_number(settings.paths.issues), newest_issue(engine)) + 1


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
