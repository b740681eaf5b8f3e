"""The items: all that was ever gathered; new, updated and seen ones told apart."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import UTC
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import LargeBinary, bindparam, func, or_, select, update

from flows.models import Item, Kind
from flows.store.names import name, place
from flows.store.schema import items as table
from subscribers.database import among, insert_into, reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine
    from sqlalchemy.dialects import postgresql, sqlite

    from flows.models import Feed

    # A feed's address and an item's guid.
    Key = tuple[str, str]

# Parameters of one statement are counted (SQLite: 32,766), and so is memory.
_AT_ONCE = 500
# What an edit at the publisher's changes. A date, once known, stays: some feeds date every
# item anew whenever they are built, and each would be news again.
_TEXTS = (
    "url",
    "title",
    "summary",
    "content",
    "author",
    "source",
    "kind",
    "comments",
    "thumbnail",
    "truncated",
)
# What is made from the texts, and changes with them.
_DERIVED = ("gist", "place", "name")
_OF_ITEM = tuple(field.name for field in fields(Item) if field.name != "feed")
# A row of these is what `item_of` takes.
COLUMNS = (table.c.feed_url, *(table.c[name] for name in _OF_ITEM))


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedItems:
    """How many items were not there before, were changed, and were there as they are."""

    new: int = 0
    updated: int = 0
    seen: int = 0


def save_items(
    engine: Engine, feed_url: str, items: Iterable[Item], *, now: datetime
) -> SavedItems:
    """Store a feed's items, an edited one in place of what it was, and return how many were what.

    All are stored or none, so that a feed's validators may be saved after this.
    """
    with engine.begin() as connection:
        return put_items(connection, {feed_url: items}, now=now)


def put_items(
    connection: Connection, told: Mapping[str, Iterable[Item]], *, now: datetime
) -> SavedItems:
    """Store what each feed, by address, told, in a transaction of the caller's."""
    rows = {
        (feed_url, item.guid): _row(item, feed_url, now)
        for feed_url, items in told.items()
        for item in items
    }
    if not rows:
        return SavedItems()
    known = _known(connection, rows)
    # In one order, whoever writes: two that waited for each other's rows would both fail.
    new = [rows[key] for key in sorted(rows) if key not in known]
    updated = _upsert(connection, [rows[key] for key in sorted(known)])
    _insert(connection, new)
    return SavedItems(new=len(new), updated=updated, seen=len(known) - updated)


def mend_dates(connection: Connection, feed: Feed, items: Iterable[Item]) -> int:
    """Mend the dates that were read as UTC before the feed's `timezone` was set; return how many.

    One read so that would have been to come was taken for the moment it was read. A date that is
    another by the publisher's doing stays as it was known first.
    """
    zone = ZoneInfo(feed.timezone)
    told = {
        item.guid: (item.published, item.published.astimezone(zone).replace(tzinfo=UTC))
        for item in items
        if item.published
    }
    mended = [
        {"of": item_id, "on": told[guid][0]}
        for item_id, guid, published, first_seen in _dated(connection, feed.url, list(told))
        if _was_read_as_utc(published, *told[guid], first_seen=first_seen)
    ]
    if mended:
        mend = update(table).where(table.c.id == bindparam("of"))
        connection.execute(mend.values(published=bindparam("on")), mended)
    return len(mended)


def _was_read_as_utc(
    published: datetime, real: datetime, as_utc: datetime, *, first_seen: datetime
) -> bool:
    if published == as_utc:
        return as_utc != real
    # East of UTC that was to come, and so it was taken for the moment it was read.
    return published == first_seen and real < first_seen < as_utc


def _dated(
    connection: Connection, feed_url: str, guids: Sequence[str]
) -> Iterator[tuple[int, str, datetime, datetime]]:
    columns = (table.c.id, table.c.guid, table.c.published, table.c.first_seen)
    query = select(*columns).where(table.c.feed_url == feed_url, table.c.published.is_not(None))
    for start in range(0, len(guids), _AT_ONCE):
        some = table.c.guid.in_(guids[start : start + _AT_ONCE])
        for row in connection.execute(query.where(some)):
            yield row.id, row.guid, row.published, row.first_seen


def _row(item: Item, feed_url: str, now: datetime) -> dict[str, Any]:
    values = {column: getattr(item, column) for column in _OF_ITEM}
    found_by = {"place": place(item.url), "name": name(item.title)}
    own = {
        "feed_url": feed_url,
        "kind": item.kind.value,
        "first_seen": now,
        "gist": item.gist or None,
    }
    return {**values, **own, **found_by}


