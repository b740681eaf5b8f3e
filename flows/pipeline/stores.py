"""Opens the newsletter's one database, brought up to date."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from flows.store.migrations import migrate_all
from subscribers.database import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from flows.settings import Settings


@contextlib.contextmanager
def open_store(settings: Settings) -> Iterator[Engine]:
    """Yield the database, made and migrated where needed.

    Raises DatabaseUnavailable if it cannot be opened, DatabaseTooNew if a later version wrote it.
    """
    engine = open_database(settings.database_url())
    try:
        migrate_all(engine)
        yield engine
    finally:
        engine.dispose()
