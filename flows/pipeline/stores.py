"""Opens the newsletter's one database, brought up to date."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.store.migrations import migrate_all
from subscribers.database import explained, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.settings import Settings


@contextlib.contextmanager
def open_store(settings: Settings) -> Iterator[Engine]:
    """Yield the database, made and migrated where needed.

    Raises DatabaseUnavailable if it cannot be opened, or fails while it is used (locked, full),
    DatabaseTooNew if a later version wrote it.
    """
    engine = open_database(settings.database_url())
    try:
        with explained():
            migrate_all(engine, before=lambda: _keep(settings, engine))
            yield engine
    finally:
        engine.dispose()


def backup_file(settings: Settings, *, now: datetime, why: str) -> Path:
    """Return the name of a backup: in `backups/`, with the reason and the time in it."""
    return backups(settings) / f"{why}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.db"


def _keep(settings: Settings, engine: Engine) -> None:
    from flows.store.backups import back_up  # noqa: PLC0415 - only an upgrade should wait for it

    # Two processes may find the old version at the same second.
    why = f"before-upgrade-{os.getpid()}"
    back_up(engine, backup_file(settings, now=datetime.now(UTC), why=why))


def backups(settings: Settings) -> Path:
    """Return the folder of the backups, which need not be there yet."""
    return settings.folder / "backups"
