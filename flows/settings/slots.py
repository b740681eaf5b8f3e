"""When readers are to get an issue: the slots of a weekly schedule, as moments in UTC.

A slot is a wall-clock time in the schedule's zone. Where the clocks skip that time, PEP 495's
reading holds (the slot is as late as the clocks moved); where they show it twice, the first counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.settings.shapes import WEEKDAYS

if TYPE_CHECKING:
    from flows.settings.model import ScheduleSettings


def next_slot(schedule: ScheduleSettings, now: datetime) -> datetime:
    """Return the first slot after `now`, in UTC."""
    return min(slot for slot in _slots_around(schedule, now) if slot > now)


def due_slot(schedule: ScheduleSettings, now: datetime, grace: timedelta) -> datetime | None:
    """Return the latest slot up to `now`, in UTC; None if its grace has run out."""
    latest = max(slot for slot in _slots_around(schedule, now) if slot <= now)
    return latest if now - latest <= grace else None


def _slots_around(schedule: ScheduleSettings, now: datetime) -> list[datetime]:
    zone = ZoneInfo(schedule.timezone)
    today = now.astimezone(zone).date()
    ahead = (WEEKDAYS.index(schedule.day) - today.weekday()) % len(WEEKDAYS)
    days = [today + timedelta(days=ahead + 7 * weeks) for weeks in (-2, -1, 0, 1)]
    return [datetime.combine(day, schedule.time, tzinfo=zone).astimezone(UTC) for day in days]
