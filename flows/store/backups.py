"""A backup of the database, whichever it is, as one SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from flows.store.copying import copy
from flows.store.migrations import migrate_all
from subscribers.database import open_database, tell_versions, versions_of
from subscribers.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def back_up(engine: Engine, path: Path) -> None:
    """Write a backup to a new file that only its owner can read.

    A SQLite database is copied as it is, whatever version wrote it; PostgreSQL is copied row by
    row, and says which version that was. Raises DatabaseUnavailable if the file exists or cannot
    be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            raise DatabaseUnavailable(f"{path}: there is a file already; name another")
        unfinished.unlink(missing_ok=True)
        # People's addresses are in it.
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
        _write(engine, unfinished)
        unfinished.replace(path)
    except (OSError, sqlite3.Error) as error:
        cause = getattr(error, "strerror", None) or error
        raise DatabaseUnavailable(
            f"{path}: the backup cannot be written: {cause}; make room there, or name another place"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _write(engine: Engine, path: Path) -> None:
    if engine.dialect.name != "sqlite":
        target = open_database(f"sqlite:///{path}")
        try:
            migrate_all(target)
            copy(engine, target)
            # Whoever puts it back goes on from there.
            tell_versions(target, versions_of(engine))
            # The file alone is to be all of it.
            with target.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        finally:
            target.dispose()
        return
    raw = engine.raw_connection()
    target_file = sqlite3.connect(path)
    try:
        driver = raw.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.backup(target_file)
        target_file.execute("PRAGMA journal_mode=DELETE")
    finally:
        target_file.close()
        raw.close()
