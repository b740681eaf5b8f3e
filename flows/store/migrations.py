"""The pipeline's tables, step by step; a new step goes to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.store.schema import metadata
from subscribers import migrations as people
from subscribers.database import Migration, migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine


def _create(connection: Connection) -> None:
    metadata.create_all(connection)


ROOM = "pipeline"
MIGRATIONS = (Migration(name="feeds, items, issues, history, the ledger", run=_create),)


# People first: the issues' tables name them.
ROOMS = ((people.ROOM, people.MIGRATIONS), (ROOM, MIGRATIONS))


def migrate_all(engine: Engine, *, before: Callable[[], None] | None = None) -> None:
    """Bring every table up to date; `before` is called if that changes what is there.

    Raises DatabaseTooNew.
    """
    migrate(engine, ROOMS, before=before)
