from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flows.pipeline.targets import draft_cron, lead, weekly_cron
from tests.newsletters import Newsletter

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_draft_is_written_two_days_ahead(tmp_path: Path) -> None:
    assert draft_cron(newsletter(tmp_path, day="monday", time="08:00").settings) == "0 8 * * 6"
