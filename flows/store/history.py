"""What ran in which issue: remembered when an issue is sent, looked up by keys."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import delete, func, select

from flows.models import Remembered
from flows.store.schema import history, history_keys
from subscribers.database import among, insert_into, reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Row

T = TypeVar("T")

# How many keys one statement asks for; SQLite takes 32,766 values.
KEYS_PER_STATEMENT = 5_000
# How many rows one statement writes.
ROWS_PER_STATEMENT = 2_000
# A key that more stories have says nothing; the newest of them are enough to compare with.
MOST_OF_KEY = 40
# How many past stories are handed back to be compared with one.
MOST_RECALLED = 8


class SqlHistory:
    """The history of sent issues in the database; the edit room's `Recollection` protocol."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ran_in(self, keys: Collection[str]) -> dict[str, int]:
        """Return, for each key that is known, the newest issue in which its story ran."""
        found: dict[str, int] = {}
        with reading(self._engine).begin() as connection:
            for chunk in _chunks(sorted(set(keys)), KEYS_PER_STATEMENT):
                query = (
                    select(history_keys.c.key, func.max(history_keys.c.issue))
                    .where(among(connection, history_keys.c.key, chunk))
                    .group_by(history_keys.c.key)
                )
                found.update((key, issue) for key, issue in connection.execute(query))
        return found

    def recall(self, stories: Sequence[Collection[str]]) -> list[list[Remembered]]:
        """Return, for the keys of each story, what ran that shares most of them, closest first."""
        keys = {key for story in stories for key in story}
        with reading(self._engine).begin() as connection:
            found: dict[str, list[tuple[int, int]]] = defaultdict(list)
            for chunk in _chunks(keys, KEYS_PER_STATEMENT):
                for key, issue, history_id in _find(connection, chunk):
                    found[key].append((issue, history_id))
            closest = [_closest(story, found) for story in stories]
            wanted = sorted({history_id for ids in closest for history_id in ids})
            rows = {
                history_id: remembered
                for chunk in _chunks(wanted, KEYS_PER_STATEMENT)
                for history_id, remembered in _fetch(connection, chunk)
            }
        return [[rows[history_id] for history_id in ids] for ids in closest]


def remember(engine: Engine, remembered: Iterable[Remembered]) -> None:
    """Keep what ran; remembering the same again changes nothing."""
    rows = list(remembered)
    with engine.begin() as connection:
        stories = ({"id": _id(row), **_columns(row)} for row in rows)
        keys = (
            {"key": key, "issue": row.issue, "history_id": _id(row)}
            for row in rows
            for key in row.keys
        )
        for chunk in _chunks(stories, ROWS_PER_STATEMENT):
            insert = insert_into(connection, history).on_conflict_do_nothing()
            connection.execute(insert, chunk)
        for chunk in _chunks(keys, ROWS_PER_STATEMENT):
            insert = insert_into(connection, history_keys).on_conflict_do_nothing()
            connection.execute(insert, chunk)


def ran_by_issue(engine: Engine) -> dict[int, int]:
    """Return how many links are remembered of each issue, the newest issue first."""
    # What a feed passed on is remembered under its own source and under the feed.
    link = func.coalesce(func.nullif(history.c.url, ""), history.c.title)
    query = select(history.c.issue, func.count(link.distinct())).group_by(history.c.issue)
    with reading(engine).begin() as connection:
        rows = connection.execute(query.order_by(history.c.issue.desc()))
        return {int(row[0]): int(row[1]) for row in rows}


def newest_issue(engine: Engine) -> int:
    """Return the highest number of an issue that is remembered, 0 if none is."""
    with reading(engine).begin() as connection:
        return connection.execute(select(func.max(history.c.issue))).scalar() or 0


def titles_that_ran(engine: Engine) -> dict[str, str]:
    """Return the address of every title that ran; of those that ran twice, the newest."""
    query = select(history.c.title, history.c.url).order_by(history.c.issue)
    with reading(engine).begin() as connection:
        return {row.title: row.url for row in connection.execute(query) if row.title}


def forget(engine: Engine, issue: int) -> None:
    """Drop what ran in an issue: one that was stopped before anybody got it never ran."""
    with engine.begin() as connection:
        connection.execute(delete(history_keys).where(history_keys.c.issue == issue))
        connection.execute(delete(history).where(history.c.issue == issue))


def _find(connection: Connection, keys: Sequence[str]) -> Iterator[Row[tuple[str, int, int]]]:
    newest_first = func.row_number().over(
        partition_by=history_keys.c.key,
        order_by=(history_keys.c.issue.desc(), history_keys.c.history_id.desc()),
    )
    ranked = (
        select(history_keys, newest_first.label("rank"))
        .where(among(connection, history_keys.c.key, keys))
        .subquery()
    )
    query = select(ranked.c.key, ranked.c.issue, ranked.c.history_id)
    yield from connection.execute(query.where(ranked.c.rank <= MOST_OF_KEY))


def _closest(story: Collection[str], found: Mapping[str, Sequence[tuple[int, int]]]) -> list[int]:
    """Return the ids that share most keys with a story; a key that few share counts for more."""
    shared: dict[tuple[int, int], float] = defaultdict(float)
    for key in sorted(found.keys() & story):
        named = found[key]
        for issue_and_id in named:
            shared[issue_and_id] += 1 / len(named)
    ranked = sorted(shared, key=lambda issue_and_id: (-shared[issue_and_id], issue_and_id))
    return [history_id for _, history_id in ranked[:MOST_RECALLED]]


def _fetch(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, Remembered]]:
    for row in connection.execute(select(history).where(among(connection, history.c.id, ids))):
        remembered = Remembered(
            issue=row.issue,
            url=row.url,
            title=row.title,
            feed=row.feed,
            guid=row.guid,
            fingerprint=bytes(row.fingerprint),
        )
        yield row.id, remembered


def _columns(row: Remembered) -> dict[str, Any]:
    return {
        "issue": row.issue,
        "feed": row.feed,
        "guid": row.guid,
        "url": row.url,
        "title": row.title,
        "fingerprint": row.fingerprint,
    }


def _id(row: Remembered) -> int:
    told = "\n".join((str(row.issue), row.feed, row.guid, row.url, row.title))
    digest = hashlib.sha256(told.encode(errors="replace")).digest()
    # 63 bits: the largest whole number both databases keep as one.
    return int.from_bytes(digest[:8], "big") >> 1


def _chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
