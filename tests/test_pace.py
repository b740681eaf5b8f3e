from __future__ import annotations

from flows.models import Counts
from flows.pipeline.pace import Pace


def test_nothing_is_said_of_the_rate_before_it_is_known() -> None:
    assert Pace().told(Counts(planned=90, accepted=10), at=5.0) == "Mails 10 of 100"


def test_the_rate_and_what_is_left_are_told() -> None:
    pace = Pace()
    pace.told(Counts(planned=100_000), at=0.0)
    line = pace.told(Counts(planned=80_000, accepted=19_900, in_doubt=100), at=10.0)
    assert line == "Mails 19,900 of 100,000, 100 in doubt, 2,000 a second, 40 s left"


def test_a_slow_server_is_told_by_the_minute() -> None:
    pace = Pace()
    pace.told(Counts(planned=1000), at=0.0)
    assert pace.told(Counts(planned=995, accepted=5), at=30.0) == (
        "Mails 5 of 1,000, 10 a minute, 1.7 h left"
    )


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    lines = [
        pace.told(Counts(planned=2000 - accepted, accepted=accepted), at=second)
        for second, accepted in ((0.0, 0), (100.0, 10), (110.0, 510), (120.0, 1010), (130.0, 1510))
    ]
    assert "50 a second, 10 s left" in lines[-1]


def test_a_cancelled_wave_does_not_make_the_rate_negative() -> None:
    pace = Pace()
    pace.told(Counts(planned=10, accepted=90), at=0.0)
    assert pace.told(Counts(planned=60, accepted=40), at=9.0) == "Mails 40 of 100"