def _known(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    guids: dict[str, list[str]] = defaultdict(list)
    for feed_url, guid in keys:
        guids[feed_url].append(guid)
    # A feed that is gathered for the first time has nothing to compare with.
    query = select(table.c.feed_url).where(table.c.feed_url.in_(list(guids))).distinct()
    there = set(connection.execute(query).scalars())
    known: set[Key] = set()
    for feed_url, own in guids.items():
        if feed_url not in there:
            continue
        for start in range(0, len(own), _AT_ONCE):
            query = select(table.c.guid).where(
                table.c.feed_url == feed_url, table.c.guid.in_(own[start : start + _AT_ONCE])
            )
            known.update((feed_url, guid) for guid in connection.execute(query).scalars())
    return known


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    # Another process may have stored one of them meanwhile.
    if rows:
        connection.execute(_statement(connection), rows)


def _upsert(connection: Connection, rows: list[dict[str, Any]]) -> int:
    """Store rows that are there already, and return how many of them changed."""
    statement = _statement(connection).returning(table.c.id)
    changed = 0
    for start in range(0, len(rows), _AT_ONCE):
        changed += len(connection.execute(statement, rows[start : start + _AT_ONCE]).all())
    return changed


def _statement(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    insert = insert_into(connection, table)
    told = insert.excluded
    changes: dict[str, Any] = {column: told[column] for column in (*_TEXTS, *_DERIVED)}
    changes["published"] = func.coalesce(table.c.published, told.published)
    differs = or_(
        *(table.c[column].is_distinct_from(told[column]) for column in _TEXTS),
        table.c.published.is_(None) & told.published.is_not(None),
    )
    return insert.on_conflict_do_update(
        index_elements=["feed_url", "guid"], set_=changes, where=differs
    )


def count_items(engine: Engine, urls: Iterable[str]) -> dict[str, int]:
    """Return how many items were ever seen of each of these feeds that has any, by address."""
    query = (
        select(table.c.feed_url, func.count())
        .where(table.c.feed_url.in_(list(urls)))
        .group_by(table.c.feed_url)
    )
    with reading(engine).begin() as connection:
        return {str(row[0]): int(row[1]) for row in connection.execute(query)}


def load_items(
    engine: Engine, feeds: Sequence[Feed], *, since: datetime, until: datetime
) -> list[Item]:
    """Return these feeds' items published after `since` and up to `until`, oldest first.

    Undated ones count by when they were first seen. `Item.feed` is the feed's present name.
    """
    names = {feed.url: feed.name or feed.url for feed in feeds}
    moment = func.coalesce(table.c.published, table.c.first_seen)
    query = select(table.c.id, *COLUMNS).where(_after(since), moment <= until)
    with reading(engine).begin() as connection:
        rows = connection.execute(query).all()
    # Not in the query: SQLite would sort all the texts too, and it would take the index of feeds
    # and look through the whole archive.
    found = [(row[0], item_of(row[1:], names)) for row in rows if row[1] in names]
    found.sort(key=_by_time)
    return [item for _, item in found]


def _by_time(found: tuple[int, Item]) -> tuple[datetime | None, int]:
    item_id, item = found
    return item.published or item.first_seen, item_id


def _after(moment: datetime) -> ColumnElement[bool]:
    # Spelled so that it is found by the indexes: an archive of years is not looked through, nor
    # all that was ever undated.
    undated = func.coalesce(table.c.published, table.c.first_seen) > moment
    return (table.c.published > moment) | ((table.c.first_seen > moment) & undated)


def ids_without_gist(engine: Engine, *, since: datetime, mark: bytes) -> list[int]:
    """Return the ids of the items published after `since` with no gist that begins with `mark`."""
    marked = func.substr(table.c.gist, 1, len(mark), type_=LargeBinary)
    # Without an order, for which SQLite would go through the whole archive, texts and all.
    query = select(table.c.id).where(_after(since), marked.is_distinct_from(mark))
    with reading(engine).begin() as connection:
        return sorted(connection.execute(query).scalars())


def items_by_id(engine: Engine, ids: Collection[int]) -> dict[int, Item]:
    """Return the items of these ids that are there; their feeds go by their addresses."""
    with reading(engine).begin() as connection:
        query = select(table.c.id, *COLUMNS).where(among(connection, table.c.id, ids))
        rows = connection.execute(query).all()
    return {row[0]: item_of(row[1:], {}) for row in rows}


def keep_gists(engine: Engine, gists: Mapping[int, bytes]) -> None:
    """Keep what was read from items, by their ids, but for those that somebody is just writing.

    Two that waited for each other's items would both fail; what is not kept is read later.
    """
    keep = update(table).where(table.c.id == bindparam("of")).values(gist=bindparam("told"))
    with engine.begin() as connection:
        unlocked = select(table.c.id).where(among(connection, table.c.id, gists))
        ids = connection.execute(unlocked.with_for_update(skip_locked=True)).scalars()
        rows = [{"of": item_id, "told": gists[item_id]} for item_id in ids]
        if rows:
            connection.execute(keep, rows)


def item_of(row: Sequence[Any], names: Mapping[str, str]) -> Item:
    """Return the item of a row of COLUMNS; a feed without a name in `names` goes by its address."""
    feed, *told = row
    values: dict[str, Any] = dict(zip(_OF_ITEM, told, strict=True))
    values["kind"] = Kind(values["kind"])
    values["gist"] = bytes(values["gist"] or b"")
    return Item(feed=names.get(feed, feed), **values)
