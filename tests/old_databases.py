"""Databases as released versions made them, kept as JSON: their tables, and rows in them.

    python -m tests.old_databases

writes those of this version, once before it is released.
"""

from __future__ import annotations

import json
import socket
import tempfile
from contextlib import contextmanager
from datetime import datetime
from importlib import metadata as packages
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_mock_engine, text
from sqlalchemy.schema import CreateTable

from flows.pipeline.stores import open_store
from flows.store.copying import TABLES, copy
from subscribers.database import open_database, versions
from tests.newsletters import STORIES, Newsletter

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent / "databases"
READERS = 3


def file_of(version: str, dialect: str) -> Path:
    """Return where a version's database of this kind is kept."""
    return FOLDER / f"{version}.{dialect}.json"


def statements(engine: Engine) -> list[str]:
    """Return the statements that make this version's tables."""
    made: list[str] = []

    def keep(statement: Any, *_values: object) -> None:
        made.append(str(statement.compile(dialect=engine.dialect)).strip())

    # Made as an empty database is: what is told before the making of an index counts too.
    pretended = create_mock_engine(engine.url, keep)
    for table in (versions, *TABLES):
        keep(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(pretended, checkfirst=False)
    return made


def dump(engine: Engine) -> str:
    """Return a database as JSON."""
    with engine.connect() as connection:
        rows = {
            table.name: [
                {name: _plain(value) for name, value in row._mapping.items()}
                for row in connection.execute(text(f"SELECT * FROM {table.name}"))  # noqa: S608 - our own names
            ]
            for table in (versions, *TABLES)
        }
    return json.dumps({"statements": statements(engine), "rows": rows}, indent=1) + "\n"


def load(engine: Engine, told: str) -> None:
    """Make an empty database what the JSON says."""
    values = json.loads(told)
    with engine.begin() as connection:
        for statement in values["statements"]:
            connection.exec_driver_sql(statement)
        for table, rows in values["rows"].items():
            for row in rows:
                _insert(connection, table, row)


def _insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    names = ", ".join(f":{name}" for name in row)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({names})"  # noqa: S608 - our own names
    connection.execute(text(statement), {name: _back(value) for name, value in row.items()})
    if connection.dialect.name == "postgresql" and "id" in row and table != "history":
        counted = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), :id)"
        connection.execute(text(counted), {"id": row["id"]})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return {"hex": bytes(value).hex()}
    return value


def _back(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


@contextmanager
def newsletter_with_a_past(folder: Path) -> Iterator[Engine]:
    """Yield the database of a newsletter that sent an issue and drafted another."""
    newsletter = Newsletter(folder).write().tell(*STORIES).subscribe(READERS)
    newsletter.run()
    with open_store(newsletter.settings) as engine:
        yield engine


def main() -> None:
    """Write this version's databases."""
    # A server of its own, as in the tests; they are no part of the package.
    from pgserver import postgres_server  # noqa: PLC0415 - it is heavy

    version = packages.version("newsletter")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        places = [folder / "newsletter", folder / "postgres"]
        for place in places:
            place.mkdir(mode=0o755)
        server = postgres_server.get_server(places[1], cleanup_mode="stop")
        target = open_database(server.get_uri())
        from flows.store.migrations import migrate_all  # noqa: PLC0415 - a tool's own

        migrate_all(target)
        with newsletter_with_a_past(places[0]) as engine:
            copy(engine, target)
            for one in (engine, target):
                # Nothing in it is to name the machine it was made on.
                told = dump(one).replace(str(places[0]), "/srv/newsletter")
                told = told.replace(f'"{socket.gethostname()}:', '"host:')
                file_of(version, one.dialect.name).write_text(told, encoding="utf-8")
        target.dispose()
        server.cleanup()


if __name__ == "__main__":
    main()
