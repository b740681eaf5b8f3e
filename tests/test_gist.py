"""What was read from an item and kept says what reading it again would; else it is not believed."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, inspect, text, update

from flows.edit import gist as module
from flows.edit.dedupe import dedupe
from flows.edit.gist import Gist, gist, mark, packed, spelled, words_of_video
from flows.models import Feed, Item, Kind
from flows.pipeline.gathering import gather_items
from flows.pipeline.gists import read_ahead
from flows.pipeline.observer import LogObserver
from flows.pipeline.stores import open_store
from flows.store.items import ids_without_gist, keep_gists, load_items, save_items
from flows.store.migrations import ROOM, migrate_all
from flows.store.schema import items as table
from subscribers.database import versions
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

URL = "https://harbour.example/feed"
DAY = timedelta(days=1)
TITLE = "Harbour 2.1.0 released | Harbour Blog"
SUMMARY = (
    "<p>The release of the harbour brings ropes of seven strands. "
    "This post was originally published on the quay. Nobody has to tie a knot by hand.</p>"
)


def item(guid: str = "a", **changes: object) -> Item:
    plain = Item(
        feed="Harbour",
        guid=guid,
        url=f"https://www.harbour.example/2026/11/{guid}-of-ropes/?utm_source=x&p=1",
        title=TITLE,
        summary=SUMMARY,
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # each test names real fields


def facts(told: Gist) -> tuple[object, ...]:
    text = told.text
    return (
        *(told.address, told.title, list(told.lines)),
        *(list(text.hashes), text.length, text.republished),
    )


urls = st.one_of(
    st.just(""),
    st.text(max_size=40),
    st.builds("https://{}.example/{}?{}#{}".format, *[st.text(max_size=12)] * 4),
)
texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(SUMMARY.split()), max_size=300).map(" ".join),
)
things = st.builds(
    Item,
    feed=st.just("Harbour"),
    guid=st.text(max_size=8),
    url=urls,
    title=texts,
    summary=texts,
    content=texts,
    kind=st.sampled_from([Kind.ARTICLE, Kind.VIDEO]),
)


@given(things)
def test_a_kept_gist_says_what_reading_again_would(told: Item) -> None:
    kept = replace(told, gist=packed(told))
    assert facts(gist(kept)) == facts(gist(told))
    assert not gist(kept).sentences
    assert spelled(kept) == spelled(told) == gist(told).address.url
    assert words_of_video(kept) == words_of_video(told)


def test_half_a_character_is_read_again_each_time() -> None:
    told = item(title="\ud800")
    kept = replace(told, gist=packed(told))
    assert not kept.gist
    assert facts(gist(kept)) == facts(gist(told))


@given(st.lists(things, max_size=8))
def test_stories_are_the_same_with_kept_gists_and_without(told: list[Item]) -> None:
    kept = [replace(one, gist=packed(one)) for one in told]
    assert dedupe(kept) == dedupe(told)


def test_boilerplate_falls_out_of_kept_texts_too() -> None:
    told = [
        item(
            f"piece-{number}",
            title=f"Of rope {number} and its knots",
            summary=f"Rope {number} has a story that no other rope on this quay has. Sail with us!",
        )
        for number in range(6)
    ]
    kept = [replace(one, gist=packed(one)) for one in told]
    assert dedupe(kept) == dedupe(told)
    assert len(dedupe(kept)) == len(told)


@pytest.mark.parametrize(
    "change",
    [{"title": "Another"}, {"url": "https://harbour.example/b"}, {"summary": "Other words."}],
)
def test_a_gist_of_other_texts_is_not_believed(change: dict[str, str]) -> None:
    stale = item(gist=packed(item()), **change)
    assert facts(gist(stale)) == facts(gist(item(**change)))


def test_a_video_that_shows_other_words_is_counted_again() -> None:
    video = item(kind=Kind.VIDEO, content="Seven words are all that it says.")
    longer = replace(video, gist=packed(video), content="Now there are nine words in what it says.")
    assert [words_of_video(video), words_of_video(longer)] == [7, 9]
    assert words_of_video(item(content="Nobody counts these.")) == 0


@given(st.integers(0, 400), st.binary(max_size=60))
def test_a_gist_that_is_cut_or_spoilt_is_read_again(length: int, tail: bytes) -> None:
    whole = packed(item())
    spoilt = whole[:length] + tail
    kept = item(gist=b"" if spoilt == whole else spoilt)
    assert facts(gist(kept)) == facts(gist(item()))


def test_a_gist_by_other_rules_is_not_believed() -> None:
    other = bytes(8) + packed(item(title="Another"))[8:]
    assert gist(item(gist=other)).title == gist(item()).title


def test_every_file_that_reading_uses_counts_among_the_rules() -> None:
    folder = Path(module.__file__).parent
    used = {"gist"}
    while more := {name for one in used for name in imported(folder / f"{one}.py")} - used:
        used |= more
    assert used == set(module._RULES)


def imported(file: Path) -> set[str]:
    """Return the modules of the room that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "flows.edit":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("flows.edit."):
            found.add(str(node.module).rpartition(".")[2])
    return found


