"""Copies the whole database into another one, and proves that nothing was lost on the way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Table, delete, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from flows.store.schema import metadata
from subscribers.database import reading
from subscribers.errors import DatabaseUnavailable
from subscribers.schema import metadata as people
from subscribers.schema import salts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, Row, Select

# People first: rows come after those that they name.
TABLES = (*people.sorted_tables, *metadata.sorted_tables)
ROWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """One table as it was found on both sides: so many rows, with this checksum."""

    table: str
    rows: int
    checksum: str


def copy(source: Engine, target: Engine) -> list[Copied]:
    """Copy everything into a migrated, empty database, in one transaction; return what was copied.

    Nobody writes to the source meanwhile. Raises DatabaseUnavailable if the target is not empty,
    refuses a row, or holds anything else in the end; it is empty then.
    """
    with _unchanging(source).begin() as reader, target.begin() as writer:
        _require_empty(writer)
        writer.execute(delete(salts))
        kept = _kept(reader)
        copied = [_copy_table(reader, writer, table, query) for table, query in kept.items()]
        for one, (table, query) in zip(copied, kept.items(), strict=True):
            _require_same(one, _summed(table, _rows(writer, query)))
            _carry_counter(reader, writer, table)
    return copied


def _kept(reader: Connection) -> dict[Table, Select[Any]]:
    """Return the tables that there are, each with the query for all of it.

    An earlier version, which is backed up before it is brought up to date, lacks some columns.
    """
    found = inspect(reader)
    kept = {}
    for table in TABLES:
        if found.has_table(table.name):
            names = {column["name"] for column in found.get_columns(table.name)}
            kept[table] = select(*(column for column in table.c if column.name in names))
    return kept


def _unchanging(engine: Engine) -> Engine:
    # SQLite's transactions keep other writers out; PostgreSQL's are asked to see one moment only.
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def summary(engine: Engine) -> list[Copied]:
    """Return what each table holds, by count and checksum."""
    with reading(engine).begin() as connection:
        return [_summed(table, _rows(connection, select(table))) for table in TABLES]


def _require_empty(connection: Connection) -> None:
    for table in TABLES:
        if table is not salts and connection.execute(select(table).limit(1)).first():
            raise DatabaseUnavailable(
                f"database: the one to copy into is not empty: it has rows in {table.name}; name "
                "an empty one"
            )


def _copy_table(reader: Connection, writer: Connection, table: Table, query: Select[Any]) -> Copied:
    total = _Sum()
    batch: list[dict[str, Any]] = []
    for row in _rows(reader, query):
        total.add(row)
        batch.append(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's documented name
        if len(batch) == ROWS:
            _insert(writer, table, batch)
            batch = []
    if batch:
        _insert(writer, table, batch)
    return total.of(table)


def _insert(writer: Connection, table: Table, batch: list[dict[str, Any]]) -> None:
    try:
        writer.execute(insert(table), batch)
    except DBAPIError as error:
        cause = next(iter(str(error.orig).splitlines()), "")
        raise DatabaseUnavailable(
            f"database: a row of {table.name} is not taken: {cause}; nothing was copied"
        ) from error


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    yield from connection.execute(query, execution_options={"yield_per": ROWS})


class _Sum:
    """Counts rows and sums their hashes: the order, which databases see differently, is no part."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    def add(self, row: Row[Any]) -> None:
        values = json.dumps([_plain(value) for value in row], ensure_ascii=False)
        self._rows += 1
        self._sum += int.from_bytes(hashlib.sha256(values.encode()).digest())

    def of(self, table: Table) -> Copied:
        return Copied(table=table.name, rows=self._rows, checksum=f"{self._sum % 2**256:064x}")


def _summed(table: Table, rows: Iterator[Row[Any]]) -> Copied:
    total = _Sum()
    for row in rows:
        total.add(row)
    return total.of(table)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value


def _require_same(source: Copied, target: Copied) -> None:
    if source != target:
        raise DatabaseUnavailable(
            f"database: {source.table} was copied wrongly ({source.rows} rows, {target.rows} "
            "arrived, or they differ); nothing was copied"
        )


def _carry_counter(reader: Connection, writer: Connection, table: Table) -> None:
    """Let the target count on from where the source was: an id is never given twice.

    Also where the newest rows are gone: an old link must not lead to a stranger.
    """
    counter = table.c.get("id")
    if counter is None or counter.autoincrement is not True:
        return
    highest = max(_counted(reader, table), _highest(reader, table))
    if not highest:
        return
    if writer.dialect.name == "postgresql":
        sequence = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :highest)")
        writer.execute(sequence, {"table": table.name, "highest": highest})
    elif table.dialect_options["sqlite"]["autoincrement"]:
        known = {"table": table.name, "highest": highest}
        writer.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), known)
        insertion = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :highest)")
        writer.execute(insertion, known)


def _highest(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.c.id.cast(Integer)))).scalar() or 0


def _counted(connection: Connection, table: Table) -> int:
    """Return the highest id that was ever given, as far as the database remembers it."""
    if connection.dialect.name == "postgresql":
        query = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, 'id'))")
        return connection.execute(query, {"table": table.name}).scalar() or 0
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return 0
    query = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    return connection.execute(query, {"table": table.name}).scalar() or 0
