from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.settings import ScheduleSettings, due_slot, next_slot
from flows.settings.shapes import WEEKDAYS

GRACE = timedelta(hours=6)
MONDAY = ScheduleSettings(day="monday", time=time(8), timezone="Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_next_slot_is_in_the_schedules_zone() -> None:
    assert next_slot(MONDAY, utc("2026-11-20T12:00")) == utc("2026-11-23T07:00")


def test_at_its_slot_the_next_one_is_a_week_away() -> None:
    assert next_slot(MONDAY, utc("2026-11-23T07:00")) == utc("2026-11-30T07:00")


def test_a_second_before_its_slot_the_next_one_is_now() -> None:
    assert next_slot(MONDAY, utc("2026-11-23T06:59:59")) == utc("2026-11-23T07:00")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-11-23T06:59:59", None, id="not-yet"),
        pytest.param("2026-11-23T07:00", "2026-11-23T07:00", id="at-the-slot"),
        pytest.param("2026-11-23T13:00", "2026-11-23T07:00", id="at-the-end-of-grace"),
        pytest.param("2026-11-23T13:00:01", None, id="grace-has-run-out"),
    ],
)
def test_a_slot_is_due_until_its_grace_runs_out(now: str, expected: str | None) -> None:
    assert due_slot(MONDAY, utc(now), GRACE) == (utc(expected) if expected else None)


def test_the_wall_clock_stays_when_the_clocks_go_forward() -> None:
    assert next_slot(MONDAY, utc("2026-03-23T12:00")) == utc("2026-03-30T06:00")


def test_the_wall_clock_stays_when_the_clocks_go_back() -> None:
    assert next_slot(MONDAY, utc("2026-10-19T12:00")) == utc("2026-10-26T07:00")


def test_a_time_that_the_clocks_skip_is_as_late_as_they_moved() -> None:
    schedule = ScheduleSettings(day="sunday", time=time(2, 30), timezone="Europe/Berlin")
    slot = next_slot(schedule, utc("2026-03-28T12:00"))
    assert slot == utc("2026-03-29T01:30")
    assert slot.astimezone(ZoneInfo("Europe/Berlin")).time() == time(3, 30)


def test_of_a_time_that_the_clocks_show_twice_the_first_counts() -> None:
    schedule = ScheduleSettings(day="sunday", time=time(2, 30), timezone="Europe/Berlin")
    first = next_slot(schedule, utc("2026-10-24T12:00"))
    assert first == utc("2026-10-25T00:30")
    assert next_slot(schedule, first) == utc("2026-11-01T01:30")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_a_day_is_the_day_in_the_schedules_zone(zone: str) -> None:
    schedule = ScheduleSettings(day="monday", time=time(0, 5), timezone=zone)
    slot = next_slot(schedule, utc("2026-11-20T12:00")).astimezone(ZoneInfo(zone))
    assert (slot.weekday(), slot.time()) == (0, time(0, 5))


SCHEDULES = st.builds(
    ScheduleSettings,
    day=st.sampled_from(WEEKDAYS),
    time=st.times().map(lambda moment: moment.replace(second=0, microsecond=0)),
    timezone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
    ),
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(SCHEDULES, MOMENTS)
def test_now_lies_between_the_latest_slot_and_the_next(
    schedule: ScheduleSettings, now: datetime
) -> None:
    latest = due_slot(schedule, now, timedelta(days=8))
    following = next_slot(schedule, now)
    assert latest is not None
    assert latest <= now < following
    assert timedelta(days=6, hours=22) <= following - latest <= timedelta(days=7, hours=2)


@given(SCHEDULES, MOMENTS)
def test_from_slot_to_slot_no_week_is_lost(schedule: ScheduleSettings, now: datetime) -> None:
    slot = next_slot(schedule, now)
    assert due_slot(schedule, slot, timedelta()) == slot
    assert due_slot(schedule, next_slot(schedule, slot), timedelta()) != slot
