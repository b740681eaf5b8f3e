"""Finds stored items by address or title, over the indexes of their numbers; never by a scan."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from flows.store.items import COLUMNS, item_of
from flows.store.names import name, place
from flows.store.schema import items as table
from subscribers.database import among, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine, Select

    from flows.models import Feed, Item

VALUES_PER_STATEMENT = 5_000
# How many addresses of one number are looked at, the newest: a site whose pages differ in the
# query only has one number for all of them.
MOST_OF_NUMBER = 20_000
MOST_FOUND = 200
# A feed that hands out its archive again is known by this many of one number.
MOST_EARLIER_OF_NUMBER = 3
# Where one feed carries many sources, those that tell one thing a week are found among so many.
MOST_LOOKED_AT = 500


def load_earlier(
    engine: Engine, feeds: Iterable[Feed], items: Iterable[Item], *, before: datetime
) -> list[Item]:
    """Return what the feeds of these items told up to `before` at the same address or title.

    Both the date and the first sight of what comes back lie before. `Item.feed` is the feed's
    present name.
    """
    names = {feed.url: feed.name or feed.url for feed in feeds}
    own: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        own[item.feed].append(item)
    urls = [url for url, feed in names.items() if feed in own]
    asked = [item for feed in sorted(own) for item in own[feed]]
    was_there = (
        # Not the bare column: SQLite would go through all that the feeds ever told.
        (table.c.feed_url + "").in_(urls),
        table.c.first_seen <= before,
        or_(table.c.published.is_(None), table.c.published <= before),
    )
    with reading(engine).begin() as connection:
        ids = {
            *_newest(connection, "place", _known(place(item.url) for item in asked), was_there),
            *_newest(connection, "name", _known(name(item.title) for item in asked), was_there),
        }
        return list(_fetch(connection, ids, names))


def load_sample(
    engine: Engine, feeds: Iterable[Feed], *, before: datetime, most: int
) -> list[Item]:
    """Return at most so many items of each source of these feeds, told up to `before`.

    They are among the few hundred of a feed that were stored last, newest first. `Item.feed` is
    the feed's present name.
    """
    names = {feed.url: feed.name or feed.url for feed in feeds}
    found: list[Item] = []
    with reading(engine).begin() as connection:
        for url in names:
            rows = connection.execute(_sample_of(url, before, most))
            found += [item_of(row, names) for row in rows]
    return found


def _sample_of(url: str, before: datetime, most: int) -> Select[Any]:
    told = func.coalesce(table.c.published, table.c.first_seen)
    # By number alone: SQLite's index of guids has it, and dates stand behind texts.
    last = (
        select(table.c.id, table.c.source, told.label("told"))
        .where(table.c.feed_url == url)
        .order_by(table.c.id.desc())
        .limit(MOST_LOOKED_AT)
        .subquery()
    )
    place = func.row_number().over(partition_by=last.c.source, order_by=last.c.id.desc())
    ranked = select(last.c.id, place.label("place")).where(last.c.told <= before).subquery()
    ids = select(ranked.c.id).where(ranked.c.place <= most)
    return select(*COLUMNS).where(table.c.id.in_(ids)).order_by(table.c.id.desc())


def find_at(
    engine: Engine, urls: Iterable[str], names: Mapping[str, str], *, same: Callable[[str], bool]
) -> list[Item]:
    """Return the items near one of these addresses whose own is the `same`, newest first.

    `names` has the feeds' names by their addresses.
    """
    numbers = _known(place(url) for url in urls)
    with reading(engine).begin() as connection:
        near = select(table.c.id, table.c.url).where(among(connection, table.c.place, numbers))
        rows = connection.execute(near.order_by(table.c.id.desc()).limit(MOST_OF_NUMBER))
        ids = [item_id for item_id, url in rows if same(url)]
        return list(_fetch(connection, ids[:MOST_FOUND], names))[::-1]


def find_named(engine: Engine, title: str, names: Mapping[str, str]) -> list[Item]:
    """Return the items with this title, whatever its case and punctuation, newest first."""
    own = select(table.c.id).where(table.c.name.in_(_known([name(title)])))
    with reading(engine).begin() as connection:
        ids = connection.execute(own.order_by(table.c.id.desc()).limit(MOST_FOUND)).scalars().all()
        return list(_fetch(connection, ids, names))[::-1]


def load_titles(engine: Engine) -> list[str]:
    """Return every title that is stored, newest first, each once."""
    query = select(table.c.title).order_by(table.c.id.desc())
    with reading(engine).begin() as connection:
        return list(dict.fromkeys(connection.execute(query).scalars()))


def _known(numbers: Iterable[int | None]) -> list[int]:
    return sorted({number for number in numbers if number is not None})


def _newest(
    connection: Connection,
    column: str,
    numbers: Sequence[int],
    conditions: Iterable[ColumnElement[bool]],
) -> set[int]:
    """Return the ids of the few newest items of each number."""
    found: dict[int, list[int]] = defaultdict(list)
    for start in range(0, len(numbers), VALUES_PER_STATEMENT):
        asked = numbers[start : start + VALUES_PER_STATEMENT]
        query = select(table.c[column], table.c.id).where(
            among(connection, table.c[column], asked), *conditions
        )
        for number, item_id in connection.execute(query):
            found[number].append(item_id)
    return {item_id for ids in found.values() for item_id in sorted(ids)[-MOST_EARLIER_OF_NUMBER:]}


def _fetch(
    connection: Connection, ids: Collection[int], names: Mapping[str, str]
) -> Iterator[Item]:
    wanted = sorted(ids)
    for start in range(0, len(wanted), VALUES_PER_STATEMENT):
        asked = wanted[start : start + VALUES_PER_STATEMENT]
        query = select(*COLUMNS).where(among(connection, table.c.id, asked))
        for row in connection.execute(query.order_by(table.c.id)):
            yield item_of(row, names)
