"""Whoever leaves goes with all who ask meanwhile, and is answered once it is recorded."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import ProgrammingError

from flows.web.leaving import Exit
from subscribers import store
from subscribers.errors import DatabaseError
from subscribers.models import Leaver
from tests.people import ISSUE, NOW, add_people

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

PEOPLE = 20


class Door:
    """The way out, shut until all have come; and how many transactions it took."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.commits = 0
        self._turn = Lock()
        self.exit = Exit(engine, self._turn)
        event.listen(engine, "commit", self._count)

    def _count(self, _connection: object) -> None:
        self.commits += 1

    async def ask(self, *people: int) -> list[asyncio.Task[None]]:
        """Return what each of them waits for: all have asked, nobody has gone."""
        with self._turn:
            asking = [asyncio.create_task(self.exit.let_go(leaver(one))) for one in people]
            # Each runs up to where it waits.
            await asyncio.sleep(0)
            return asking

    def let_go(self, *people: int) -> list[BaseException | None]:
        """Return what each of them was told."""

        async def answers() -> list[BaseException | None]:
            return await asyncio.gather(*await self.ask(*people), return_exceptions=True)

        return asyncio.run(answers())


def leaver(subscriber_id: int) -> Leaver:
    return Leaver(subscriber_id=subscriber_id, source="one click", at=NOW, issue=ISSUE)


@pytest.fixture
def door(any_engine: Engine) -> Door:
    add_people(any_engine, PEOPLE)
    return Door(any_engine)


def gone(engine: Engine) -> int:
    return store.count(engine)["unsubscribed"]


def test_all_who_come_meanwhile_go_in_one_transaction(door: Door) -> None:
    assert door.let_go(*range(1, PEOPLE + 1)) == [None] * PEOPLE
    assert door.commits == 1
    assert gone(door.engine) == PEOPLE


def test_nobody_is_answered_before_it_is_for_good(door: Door) -> None:
    answered: list[bool] = []

    async def leave() -> None:
        asking = await door.ask(1, 2, 3)
        event.listen(door.engine, "commit", lambda _: answered.extend(one.done() for one in asking))
        await asyncio.gather(*asking)

    asyncio.run(leave())
    assert answered == [False] * 3


def test_who_presses_twice_is_recorded_once(door: Door) -> None:
    assert door.let_go(1, 1, 2) == [None] * 3
    assert [len(store.records(door.engine, one)) for one in (1, 2)] == [1, 1]


def test_each_is_told_if_the_database_gives_up(door: Door) -> None:
    rename = "ALTER TABLE {} RENAME TO {}"
    with door.engine.begin() as connection:
        connection.execute(text(rename.format("consents", "away")))
    told = door.let_go(1, 2, 3)
    # PostgreSQL's word for a table that is gone is that the statement is wrong.
    assert [isinstance(one, DatabaseError | ProgrammingError) for one in told] == [True] * 3
    assert gone(door.engine) == 0
    with door.engine.begin() as connection:
        connection.execute(text(rename.format("away", "consents")))
    assert door.let_go(1, 2, 3) == [None] * 3
    assert gone(door.engine) == 3


def test_who_hangs_up_is_let_go_with_the_others(door: Door) -> None:
    async def leave() -> None:
        first, *others = await door.ask(1, 2, 3)
        first.cancel()
        await asyncio.gather(*others)

    asyncio.run(leave())
    assert gone(door.engine) == 3


@pytest.fixture
def together(any_engine: Engine) -> Callable[..., list[int]]:
    add_people(any_engine, 3)

    def leave(*people: int) -> list[int]:
        left = store.unsubscribe_all(any_engine, [leaver(one) for one in people])
        return [one.subscriber_id for one in left]

    return leave


def test_only_who_was_there_has_left(
    any_engine: Engine, together: Callable[..., list[int]]
) -> None:
    assert together(3, 99, 1, 3) == [1, 3]
    assert together(3, 2) == [2]
    [record] = store.records(any_engine, 2)
    assert (record.issue, record.source, record.at) == (ISSUE, "one click", NOW)
