from __future__ import annotations

import pytest

from flows.wording import counted


@pytest.mark.parametrize(
    ("count", "one", "told"),
    [
        (0, "feed", "0 feeds"),
        (1, "feed", "1 feed"),
        (2, "new item", "2 new items"),
        (1, "entry", "1 entry"),
        (1_200, "entry", "1,200 entries"),
    ],
)
def test_things_are_counted_as_people_say_it(count: int, one: str, told: str) -> None:
    assert counted(count, one) == told


def test_what_goes_by_no_rule_is_said_as_given() -> None:
    assert counted(2, "story stands", "stories stand") == "2 stories stand"
    assert counted(1, "story stands", "stories stand") == "1 story stands"
