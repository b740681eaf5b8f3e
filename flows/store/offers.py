"""Which feeds offered an address or a title: over the indexes of their numbers, never by a scan."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from flows.store.names import name, place
from flows.store.schema import items
from subscribers.database import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Engine

# Values of one statement; SQLite takes 32,766.
TOGETHER = 500
# So many of a feed's newest items tell whose site it is of.
NEWEST = 50


class Offer(NamedTuple):
    """An item as a feed offered it; the feed goes by its address."""

    feed_url: str
    url: str
    title: str


def find_offers(engine: Engine, urls: Iterable[str], titles: Iterable[str]) -> list[Offer]:
    """Return the items near one of these addresses or titles; the caller compares them."""
    places = {number for url in urls if (number := place(url)) is not None}
    names = {number for title in titles if (number := name(title)) is not None}
    found: set[Offer] = set()
    columns = select(items.c.feed_url, items.c.url, items.c.title)
    with reading(engine).begin() as connection:
        for column, numbers in ((items.c.place, places), (items.c.name, names)):
            for chunk in _chunks(sorted(numbers)):
                rows = connection.execute(columns.where(column.in_(chunk)))
                found.update(Offer(*row) for row in rows)
    return sorted(found)


def newest_addresses(engine: Engine, feed_url: str) -> list[str]:
    """Return where a feed's newest items lead."""
    query = (
        select(items.c.url)
        .where(items.c.feed_url == feed_url)
        .order_by(items.c.id.desc())
        .limit(NEWEST)
    )
    with reading(engine).begin() as connection:
        return list(connection.execute(query).scalars())


def stored_since(engine: Engine) -> datetime | None:
    """Return when the first item was seen that is stored, None if there is none."""
    with reading(engine).begin() as connection:
        seen: datetime | None = connection.execute(select(func.min(items.c.first_seen))).scalar()
        return seen


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while chunk := list(islice(rest, TOGETHER)):
        yield chunk
