"""What is remembered of feeds, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.models import FeedState
from flows.store.feeds import load_states, save_state

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

URL = "https://harbour.example/feed"


def test_a_state_comes_back_as_it_was(engine: Engine, now: datetime) -> None:
    state = FeedState(
        url=URL,
        etag='W/"caf\xe9"',
        last_modified="Wed, 18 Dec 2024 12:00:00 GMT",
        body_hash="0" * 64,
        asked_at=now,
        succeeded_at=now,
        due_at=now,
        failures=3,
        error="fetch: no answer",
        gone=True,
        moved_to="https://new.example/feed",
        moves_seen=2,
    )
    save_state(engine, state)
    assert load_states(engine, [URL]) == {URL: state}


def test_a_later_state_takes_the_place_of_the_earlier(engine: Engine, now: datetime) -> None:
    save_state(engine, FeedState(url=URL, etag='"1"', failures=2))
    later = FeedState(url=URL, asked_at=now)
    save_state(engine, later)
    assert load_states(engine, [URL]) == {URL: later}


def test_only_the_feeds_asked_for_are_loaded(engine: Engine) -> None:
    save_state(engine, FeedState(url=URL))
    save_state(engine, replace(FeedState(url=URL), url="https://other.example/"))
    assert list(load_states(engine, ["https://other.example/", "https://never.example/"])) == [
        "https://other.example/"
    ]
    assert load_states(engine, []) == {}
