"""What is remembered of feeds, byte for byte."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from flows.models import Feed, FeedReport, FeedState, Item, Visit
from flows.store.feeds import forget_state, load_states, move_items, save_state
from flows.store.items import SavedItems, count_items
from flows.store.visits import load_visits, save_reports

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
        body_bytes=1234,
        answered_by="https://cdn.example/feed",
        reading="as of today",
        due_because="its publisher asks for it",
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


def told(url: str, guid: str, now: datetime) -> FeedReport:
    return FeedReport(
        feed=Feed(url=url),
        state=FeedState(url=url, etag='"1"', asked_at=now),
        visit=Visit(feed_url=url, at=now, requests=2, status=200, wait=timedelta(hours=1)),
        items=(Item(feed="x", guid=guid, url=f"{url}/{guid}", title=guid),),
        status="new",
    )


def test_what_feeds_told_is_stored_in_one_go_and_again_without_a_change(
    any_engine: Engine, now: datetime
) -> None:
    reports = [told(URL, "1", now), told("https://other.example/", "1", now)]
    assert save_reports(any_engine, reports, now=now) == SavedItems(new=2)
    assert save_reports(any_engine, reports, now=now) == SavedItems(seen=2)
    assert load_states(any_engine, [URL])[URL].etag == '"1"'
    assert count_items(any_engine, [URL, "https://never.example/"]) == {URL: 1}
    assert load_visits(any_engine, since=now)[0] == reports[0].visit


@pytest.mark.postgres
def test_two_gatherings_of_the_same_feeds_do_not_wait_for_each_other(
    postgres_engine: Engine, now: datetime
) -> None:
    unchanged = [
        replace(told(f"https://{number}.example/", "1", now), items=()) for number in range(500)
    ]
    save_reports(postgres_engine, unchanged, now=now)
    together = Barrier(2)

    def gather(reports: list[FeedReport]) -> SavedItems:
        together.wait()
        return save_reports(postgres_engine, reports, now=now)

    with ThreadPoolExecutor() as pool:
        saved = list(pool.map(gather, (unchanged, unchanged[::-1])))
    assert saved == [SavedItems(), SavedItems()]


def test_a_moved_feeds_items_go_along_but_for_those_that_are_there(
    any_engine: Engine, now: datetime
) -> None:
    new = "https://new.example/feed"
    for url, guid in ((URL, "1"), (URL, "2"), (new, "2")):
        save_reports(any_engine, [told(url, guid, now)], now=now)
    move_items(any_engine, URL, new)
    assert count_items(any_engine, [URL, new]) == {URL: 1, new: 2}
    assert list(load_states(any_engine, [URL, new])) == [new]
    forget_state(any_engine, new)
    assert load_states(any_engine, [new]) == {}
    assert count_items(any_engine, [new]) == {new: 2}
