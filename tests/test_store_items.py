"""Stored items: new, updated and seen ones, windows, and names that change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.models import Feed, Item, Kind
from flows.store.items import (
    SavedItems,
    ids_without_gist,
    items_by_id,
    keep_gists,
    load_items,
    mend_dates,
    save_items,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

URL = "https://harbour.example/feed"
FEED = Feed(url=URL, name="Harbour")
DAY = timedelta(days=1)


@pytest.fixture
def engine(any_engine: Engine) -> Engine:
    return any_engine


def item(guid: str, **changes: object) -> Item:
    plain = Item(feed="Harbour", guid=guid, url=f"https://harbour.example/{guid}", title=guid)
    return replace(plain, **changes)  # type: ignore[arg-type] # each test names real fields


def loaded(engine: Engine, now: datetime, feed: Feed = FEED) -> list[Item]:
    return load_items(engine, [feed], since=now - 30 * DAY, until=now)


def test_new_updated_and_seen_items_are_told_apart(engine: Engine, now: datetime) -> None:
    first = [item("a"), item("b"), item("c")]
    assert save_items(engine, URL, first, now=now) == SavedItems(new=3)
    again = [item("a"), item("b", title="B, edited"), item("d")]
    assert save_items(engine, URL, again, now=now) == SavedItems(new=1, updated=1, seen=1)


def test_an_edited_item_replaces_its_text_and_keeps_when_it_was_first_seen(
    engine: Engine, now: datetime
) -> None:
    save_items(engine, URL, [item("a", summary="old")], now=now - DAY)
    save_items(engine, URL, [item("a", summary="new", kind=Kind.VIDEO)], now=now)
    (found,) = loaded(engine, now)
    assert (found.summary, found.kind, found.first_seen) == ("new", Kind.VIDEO, now - DAY)


def test_a_date_once_known_stays_and_a_missing_one_is_filled_in(
    engine: Engine, now: datetime
) -> None:
    save_items(engine, URL, [item("a", published=now - 3 * DAY), item("b")], now=now)
    later = [item("a", published=now - DAY), item("b", published=now - 2 * DAY)]
    assert save_items(engine, URL, later, now=now) == SavedItems(updated=1, seen=1)
    assert [found.published for found in loaded(engine, now)] == [now - 3 * DAY, now - 2 * DAY]


def test_a_zone_set_later_mends_the_dates_that_were_read_without_it(
    engine: Engine, now: datetime
) -> None:
    there = replace(FEED, timezone="America/New_York")
    wall = now.replace(tzinfo=ZoneInfo(there.timezone)) - 2 * DAY
    read = [
        item("as UTC", published=wall.replace(tzinfo=UTC)),
        item("dated anew", published=now - 5 * DAY),
        item("undated"),
    ]
    save_items(engine, URL, read, now=now)
    told = [replace(one, published=wall.astimezone(UTC)) for one in read[:2]]
    with engine.begin() as connection:
        assert [mend_dates(connection, there, told) for _ in range(2)] == [1, 0]
    found = {one.guid: one.published for one in loaded(engine, now)}
    assert found == {"as UTC": wall, "dated anew": now - 5 * DAY, "undated": None}


def test_what_was_to_come_by_the_clock_of_utc_is_mended_too(engine: Engine, now: datetime) -> None:
    there = replace(FEED, timezone="Asia/Tokyo")
    real = now - timedelta(minutes=30)
    save_items(engine, URL, [item("a", published=now), item("b", published=now - DAY)], now=now)
    told = [item("a", published=real), item("b", published=now - 2 * DAY)]
    again = [item("a", published=now + 7 * DAY), item("b", published=now + 7 * DAY)]
    with engine.begin() as connection:
        assert mend_dates(connection, there, again) == 0
        assert mend_dates(connection, there, told) == 1
    assert [one.published for one in loaded(engine, now)] == [now - DAY, real]


def test_an_item_comes_back_as_it_was(engine: Engine, now: datetime) -> None:
    whole = item(
        "a",
        summary="<p>s</p>",
        content="line\nline",
        author="Ada",
        source="Quay",
        published=now - DAY,
        kind=Kind.DIGEST,
        comments="https://talk.example/1",
        thumbnail="https://pictures.example/1",
        truncated=True,
    )
    save_items(engine, URL, [whole], now=now)
    assert loaded(engine, now) == [replace(whole, first_seen=now)]


def test_the_window_is_open_at_its_start_and_closed_at_its_end(
    engine: Engine, now: datetime
) -> None:
    dated = [item(str(n), published=now - n * DAY) for n in range(4)]
    save_items(engine, URL, dated, now=now)
    found = load_items(engine, [FEED], since=now - 2 * DAY, until=now)
    assert [found.guid for found in found] == ["1", "0"]


def test_undated_items_count_by_when_they_were_first_seen(engine: Engine, now: datetime) -> None:
    save_items(engine, URL, [item("old")], now=now - 9 * DAY)
    save_items(engine, URL, [item("old"), item("new")], now=now)
    found = load_items(engine, [FEED], since=now - DAY, until=now)
    assert [(one.guid, one.published) for one in found] == [("new", None)]


def test_the_same_guid_in_two_feeds_is_two_items(engine: Engine, now: datetime) -> None:
    save_items(engine, URL, [item("a")], now=now)
    other = Feed(url="https://other.example/feed", name="Other")
    save_items(engine, other.url, [item("a")], now=now)
    assert [found.feed for found in loaded(engine, now, other)] == ["Other"]
    both = load_items(engine, [FEED, other], since=now - DAY, until=now)
    assert len(both) == 2


def test_a_feed_has_the_name_it_has_now(engine: Engine, now: datetime) -> None:
    save_items(engine, URL, [item("a")], now=now)
    assert loaded(engine, now, replace(FEED, name="Renamed"))[0].feed == "Renamed"
    assert loaded(engine, now, replace(FEED, name=""))[0].feed == URL


def test_a_feed_that_left_the_settings_is_not_loaded(engine: Engine, now: datetime) -> None:
    save_items(engine, URL, [item("a")], now=now)
    assert load_items(engine, [], since=now - DAY, until=now) == []


def test_items_are_found_by_their_ids_with_what_is_kept_of_them(
    engine: Engine, now: datetime
) -> None:
    save_items(engine, URL, [item("a"), item("b"), item("c")], now=now)
    first, second, third = ids_without_gist(engine, since=now - DAY, mark=b"mark")
    keep_gists(engine, {first: b"mark, first", second: b"other, second", 99: b"nobody's"})
    assert ids_without_gist(engine, since=now - DAY, mark=b"mark") == [second, third]
    found = items_by_id(engine, [first, second, 99])
    told = {item_id: (one.guid, one.feed, one.gist) for item_id, one in found.items()}
    assert told == {first: ("a", URL, b"mark, first"), second: ("b", URL, b"other, second")}
    assert items_by_id(engine, []) == {}


def test_no_items_are_none_saved(engine: Engine, now: datetime) -> None:
    assert save_items(engine, URL, [], now=now) == SavedItems()


def test_more_items_than_one_statement_takes(engine: Engine, now: datetime) -> None:
    many = [item(str(n)) for n in range(1200)]
    assert save_items(engine, URL, many, now=now) == SavedItems(new=1200)
    assert save_items(engine, URL, many, now=now) == SavedItems(seen=1200)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two"])), max_size=8))
def test_every_item_is_new_once_and_counted_each_time(
    engine: Engine, now: datetime, told: list[tuple[str, str]]
) -> None:
    feed_url = f"https://harbour.example/{hash(tuple(told))}"
    new = 0
    for guid, title in told:
        saved = save_items(engine, feed_url, [item(guid, title=title)], now=now)
        assert saved.new + saved.updated + saved.seen == 1
        new += saved.new
    assert new == len({guid for guid, _ in told})
