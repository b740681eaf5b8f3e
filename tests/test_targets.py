from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from flows.pipeline.options import RunOptions
from flows.pipeline.targets import choose, draft_cron, lead, weekly_cron
from flows.settings import next_slot
from tests.newsletters import Newsletter

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

SCHEDULE = '[schedule]\nday = "{day}"\ntime = "{time}"\ndraft_ahead = "48h"\n'
FENCED = 'transport = "sendgrid"\nfence_minutes = 20\n'


def newsletter(folder: Path, *, day: str, time: str, sending: str = "") -> Newsletter:
    schedule = SCHEDULE.format(day=day, time=time)
    return Newsletter(folder).write(newsletter=schedule, sending=sending)


@pytest.mark.parametrize(
    ("day", "time", "cron"),
    [("monday", "08:00", "0 8 * * 1"), ("sunday", "07:00", "0 7 * * 0")],
)
def test_without_a_fence_the_run_starts_at_the_slot(
    tmp_path: Path, day: str, time: str, cron: str
) -> None:
    assert weekly_cron(newsletter(tmp_path, day=day, time=time).settings) == cron


@pytest.mark.parametrize(
    ("day", "time", "cron"),
    [
        ("monday", "08:00", "30 7 * * 1"),
        ("monday", "00:10", "40 23 * * 0"),
        ("sunday", "00:00", "30 23 * * 6"),
    ],
)
def test_behind_a_fence_the_run_starts_earlier_over_midnight_and_week(
    tmp_path: Path, day: str, time: str, cron: str
) -> None:
    settings = newsletter(tmp_path, day=day, time=time, sending=FENCED).settings
    assert weekly_cron(settings) == cron


def test_the_fences_own_minutes_are_within_the_lead(tmp_path: Path) -> None:
    settings = newsletter(tmp_path, day="monday", time="08:00", sending=FENCED).settings
    assert lead(settings).total_seconds() / 60 > settings.sending.fence_minutes


@pytest.mark.parametrize("grace", ["0h", "6h", "6d23h59m"])
@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=20), timedelta(minutes=29)])
def test_a_run_ahead_of_its_slot_is_for_that_slot_however_long_the_grace(
    tmp_path: Path, engine: Engine, grace: str, late: timedelta
) -> None:
    made = newsletter(tmp_path, day="monday", time="08:00", sending=FENCED)
    text = (tmp_path / "newsletter.toml").read_text(encoding="utf-8")
    text = text.replace("draft_ahead", f'grace = "{grace}"\ndraft_ahead')
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    starts_at = datetime(2026, 11, 30, 7, 30, tzinfo=UTC)
    found = choose(made.settings, engine, RunOptions(scheduled=True), now=starts_at + late)
    assert found.slot == datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


def test_a_draft_is_written_two_days_ahead(tmp_path: Path) -> None:
    assert draft_cron(newsletter(tmp_path, day="monday", time="08:00").settings) == "0 8 * * 6"


def starts(cron: str, zone: str, *, since: datetime, weeks: int) -> list[datetime]:
    """When a cron line of one weekday fires, as Prefect has it: by the wall clock."""
    minute, hour, _, _, day = cron.split()
    first = since.astimezone(ZoneInfo(zone)).date()
    days = [first + timedelta(days=ahead) for ahead in range(7 * weeks)]
    return [
        datetime(one.year, one.month, one.day, int(hour), int(minute), tzinfo=ZoneInfo(zone))
        for one in days
        if one.isoweekday() % 7 == int(day)
    ]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("time", ["02:30", "03:10", "00:05", "08:00"])
@pytest.mark.parametrize("sending", ["", FENCED], ids=["plain", "fenced"])
def test_every_slot_of_a_year_has_a_start_when_the_clocks_change_both_ways(
    tmp_path: Path, engine: Engine, zone: str, time: str, sending: str
) -> None:
    made = newsletter(tmp_path, day="sunday", time=time, sending=sending)
    text = (tmp_path / "newsletter.toml").read_text(encoding="utf-8")
    text = text.replace("draft_ahead", f'timezone = "{zone}"\ndraft_ahead')
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    settings = made.settings
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    fired = starts(weekly_cron(settings), zone, since=begin - timedelta(days=1), weeks=54)
    slot = begin
    for _ in range(52):
        slot = next_slot(settings.schedule, slot)
        near = [one for one in fired if abs(one.astimezone(UTC) - slot) < timedelta(days=1)]
        asked = RunOptions(scheduled=True)
        targets = [choose(settings, engine, asked, now=one.astimezone(UTC)) for one in near]
        assert [target.slot for target in targets] == [slot]
