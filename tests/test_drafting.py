"""A draft from what is stored: what its feeds told in other weeks counts too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.models import Entry, Item
from flows.pipeline import desk
from flows.pipeline.stores import open_store
from flows.store.items import save_items
from tests.newsletters import NOW, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://quay.example/feed"
FEED = f"""
[[feeds]]
url = "{URL}"
name = "Quay Talk"
"""
ALWAYS = "Quay Talk is where two tired harbour masters talk shop, every Friday at noon."
ASIDE = "Grab a mug with our anchor on it while they last."
TOPICS = ("ropes", "tides", "cranes", "lamps", "pilots", "customs", "ledgers", "gulls")


def talk(week: int) -> Item:
    topic = TOPICS[week]
    own = f"Today we look at {topic}, at what they cost the harbour, and at who pays for them."
    return Item(
        feed="Quay Talk",
        guid=topic,
        url=f"https://quay.example/talks/{topic}",
        title=f"All that we know of {topic}",
        content=f"<p>{ALWAYS}</p><p>{own}</p><p>{ASIDE}</p>",
        published=NOW - timedelta(weeks=week, days=1),
    )


def drafted(newsletter: Newsletter, items: list[Item]) -> Entry:
    """Return the one entry of this week, the feed having told the items so far."""
    path = newsletter.folder / "newsletter.toml"
    path.write_text(path.read_text("utf-8") + FEED, encoding="utf-8")
    with open_store(newsletter.settings) as engine:
        save_items(engine, URL, items, now=NOW)
    _, found = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    [entry] = found.issue.entries
    return entry


def test_what_a_weekly_source_says_each_week_is_no_part_of_a_blurb(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    entry = drafted(newsletter, [talk(week) for week in range(len(TOPICS))])
    assert entry.blurb.startswith("Today we look at ropes")
    assert not [note for note in entry.notes if "mug" in note or "tired" in note]


def shared(number: int) -> Item:
    """Return a link that the same feed passes on from another source."""
    return Item(
        feed="Quay Talk",
        guid=f"shared{number}",
        source="Tide Tables",
        url=f"https://tides.example/{number}",
        title=f"The tide of day {number}",
        published=NOW - timedelta(weeks=3, hours=number),
    )


def test_what_a_weekly_source_says_is_seen_among_a_feed_of_shared_links(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    path = tmp_path / "newsletter.toml"
    path.write_text(path.read_text("utf-8") + FEED, encoding="utf-8")
    with open_store(newsletter.settings) as engine:
        talks = [replace(talk(week), source="Quay Talk") for week in range(len(TOPICS))]
        save_items(engine, URL, talks, now=NOW)
        save_items(engine, URL, [shared(number) for number in range(60)], now=NOW)
    _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    [entry] = drafted.issue.entries
    assert entry.blurb.startswith("Today we look at ropes")


def test_a_show_of_one_title_is_told_apart_by_what_it_says(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    talks = [replace(talk(week), title="The Quay Talk") for week in range(len(TOPICS))]
    assert drafted(newsletter, talks).blurb.startswith("Today we look at ropes")


def test_what_some_weeks_said_too_is_still_news(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    news = "Ropewalk now needs a splicer of this year, and drops all support for the old one."
    talks = [talk(week) for week in range(len(TOPICS))]
    talks[:3] = [replace(one, content=f"<p>{news}</p>") for one in talks[:3]]
    assert drafted(newsletter, talks).blurb == news
