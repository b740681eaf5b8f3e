"""What the last visits to the feeds left behind."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from flows.models import FeedState
from flows.store.schema import feeds, items
from subscribers.database import insert_into, reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Engine

_BUT_THE_KEY = tuple(field.name for field in fields(FeedState) if field.name != "url")


def load_states(engine: Engine, urls: Iterable[str]) -> dict[str, FeedState]:
    """Return the state of each of these feeds that was ever asked, by address."""
    query = select(feeds).where(feeds.c.url.in_(list(urls)))
    with reading(engine).begin() as connection:
        rows = connection.execute(query).mappings().all()
    return {row["url"]: FeedState(**row) for row in rows}


def save_state(engine: Engine, state: FeedState) -> None:
    """Store a feed's state in place of what was known of it; call it after its items are saved."""
    with engine.begin() as connection:
        put_states(connection, [state])


def put_states(connection: Connection, states: Iterable[FeedState]) -> None:
    """Store these states in a transaction of the caller's, so that their items are in it too."""
    insert = insert_into(connection, feeds)
    changes = {name: insert.excluded[name] for name in _BUT_THE_KEY}
    statement = insert.on_conflict_do_update(index_elements=["url"], set_=changes)
    # In one order, whoever writes: two that waited for each other's rows would both fail.
    ordered = sorted(states, key=lambda state: state.url)
    rows = [{name: getattr(state, name) for name in ("url", *_BUT_THE_KEY)} for state in ordered]
    if rows:
        connection.execute(statement, rows)


def forget_state(engine: Engine, url: str) -> None:
    """Forget what was known of a feed; its items stay, for what was told stays told."""
    with engine.begin() as connection:
        connection.execute(delete(feeds).where(feeds.c.url == url))


def move_items(engine: Engine, old: str, new: str) -> None:
    """Give a feed's items a new address, but for those that the new one has already.

    The state of the old address is forgotten: its validators are of no use at the new one.
    """
    known = select(items.c.guid).where(items.c.feed_url == new)
    moving = update(items).where(items.c.feed_url == old, items.c.guid.not_in(known))
    with engine.begin() as connection:
        connection.execute(moving.values(feed_url=new))
        connection.execute(delete(feeds).where(feeds.c.url == old))
