"""A draft from what is stored: what its feeds told in other weeks counts too."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flows.models import Entry, Item, Kind
from flows.pipeline import desk
from flows.pipeline.stores import open_store
from flows.store.items import save_items
from tests.newsletters import NOW, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline.drafting import Drafted

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
    talks = [replace(talk(week), source="Quay Talk") for week in range(len(TOPICS))]
    entry = drafted(newsletter, [*talks, *(shared(number) for number in range(60))])
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


def moved(item: Item) -> Item:
    """Return what the feed tells of the same item, its page being elsewhere by now."""
    return replace(item, url=item.url.replace("/talks/", "/2026/talks/"))


def again(newsletter: Newsletter, *items: Item) -> Drafted:
    later = NOW + timedelta(hours=3)
    with open_store(newsletter.settings) as engine:
        save_items(engine, URL, list(items), now=later)
    _, found = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=later)
    return found


@pytest.mark.parametrize("is_known", [True, False], ids=["as we wrote it", "not known"])
@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "deleted"])
def test_a_story_whose_page_moved_comes_no_second_time(
    tmp_path: Path, *, is_known: bool, is_kept: bool
) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    entry = drafted(newsletter, [talk(0)])
    file = tmp_path / "issues" / "001.md"
    if not is_known:
        next((tmp_path / "issues" / "001").glob("drafted*")).unlink()
    if not is_kept:
        text = file.read_text(encoding="utf-8")
        file.write_text(text.partition("## ")[0], encoding="utf-8")
    body = file.read_text(encoding="utf-8").rpartition("+++")[2]
    retitled = replace(moved(talk(0)), title=f"{entry.title}, and of knots")
    assert again(newsletter, retitled).added == 0
    assert file.read_text(encoding="utf-8").rpartition("+++")[2] == body


def test_a_story_that_was_added_comes_no_second_time_either(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    drafted(newsletter, [talk(0)])
    fresh = replace(talk(1), published=NOW + timedelta(hours=1))
    assert again(newsletter, talk(0), fresh).added == 1
    file = tmp_path / "issues" / "001.md"
    text = file.read_text(encoding="utf-8")
    assert "## New since the draft" in text
    file.write_text(text.partition("## New since the draft")[0], encoding="utf-8")
    assert again(newsletter, talk(0), moved(fresh)).added == 0


SAVES = """
import json, pathlib, sys
json.load(sys.stdin)
file = pathlib.Path("issues/001.md")
text = file.read_text(encoding="utf-8")
file.write_text(text.replace("Today we look", "At last we look"), encoding="utf-8")
print("What two tired masters think of the tides, and of who it is that pays for them.")
"""


def test_what_an_editor_saves_while_their_program_writes_is_kept_and_added_to(
    tmp_path: Path,
) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    drafted(newsletter, [talk(0)])
    (tmp_path / "saves.py").write_text(SAVES, encoding="utf-8")
    path = tmp_path / "newsletter.toml"
    setting = f'\n[edit]\nblurb_command = "{sys.executable} saves.py"\nblurb_timeout = "30s"\n'
    path.write_text(path.read_text("utf-8") + setting, encoding="utf-8")
    found = again(newsletter, talk(0), replace(talk(1), published=NOW + timedelta(hours=1)))
    text = (tmp_path / "issues" / "001.md").read_text(encoding="utf-8")
    assert (found.added, "At last we look" in text) == (1, True)
    assert [entry.blurb[:14] for entry in found.issue.new] == ["What two tired"]


def film(number: int) -> Item:
    topic = TOPICS[number]
    own = f"Today we walk along the {topic}, and ask who pays for them. "
    return Item(
        feed="Quay Talk",
        guid=topic,
        url=f"https://www.youtube.com/watch?v={topic}",
        title=f"A walk along the {topic}",
        author="Quay Talk",
        content=own + " ".join(f"Part {part} is about {topic}." for part in range(9)),
        kind=Kind.VIDEO,
        published=NOW - timedelta(days=1),
    )


def test_a_video_that_comes_after_two_of_its_channel_has_its_own_words(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    path = tmp_path / "newsletter.toml"
    path.write_text(path.read_text("utf-8") + FEED, encoding="utf-8")
    with open_store(newsletter.settings) as engine:
        save_items(engine, URL, [film(0), film(1)], now=NOW)
    _, first = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert len(first.issue.entries) == 2
    found = again(newsletter, film(0), film(1), film(2))
    [entry] = found.issue.new
    assert entry.blurb.startswith("Today we walk along the cranes")


def test_a_story_that_an_editor_links_no_more_comes_back(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    drafted(newsletter, [talk(0)])
    file = tmp_path / "issues" / "001.md"
    text = file.read_text(encoding="utf-8")
    fresh = replace(talk(1), published=NOW + timedelta(hours=1))
    file.write_text(
        text.replace("\n## ", f"\nSee [this]({fresh.url}).\n\n## ", 1), encoding="utf-8"
    )
    found = again(newsletter, talk(0), fresh)
    assert (found.added, found.left_out) == (0, 0)
    file.write_text(text, encoding="utf-8")
    assert again(newsletter, talk(0), fresh).added == 1


def test_another_story_under_an_id_that_was_used_before_is_new(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter="min_entries = 1")
    drafted(newsletter, [replace(talk(0), guid="latest")])
    fresh = replace(talk(1), guid="latest", published=NOW + timedelta(hours=1))
    other = replace(fresh, title="Who keeps a tide table, and where")
    assert again(newsletter, other).added == 1
