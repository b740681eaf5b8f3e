"""How feeds stand, which command mends each, and what a week of visits amounts to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flows.models import Feed, FeedReport, FeedState, Item, Visit
from flows.pipeline.standing import manners, standings
from flows.settings import parse
from flows.store.feeds import save_state
from flows.store.visits import KEPT, load_visits, prune_visits, save_reports

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.settings import Settings

URL = "https://harbour.example/feed"
HOUR = timedelta(hours=1)
STATE = FeedState(url=URL)
SETTINGS = f"""
[newsletter]
title = "Harbour Weekly"
sender = "weekly@harbour.example.com"
postal_address = "1 Quay"
base_url = "https://news.harbour.example.com"

[[feeds]]
url = "{URL}"
name = "Harbour Notes"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return parse(SETTINGS, tmp_path / "newsletter.toml")


def report(now: datetime, state: FeedState = STATE, **visit: object) -> FeedReport:
    made = Visit(feed_url=state.url, at=now, requests=1)
    return FeedReport(
        feed=Feed(url=state.url),
        state=state,
        items=(Item(feed="x", guid="1", url="https://harbour.example/1", title="One"),),
        status="new",
        visit=replace(made, **visit),  # type: ignore[arg-type] # each test names real fields
    )


def test_a_feed_never_asked_is_new(settings: Settings, engine: Engine, now: datetime) -> None:
    (found,) = standings(settings, engine, now=now)
    assert (found.state, found.command, found.items) == ("new", "newsletter gather", 0)


@pytest.mark.parametrize(
    ("changes", "word", "reason", "command"),
    [
        ({}, "resting", "less than an hour ago", ""),
        ({"due_because": "it asks for 6 h"}, "resting", "it asks for 6 h", ""),
        (
            {"gone": True, "error": "it is gone"},
            "gone",
            "it is gone",
            "feeds remove 'Harbour Notes'",
        ),
        (
            {"moved_to": "https://new.example/", "moves_seen": 3},
            "moved",
            "it moved to https://new.example/",
            "feeds move 'Harbour Notes'",
        ),
        ({"moved_to": "https://new.example/", "moves_seen": 2}, "resting", "less than", ""),
        (
            {"failures": 2, "error": "no answer", "due_because": "it failed 2 times in a row"},
            "failing",
            "no answer (it failed 2 times in a row)",
            f"feeds check {URL}",
        ),
        (
            {"failures": 1, "error": "429", "due_because": "its publisher asks to be left alone"},
            "failing",
            "its publisher asks to be left alone",
            "",
        ),
        (
            {"failures": 1, "error": "403", "due_because": "it told us to keep away (403)"},
            "failing",
            "it told us to keep away",
            "",
        ),
        (
            {"failures": 1, "error": "a page; it names https://new.example/"},
            "failing",
            "it names https://new.example/",
            "feeds move 'Harbour Notes'",
        ),
    ],
    ids=["resting", "max-age", "gone", "moved", "moving", "failing", "wish", "told", "page"],
)
def test_each_standing_has_its_reason_and_the_command_that_mends_it(
    settings: Settings,
    engine: Engine,
    now: datetime,
    *,
    changes: dict[str, object],
    word: str,
    reason: str,
    command: str,
) -> None:
    state = replace(STATE, asked_at=now, succeeded_at=now, due_at=now + HOUR)
    save_state(engine, replace(state, **changes))  # type: ignore[arg-type] # the table's fields
    (found,) = standings(settings, engine, now=now)
    assert found.state == word
    assert reason in found.reason
    assert found.command.removeprefix("newsletter ") == command


def test_the_items_seen_and_the_last_success_are_told(
    settings: Settings, engine: Engine, now: datetime
) -> None:
    state = replace(STATE, asked_at=now, succeeded_at=now, due_at=now + HOUR)
    save_reports(engine, [report(now, state)], now=now)
    (found,) = standings(settings, engine, now=now + 2 * HOUR)
    assert (found.state, found.items, found.last_success) == ("due", 1, now)


def test_a_weeks_visits_are_summed(engine: Engine, now: datetime) -> None:
    visits = [
        report(now - 200 * HOUR, received=9_999_999, status=200),
        report(now - 30 * HOUR, received=1000, status=200, requests=3),
        report(now - 20 * HOUR, saved=1000, status=304),
        report(now - 10 * HOUR, saved=1000, status=304),
    ]
    for visit in visits:
        save_reports(engine, [visit], now=now)
    week = manners(engine, now=now)
    assert (week.visits, week.requests, week.unchanged) == (3, 5, 2)
    assert (week.received, week.saved, round(week.share_unchanged, 2)) == (1000, 2000, 0.67)
    assert week.wishes == ()


@pytest.mark.parametrize(
    ("later", "kept", "sentence"),
    [
        (None, None, "answered 429 and asked for 2 h; it is left alone until 23 Nov 10:00 UTC"),
        (timedelta(hours=3), True, "answered 429 and asked for 2 h; it was left alone for 3 h"),
        (
            timedelta(minutes=5),
            False,
            "answered 429 and asked for 2 h; it was left alone for 5 min",
        ),
    ],
    ids=["not yet", "kept", "broken"],
)
def test_a_wish_to_slow_down_is_told_with_what_we_did(
    engine: Engine, now: datetime, later: timedelta | None, *, kept: bool | None, sentence: str
) -> None:
    asked = report(now, status=429, wait=2 * HOUR, due_at=now + 2 * HOUR)
    save_reports(engine, [asked], now=now)
    if later:
        save_reports(engine, [report(now + later, status=200)], now=now)
    (wish,) = manners(engine, now=now + timedelta(hours=4)).wishes
    assert (wish.feed_url, wish.kept, wish.sentence) == (URL, kept, sentence)


def test_visits_come_back_as_they_were_and_old_ones_go(engine: Engine, now: datetime) -> None:
    made = report(now, status=503, wait=HOUR, due_at=now + HOUR, received=5, saved=0)
    save_reports(engine, [made], now=now)
    assert load_visits(engine, since=now) == [made.visit]
    prune_visits(engine, now=now + KEPT)
    assert len(load_visits(engine, since=now)) == 1
    prune_visits(engine, now=now + KEPT + HOUR)
    assert load_visits(engine, since=now) == []
