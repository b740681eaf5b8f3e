"""The figures of the list: weeks that add up, sources, leavings by issue; and their picture."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import insert

from flows.cli.preview_people import people_page
from flows.pipeline.growth import Week, growth
from flows.pipeline.stores import open_store
from flows.render.growth import growth_svg
from flows.store.schema import deliveries, issues
from subscribers import store
from subscribers.consent import agreement
from subscribers.models import ConsentAction, Newcomer, SuppressionReason
from subscribers.store import choices, labels
from tests.newsletters import STORIES, Newsletter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

WEEK = timedelta(weeks=1)


def add(engine: Engine, now: datetime, *names: str, source: str = "fair") -> list[int]:
    people = [Newcomer(email=f"{name}@x.example", key=f"{name}@x.example") for name in names]
    agreed = agreement("yes", source=source)
    store.admit(engine, people, agreement=agreed, action=ConsentAction.ADDED, now=now)
    found = [store.find(engine, one.key) for one in people]
    return [who.id for who in found if who is not None]


@pytest.fixture
def lived(any_engine: Engine, now: datetime) -> Engine:
    """Four came two weeks ago, two last week; one left by an issue, one bounced this week."""
    engine = any_engine
    ann, *_rest = add(engine, now - 2 * WEEK, "ann", "bob", "cy", "dee")
    add(engine, now - WEEK, "eve", "fay", source="import (Ghost)")
    store.unsubscribe(engine, ann, source="one click", now=now - WEEK, issue=7)
    store.suppress(engine, "bob@x.example", reason=SuppressionReason.BOUNCE, now=now)
    fay = store.find(engine, "fay@x.example")
    assert fay is not None
    choices.pause(engine, fay.id, until=now + WEEK, now=now)
    labels.tag_people(engine, ["fay@x.example", "ann@x.example"], "team")
    with engine.begin() as connection:
        connection.execute(insert(issues).values(number=7, status="sent"))
        rows = [{"issue": 7, "subscriber_id": one, "status": "accepted"} for one in range(1, 5)]
        connection.execute(insert(deliveries), rows)
    return engine


def test_the_weeks_add_up_to_who_is_there(lived: Engine, now: datetime) -> None:
    weeks = growth(lived, now=now, weeks=4).weeks
    told = [(week.came, week.left, week.total) for week in weeks]
    assert told == [(0, 0, 0), (4, 0, 4), (2, 1, 5), (0, 1, 4)]
    assert all(week.monday.weekday() == 0 for week in weeks)
    assert store.count(lived)["active"] == weeks[-1].total


def test_leavings_are_told_by_issue_and_people_by_source(lived: Engine, now: datetime) -> None:
    found = growth(lived, now=now)
    [leave] = found.issues
    assert (leave.issue, leave.accepted, leave.left, leave.share) == (7, 4, 1, 0.25)
    assert [(one.name, one.people, one.active) for one in found.sources] == [
        ("fair", 4, 2),
        ("import (Ghost)", 2, 2),
    ]
    assert (found.paused, found.tags) == (1, {"team": 1})


def pictures(weeks: Sequence[Week]) -> list[ET.Element]:
    """Return the picture, as it is drawn for a desk and for a telephone."""
    return list(ET.fromstring(f"<p>{growth_svg(weeks)}</p>"))  # noqa: S314 - our own


def test_an_empty_list_has_figures_too(any_engine: Engine, now: datetime) -> None:
    found = growth(any_engine, now=now)
    assert (found.sources, found.issues, len(found.weeks)) == ((), (), 26)
    assert [one.get("role") for one in pictures(found.weeks)] == ["img", "img"]


@pytest.mark.parametrize("most", [0, 1, 9, 10, 101, 999_999])
def test_the_picture_stays_within_itself(most: int, now: datetime) -> None:
    weeks = [
        Week(monday=now.date() + number * WEEK, came=most, left=most // 2, total=most * number)
        for number in range(26)
    ]
    for picture in pictures(weeks):
        width = float(picture.attrib["viewBox"].split()[2])
        [line] = [one for one in picture.iter() if one.tag == "polyline"]
        points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        assert len(points) == 26
        assert all(0 <= x <= width and 20 <= y <= 150 for x, y in points)
    assert growth_svg([]) == ""


def test_the_preview_has_a_page_on_the_list(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write().tell(*STORIES).subscribe(3)
    with open_store(newsletter.settings) as engine:
        labels.tag_people(engine, ["reader1@example.com"], "<b>")
    page = people_page(newsletter.settings)
    assert "3 active" in page
    assert "<svg" in page
    assert "&lt;b&gt;" in page
    assert "reader1" not in page