def test_what_was_gathered_is_read_before_anybody_drafts(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write().tell(*STORIES)
    settings = newsletter.settings
    with open_store(settings) as engine:
        gather_items(settings, engine, now=NOW, observer=LogObserver())
        found = load_items(engine, settings.feed_list(), since=NOW - 30 * DAY, until=NOW)
        assert len(found) == len(STORIES)
        assert all(told.gist == packed(told) for told in found)


def test_an_edited_item_is_read_again_and_an_old_one_never(
    any_engine: Engine, now: datetime, tmp_path: Path
) -> None:
    settings = Newsletter(tmp_path).write().settings
    fresh = [item("a", published=now - DAY), item("b"), item("old", published=now - 99 * DAY)]
    save_items(any_engine, URL, fresh, now=now)
    assert read_ahead(settings, any_engine, now=now) == 2
    assert read_ahead(settings, any_engine, now=now) == 0
    save_items(any_engine, URL, [item("a", title="A, edited", published=now)], now=now)
    assert read_ahead(settings, any_engine, now=now) == 1
    found = load_items(any_engine, [Feed(url=URL, name="Harbour")], since=now - 9 * DAY, until=now)
    assert [told.gist == packed(told) for told in found] == [True, True]


def test_what_other_rules_read_is_read_again(
    any_engine: Engine, now: datetime, tmp_path: Path
) -> None:
    settings = Newsletter(tmp_path).write().settings
    save_items(any_engine, URL, [item("a"), item("b")], now=now)
    assert read_ahead(settings, any_engine, now=now) == 2
    with any_engine.begin() as connection:
        old = bytes(8) + packed(item("a"))[8:]
        connection.execute(update(table).where(table.c.guid == "a").values(gist=old))
    assert read_ahead(settings, any_engine, now=now) == 1
    found = load_items(any_engine, [Feed(url=URL, name="Harbour")], since=now - DAY, until=now)
    assert [told.gist == packed(told) for told in found] == [True, True]


def test_only_what_the_window_holds_is_looked_at(sqlite_engine: Engine, now: datetime) -> None:
    plans: list[str] = []

    def explain(*arguments: object) -> None:
        statement, values = str(arguments[2]), arguments[3]
        if statement.startswith("SELECT"):
            with sqlite_engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]  # as the driver got them
                plans.extend(str(step.detail) for step in plan)

    event.listen(sqlite_engine, "before_cursor_execute", explain)
    ids_without_gist(sqlite_engine, since=now - DAY, mark=mark())
    load_items(sqlite_engine, [Feed(url=URL)], since=now - DAY, until=now)
    event.remove(sqlite_engine, "before_cursor_execute", explain)
    by_index = [
        "SEARCH items USING INDEX items_by_published (published>?)",
        "SEARCH items USING INDEX items_by_first_seen (first_seen>?)",
    ]
    assert [step for step in plans if step.startswith(("SEARCH", "SCAN"))] == by_index * 2


def test_nobody_waits_for_items_that_are_being_written(
    postgres_engine: Engine, now: datetime
) -> None:
    save_items(postgres_engine, URL, [item("a"), item("b")], now=now)
    with postgres_engine.begin() as connection:
        # Whoever waits nevertheless fails, and does not wait for ever.
        name = postgres_engine.url.database
        connection.execute(text(f"ALTER DATABASE {name} SET lock_timeout = '5s'"))
    postgres_engine.dispose()
    ids = ids_without_gist(postgres_engine, since=now - DAY, mark=b"told")
    with postgres_engine.begin() as other:
        other.execute(update(table).where(table.c.guid == "a").values(title="Edited"))
        keep_gists(postgres_engine, dict.fromkeys(ids, b"told"))
    assert ids_without_gist(postgres_engine, since=now - DAY, mark=b"told") == ids[:1]


def test_a_database_without_gists_gets_room_for_them(any_engine: Engine, now: datetime) -> None:
    save_items(any_engine, URL, [item("a")], now=now)
    with any_engine.begin() as connection:
        connection.execute(text("ALTER TABLE items DROP COLUMN gist"))
        connection.execute(update(versions).where(versions.c.room == ROOM).values(version=1))
    migrate_all(any_engine)
    assert "gist" in {column["name"] for column in inspect(any_engine).get_columns(table.name)}
    assert len(ids_without_gist(any_engine, since=now - DAY, mark=mark())) == 1
