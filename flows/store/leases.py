"""Leases: who is at something right now, so that a second process waits or leaves it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from flows.store.owner import alive
from flows.store.schema import leases
from subscribers.database import insert_into

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Engine


def acquire(engine: Engine, name: str, *, owner: str, now: datetime, lasts: timedelta) -> bool:
    """Take or prolong the lease; False while another owner holds it.

    An owner known to be dead holds nothing; one known to live keeps its lease past `lasts`.
    """
    with engine.begin() as connection:
        held = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
        free = or_(leases.c.owner == owner, leases.c.expires_at <= now)
        if held is not None and held.owner != owner:
            running = alive(held.owner)
            if running:
                return False
            if running is False:
                free = or_(free, leases.c.owner == held.owner)
        values = {"name": name, "owner": owner, "expires_at": now + lasts}
        # By what comes back: psycopg's count of rows is -1 for such an INSERT.
        taken = connection.execute(
            insert_into(connection, leases)
            .values(**values)
            .on_conflict_do_update(index_elements=["name"], set_=values, where=free)
            .returning(leases.c.name)
        )
        return taken.first() is not None


def release(engine: Engine, name: str, *, owner: str) -> None:
    """Give the lease back; nothing happens if another owner has it."""
    with engine.begin() as connection:
        connection.execute(delete(leases).where(leases.c.name == name, leases.c.owner == owner))
