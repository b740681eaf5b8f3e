from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, select

from flows.edit.dedupe import Recollection, dedupe, history_keys, remembered
from flows.models import Item
from flows.store.history import MOST_RECALLED, SqlHistory, forget, ran_by_issue, remember
from flows.store.schema import history
from flows.store.schema import history_keys as keys_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

STORY = Item(
    feed="Some Feed",
    guid="tag:example.com,2026:1",
    url="https://example.com/registry-night",
    title="The night our registry fell over and what we changed",
    summary="Our registry fell over on a Friday evening because of a lock that nobody knew of.",
)


@pytest.fixture
def engine(any_engine: Engine) -> Engine:
    return any_engine


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def story(number: int) -> Item:
    name = "".join(chr(ord("a") + int(digit)) * 3 for digit in f"{number:04}")
    return Item(
        feed="Some Feed",
        guid=f"tag:example.com,2026:{name}",
        url=f"https://example.com/posts/{name}",
        title=f"A longer look at {name} and what became of it",
        summary=f"{name} was a machine. What became of {name} is told here, with pictures of it.",
    )


def test_an_empty_history_knows_nothing(engine: Engine) -> None:
    assert SqlHistory(engine).ran_in(history_keys(STORY)) == {}
    assert SqlHistory(engine).recall([history_keys(STORY)]) == [[]]


def test_what_ran_is_known_by_each_of_its_keys(engine: Engine) -> None:
    remember(engine, [remembered(STORY, issue=7)])
    assert SqlHistory(engine).ran_in(history_keys(STORY)) == dict.fromkeys(history_keys(STORY), 7)


def test_what_ran_twice_is_known_by_its_newest_issue(engine: Engine) -> None:
    remember(engine, [remembered(STORY, issue=9), remembered(STORY, issue=7)])
    assert set(SqlHistory(engine).ran_in(history_keys(STORY)).values()) == {9}


def test_what_ran_comes_back_as_it_was(engine: Engine) -> None:
    kept = remembered(STORY, issue=7)
    remember(engine, [kept])
    assert SqlHistory(engine).recall([history_keys(STORY)]) == [[replace(kept, keys=())]]


def test_remembering_again_changes_nothing(engine: Engine) -> None:
    for _ in range(2):
        remember(engine, [remembered(STORY, issue=7)])
    with engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(history)).scalar() == 1
        assert connection.execute(select(func.count()).select_from(keys_table)).scalar() == len(
            history_keys(STORY)
        )


def test_a_link_that_ran_is_counted_once_whoever_told_it(engine: Engine) -> None:
    passed_on = replace(STORY, feed="The river")
    told = [remembered(one, issue=7) for one in (STORY, passed_on, story(1))]
    remember(engine, [*told, remembered(story(2), issue=6)])
    assert ran_by_issue(engine) == {7: 2, 6: 1}


def test_an_issue_that_nobody_got_is_forgotten(engine: Engine) -> None:
    remember(engine, [remembered(STORY, issue=7), remembered(story(1), issue=6)])
    forget(engine, 7)
    assert SqlHistory(engine).ran_in(history_keys(STORY)) == {}
    assert SqlHistory(engine).ran_in(history_keys(story(1)))


def test_the_closest_of_many_come_back(engine: Engine) -> None:
    crowd = [replace(story(number), summary=STORY.summary) for number in range(60)]
    remember(engine, (remembered(told, issue=n // 10) for n, told in enumerate([*crowd, STORY])))
    recalled = SqlHistory(engine).recall([history_keys(STORY)])[0]
    assert recalled[0].url == STORY.url
    assert len(recalled) <= MOST_RECALLED


def test_a_story_that_moved_is_held(engine: Engine) -> None:
    remember(engine, [remembered(STORY, issue=7)])
    moved = replace(STORY, url="https://example.com/new/registry-night", guid="another")
    told = dedupe([moved], history=SqlHistory(engine))[0]
    assert told.held == "ran in #7: same title on its site, texts agree 100 %"


def test_the_database_satisfies_what_dedupe_asks_for(engine: Engine) -> None:
    assert isinstance(SqlHistory(engine), Recollection)


def test_a_run_asks_a_few_times_however_many_items_come(
    engine: Engine, statements: list[str]
) -> None:
    remember(engine, (remembered(story(number), issue=1) for number in range(400)))
    statements.clear()
    dedupe([story(number) for number in range(200, 600)], history=SqlHistory(engine))
    assert len([statement for statement in statements if "SELECT" in statement]) <= 4


def test_a_look_up_searches_the_index(engine: Engine) -> None:
    steps: list[str] = []

    def explain(_conn: object, cursor: Any, statement: str, values: Any, *_more: object) -> None:
        if "history_keys" not in statement:
            return
        if engine.dialect.name == "postgresql":
            # It scans what is small, if it may.
            cursor.execute("SET LOCAL enable_seqscan TO off")
            cursor.execute(f"EXPLAIN {statement}", values)
            steps.extend(row[-1] for row in cursor.fetchall())
        else:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            steps.extend(row[-1] for row in plan)

    event.listen(engine, "before_cursor_execute", explain)
    SqlHistory(engine).recall([history_keys(STORY)])
    assert any("history_keys" in step for step in steps)
    whole = ("SCAN history_keys", "Seq Scan on history_keys")
    assert not [step for step in steps if step.lstrip(" ->").startswith(whole)]


def test_keys_that_no_database_takes_are_made_fit(engine: Engine) -> None:
    odd = Item(
        feed="F\x00",
        guid="\ud800" * 9,
        url="https://example.com/" + "é" * 5000,
        title="\x00\ud800 odd",
    )
    assert SqlHistory(engine).ran_in(history_keys(odd)) == {}
    assert max(map(len, history_keys(odd))) <= 600
    remember(engine, [remembered(odd, issue=1)])
    assert dedupe([odd], history=SqlHistory(engine))[0].ran_in == 1


def test_a_week_against_years_takes_no_time(engine: Engine) -> None:
    remember(engine, (remembered(story(number), issue=number // 20) for number in range(5000)))
    began = time.process_time()
    stories = dedupe([story(number) for number in range(4900, 5100)], history=SqlHistory(engine))
    assert time.process_time() - began < 5
    assert sum(told.ran_in is not None for told in stories) == 100
