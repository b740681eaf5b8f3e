"""Stored items found by address or title, and decisions kept: over indexes, on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from flows.edit.canonical import canonical
from flows.models import Feed, Item
from flows.store.decisions import (
    Decision,
    Fate,
    add_decisions,
    decided_items,
    decisions_of,
    replace_decisions,
)
from flows.store.items import save_items
from flows.store.lookup import find_at, find_named, load_earlier, load_sample, load_titles
from flows.store.names import name, number, place

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY = timedelta(days=1)
URL = "https://quay.example/feed"
FEED = Feed(url=URL, name="Quay")
NAMES = {URL: "Quay"}


def item(slug: str, **fields: object) -> Item:
    plain = Item(
        feed="Quay", guid=slug, url=f"https://quay.example/{slug}", title=f"All about {slug}"
    )
    return replace(plain, **fields)  # type: ignore[arg-type]  # each test names real fields


def earlier(engine: Engine, now: datetime, *items: Item) -> list[str]:
    return [told.guid for told in load_earlier(engine, [FEED], items, before=now)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://quay.example/a", "http://www.quay.example/a/?utm_source=x#y"),
        ("https://quay.example/A", "//m.quay.example/a"),
    ],
)
def test_spellings_of_one_address_have_one_number(one: str, other: str) -> None:
    assert place(one) == place(other) != place("https://quay.example/b")


def test_what_says_nothing_has_no_number() -> None:
    assert (place(""), place("https://"), name(""), name("!?")) == (None, None, None, None)
    assert name("Ropes, again!") == name("ropes again")
    assert 0 <= number("\ud800") < 2**63


def test_what_a_feed_told_before_is_found_by_address_or_title(
    any_engine: Engine, now: datetime
) -> None:
    old = [item("a"), item("b", title="Other"), item("c")]
    save_items(any_engine, URL, old, now=now - 9 * DAY)
    asked = [
        item("new-a", url="https://www.quay.example/a?x=1", title="Now retitled"),
        item("new-b", url="https://quay.example/moved", title="other!"),
    ]
    assert earlier(any_engine, now, *asked) == ["a", "b"]


def test_what_another_feed_told_or_what_is_of_this_time_is_not_found(
    any_engine: Engine, now: datetime
) -> None:
    save_items(any_engine, "https://else.example/feed", [item("a")], now=now - 9 * DAY)
    save_items(any_engine, URL, [item("b")], now=now + DAY)
    save_items(any_engine, URL, [item("c", published=now + DAY)], now=now - 9 * DAY)
    assert earlier(any_engine, now, item("a"), item("b"), item("c")) == []


def test_a_sample_of_what_a_feed_told_before_is_of_its_last(
    any_engine: Engine, now: datetime
) -> None:
    save_items(any_engine, "https://else.example/feed", [item("else")], now=now - 9 * DAY)
    for n in range(9):
        save_items(any_engine, URL, [item(f"i{n}", published=now - (9 - n) * DAY)], now=now)
    save_items(any_engine, URL, [item("undated")], now=now - DAY)
    save_items(any_engine, URL, [item("later")], now=now + DAY)
    found = load_sample(any_engine, [FEED], before=now - 2 * DAY, most=5)
    assert [(told.guid, told.feed) for told in found] == [
        ("i7", "Quay"), ("i6", "Quay"), ("i5", "Quay"), ("i4", "Quay"), ("i3", "Quay")
    ]  # fmt: skip
    assert load_sample(any_engine, [FEED], before=now - 30 * DAY, most=5) == []
    assert load_sample(any_engine, [], before=now, most=5) == []


def test_a_sample_has_its_share_of_a_source_that_tells_little_among_others(
    any_engine: Engine, now: datetime
) -> None:
    often = [item(f"often{n}", source="Daily", published=now - 9 * DAY) for n in range(60)]
    seldom = [item(f"seldom{n}", source="Weekly", published=now - 9 * DAY) for n in range(3)]
    save_items(any_engine, URL, [*seldom, *often], now=now - 9 * DAY)
    found = load_sample(any_engine, [FEED], before=now, most=2)
    assert Counter(told.source for told in found) == {"Daily": 2, "Weekly": 2}


def test_an_item_that_changes_is_found_by_what_it_says_now(engine: Engine, now: datetime) -> None:
    save_items(engine, URL, [item("a")], now=now)
    moved = item("a", url="https://quay.example/moved", title="Renamed")
    save_items(engine, URL, [moved], now=now)
    assert [told.title for told in find_named(engine, "renamed", NAMES)] == ["Renamed"]
    assert find_named(engine, "All about a", NAMES) == []
    assert find_at(engine, [moved.url], NAMES, same=lambda url: url == moved.url)


def test_an_address_finds_the_same_page_only(engine: Engine, now: datetime) -> None:
    pages = [item(f"v{n}", url=f"https://videos.example/watch?v={n}") for n in range(30)]
    save_items(engine, URL, pages, now=now)
    asked = "https://www.videos.example/watch?v=7&utm_source=x"
    found = find_at(engine, [asked], NAMES, same=lambda url: canonical(url) == canonical(asked))
    assert [told.guid for told in found] == ["v7"]
    assert found[0].feed == "Quay"


def test_titles_come_newest_first_and_once(engine: Engine, now: datetime) -> None:
    told = [item("a", title="One"), item("b", title="Two"), item("c", title="One")]
    save_items(engine, URL, told, now=now)
    assert load_titles(engine) == ["One", "Two"]


def test_what_was_told_before_is_never_scanned_for(engine: Engine, now: datetime) -> None:
    plans: list[str] = []

    def explain(*arguments: object) -> None:
        statement, values = str(arguments[2]), arguments[3]
        if "items" in statement and not statement.startswith("EXPLAIN"):
            with engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]  # as the driver got them
                plans.extend(str(step.detail) for step in plan)

    save_items(engine, URL, [item(f"i{n}") for n in range(50)], now=now - 9 * DAY)
    event.listen(engine, "before_cursor_execute", explain)
    earlier(engine, now, *(item(f"i{n}", guid=f"new-{n}") for n in range(50)))
    event.remove(engine, "before_cursor_execute", explain)
    assert any("items_by_place (place=? AND first_seen<?)" in step for step in plans)
    assert any("items_by_name (name=? AND first_seen<?)" in step for step in plans)
    # What is read from end to end is the list of values asked for.
    assert not any(step.startswith("SCAN") and "VIRTUAL" not in step for step in plans)


# Decisions.


def decision(own: int, story: int, now: datetime, **fields: object) -> Decision:
    plain = Decision(
        issue=7,
        item=own,
        story=story,
        address=f"https://quay.example/{own}",
        feed="Quay",
        url=f"https://quay.example/{own}",
        title=f"All about {own}",
        fate=Fate.CHOSEN if own == story else Fate.MERGED,
        section="News",
        reason="because",
        decided_at=now,
    )
    return plain._replace(**fields)  # type: ignore[arg-type]  # each test names real fields


def test_a_decision_comes_back_with_its_whole_story_the_lead_first(
    any_engine: Engine, now: datetime
) -> None:
    made = [decision(1, 2, now), decision(2, 2, now), decision(3, 3, now)]
    replace_decisions(any_engine, 7, made)
    found = decisions_of(any_engine, ["https://quay.example/1"])
    assert found == [made[1]._replace(address=""), made[0]._replace(address="")]


def test_the_newest_issue_comes_first(any_engine: Engine, now: datetime) -> None:
    replace_decisions(any_engine, 7, [decision(1, 1, now)])
    replace_decisions(any_engine, 8, [decision(1, 1, now, issue=8)])
    assert [one.issue for one in decisions_of(any_engine, ["https://quay.example/1"])] == [8, 7]


def test_drafting_afresh_replaces_what_was_decided_and_adding_does_not(
    any_engine: Engine, now: datetime
) -> None:
    replace_decisions(any_engine, 7, [decision(1, 1, now, reason="first")])
    add_decisions(any_engine, [decision(1, 1, now, reason="later"), decision(2, 2, now)])
    [kept] = decisions_of(any_engine, ["https://quay.example/1"])
    assert kept.reason == "first"
    found = decided_items(any_engine, 7)
    assert {item: one[:2] for item, one in found.items()} == {
        1: (Fate.CHOSEN, now), 2: (Fate.CHOSEN, now)
    }  # fmt: skip
    assert found[1].url == "https://quay.example/1"
    assert decided_items(any_engine, 8) == {}
    replace_decisions(any_engine, 7, [decision(1, 1, now, reason="afresh")])
    assert decisions_of(any_engine, ["https://quay.example/2"]) == []
    assert decisions_of(any_engine, ["https://quay.example/1"])[0].reason == "afresh"


def test_no_decisions_are_no_statement(engine: Engine) -> None:
    add_decisions(engine, [])
    assert decisions_of(engine, []) == []


def test_a_decision_is_found_by_its_index(engine: Engine) -> None:
    with engine.connect() as connection:
        query = "EXPLAIN QUERY PLAN SELECT story FROM decisions WHERE address IN (1, 2)"
        assert any("decisions_by_address" in str(row) for row in connection.execute(text(query)))
