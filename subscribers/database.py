"""Opens the one database, SQLite or PostgreSQL, and brings its tables up to date."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import orjson
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    any_,
    cast,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
    true,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeDecorator

from subscribers.errors import DatabaseTooNew, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

# How long a writer waits for another before it gives up, in seconds.
BUSY_TIMEOUT = 30.0
BACKENDS = ("sqlite", "postgresql")
_NO_ADDRESS = (
    "database: [database] url is not the address of a database that can be used; write "
    "sqlite:///newsletter.db or postgresql://user@host/name"
)


# What SQLite says of a file that no waiting will mend.
_SPOILT = ("not a database", "malformed")


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite would hand it back without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC; raises ValueError on a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time as an aware one."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step forward of one room's tables; steps are only ever added at the end."""

    name: str
    run: Callable[[Connection], None]


versions = Table(
    "schema_versions",
    MetaData(),
    Column("room", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
)


def open_database(url: str) -> Engine:
    """Return an engine for `url`; raises DatabaseUnavailable if it cannot be used."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in BACKENDS:
            raise DatabaseUnavailable(_NO_ADDRESS)
        if is_sqlite(url):
            _require_writable(url)
            _make_private(url)
            return _open_sqlite(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        # Parameters are addresses: they stay out of error messages, and so out of logs.
        engine = create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        with engine.connect():
            return engine
    except ModuleNotFoundError as error:
        raise DatabaseUnavailable(
            f"database: {error.name} is not installed; run: pip install 'newsletter[postgres]'"
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise DatabaseUnavailable(_NO_ADDRESS) from error
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", error)).splitlines()[0]
        shown = make_url(url).render_as_string(hide_password=True)
        advice = "check [database] url, and what it leads to"
        if any(word in cause for word in _SPOILT):
            advice = "put a backup in its place, or name another file in [database] url"
        raise DatabaseUnavailable(f"database: cannot open {shown}: {cause}; {advice}") from error


def _require_writable(url: str) -> None:
    # Before it is opened: a failed first write leaves files beside it that nobody can write.
    path = sqlite_path(url)
    if path is None:
        return
    for place in (path, path.parent):
        if place.exists() and not os.access(place, os.W_OK):
            raise DatabaseUnavailable(
                f"database: {place} cannot be written; give yourself write permission on the file "
                "and its folder"
            )


def _make_private(url: str) -> None:
    # It holds readers' addresses: a new one is its owner's alone, and so are SQLite's files beside
    # it, which take their rights from it.
    path = sqlite_path(url)
    if path is not None and path.parent.is_dir():
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _open_sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT}, hide_parameters=True)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    with engine.connect():
        return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # SQLAlchemy's pattern for SQLite: the driver must not begin transactions by itself.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # Some builds leave what was deleted readable in the file.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer
    # (SQLITE_BUSY_SNAPSHOT), so each takes the write lock at its start unless it says it reads.
    readonly = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def reading(engine: Engine) -> Engine:
    """Return the same engine for transactions that only read: they never wait for a writer."""
    return engine.execution_options(readonly=True)


def forget_log(engine: Engine) -> None:
    """Empty SQLite's log into its file, so that nothing deleted is left in it.

    While others read, it stays until they write; their next full log does the same.
    """
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Tell what the database could not do in one sentence: raises DatabaseUnavailable.

    What it is no fault of the database's (a wrong statement, a broken rule) is raised as it is.
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(_sentence(error)) from error
    except PoolTimeout as error:
        raise DatabaseUnavailable("database: it did not answer in time; try again") from error
    except DatabaseError as error:
        # SQLite's word for a file that is damaged, or none of its own.
        if type(error) is not DatabaseError:
            raise
        raise DatabaseUnavailable(_sentence(error)) from error


def _sentence(error: DBAPIError) -> str:
    cause = next(iter(str(error.orig).splitlines()), "no word of why")
    for words, advice in _ADVICE.items():
        if words in cause.lower():
            return f"database: {cause}: {advice}"
    return f"database: {cause}; nothing that was committed is lost, so do it again"


_ADVICE = {
    "locked": "another process has held it for long; wait for it or end it, then do this again",
    "full": "make room on its disk, then do this again; nothing that was committed is lost",
    "no space": "make room on its disk, then do this again; nothing that was committed is lost",
    "malformed": "put it back from a backup",
    "not a database": "[database] url names another file; correct it, or put the database back",
}


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that knows ON CONFLICT in the connection's dialect."""
    # Only the dialect in use: every command would wait for the other one and all its drivers.
    dialect: Any = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    insert: sqlite.Insert | postgresql.Insert = dialect.insert(table)
    return insert


def insert_tuples(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows that are not there yet, each with the values of the table's columns in order.

    For thousands of rows: there is nothing done for each value but what its column's type asks.
    """
    dialect = connection.dialect
    if not rows:
        return
    for place, column in enumerate(table.columns):
        if as_stored := column.type.dialect_impl(dialect).bind_processor(dialect):
            # Mostly one time, of all rows.
            stored = {value: as_stored(value) for value in {row[place] for row in rows}}
            rows = [(*row[:place], stored[row[place]], *row[place + 1 :]) for row in rows]
    statement = insert_into(connection, table).on_conflict_do_nothing().compile(dialect=dialect)
    names = [column.name for column in table.columns]
    if statement.positional:
        connection.exec_driver_sql(str(statement), list(rows))
    else:
        told = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(statement), told)


def among(
    connection: Connection, column: ColumnElement[T], values: Iterable[T]
) -> ColumnElement[bool]:
    """Return the condition that a column is one of these values, which may be thousands."""
    return among_packed(connection.dialect.name, column, literal(pack(values), Text))


def pack(values: Iterable[object]) -> str:
    """Return numbers or texts, or rows of them, as one text: a list in JSON."""
    # A parameter for each costs more than the database's reading of them all.
    return orjson.dumps(list(values)).decode()


def among_packed(
    dialect: str, column: ColumnElement[T], packed: ColumnElement[str]
) -> ColumnElement[bool]:
    """Return the condition that a column is one of what was packed, for statements made once."""
    if dialect == "postgresql":
        told = func.json_array_elements_text(cast(packed, JSON)).column_valued("told")
        return column == any_(func.array(select(cast(told, column.type)).scalar_subquery()))
    return column.in_(select(func.json_each(packed).table_valued("value").c.value))


def lines(connection: Connection, **columns: Sequence[str]) -> Select[Any]:
    """Return the query for rows of texts, given column by column, to insert them from."""
    rows = pack(zip(*columns.values(), strict=True))
    if connection.dialect.name == "postgresql":
        told = func.json_array_elements(_as_json(rows)).column_valued("told")
        return select(*(told.op("->>")(index) for index in range(len(columns))))
    row = func.json_each(rows).table_valued("value")
    cells = [func.json_extract(row.c.value, f"$[{index}]") for index in range(len(columns))]
    # Without a condition SQLite takes ON CONFLICT for that of a join (lang_UPSERT, section 2).
    return select(*cells).where(true())


def _as_json(text: str) -> ColumnElement[Any]:
    return cast(literal(text, Text), JSON)


def migrate(
    engine: Engine,
    rooms: Iterable[tuple[str, Sequence[Migration]]],
    *,
    before: Callable[[], None] | None = None,
) -> None:
    """Bring each room's tables up to date, in the order given, in one transaction.

    A database that is up to date is only read. `before` is called first if there is something in
    it that a migration could spoil. Raises DatabaseTooNew if a later version of this software
    wrote the database.
    """
    rooms = list(rooms)
    try:
        found = versions_of(engine)
        for room, migrations in rooms:
            _require_known(room, found.get(room, 0), migrations)
        if all(found.get(room) == len(migrations) for room, migrations in rooms):
            return
        if found and before is not None:
            before()
        with engine.begin() as connection:
            _wait_for_others(connection)
            versions.create(connection, checkfirst=True)
            for room, migrations in rooms:
                _migrate_room(connection, room, migrations)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).splitlines()[0]
        raise DatabaseUnavailable(f"database: cannot bring it up to date: {cause}") from error


def versions_of(engine: Engine) -> dict[str, int]:
    """Return the version of each room's tables; nothing of a database that has none."""
    with reading(engine).begin() as connection:
        if not inspect(connection).has_table(versions.name):
            return {}
        return {row.room: row.version for row in connection.execute(select(versions))}


def tell_versions(engine: Engine, found: Mapping[str, int]) -> None:
    """Let the tables be of these versions, by room, from which they are brought up to date."""
    rows = [{"room": room, "version": version} for room, version in found.items()]
    with engine.begin() as connection:
        connection.execute(delete(versions))
        if rows:
            connection.execute(insert(versions), rows)


def _require_known(room: str, version: int, migrations: Sequence[Migration]) -> None:
    if version > len(migrations):
        raise DatabaseTooNew(
            f"database: its {room} tables are at version {version}, this software knows "
            f"{len(migrations)}; install the newer newsletter that wrote it"
        )


def _wait_for_others(connection: Connection) -> None:
    # Two first starts at once; SQLite has one writer anyway. The number is ours alone.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7235421)"))


def _migrate_room(connection: Connection, room: str, migrations: Sequence[Migration]) -> None:
    query = select(versions.c.version).where(versions.c.room == room)
    current = connection.execute(query).scalar() or 0
    _require_known(room, current, migrations)
    for migration in migrations[current:]:
        migration.run(connection)
    insert = insert_into(connection, versions).values(room=room, version=len(migrations))
    connection.execute(
        insert.on_conflict_do_update(index_elements=["room"], set_={"version": len(migrations)})
    )


def is_sqlite(url: str) -> bool:
    """Say whether the address is SQLite's."""
    return url.partition(":")[0].partition("+")[0] == "sqlite"


def sqlite_path(url: str) -> Path | None:
    """Return the file behind a SQLite address, None for any other database."""
    database = (make_url(url).database if is_sqlite(url) else None) or ""
    if database.startswith("file:"):
        # With ?uri=true, SQLite's own way to write it (sqlite.org/uri.html).
        database = unquote(urlsplit(database).path)
    return None if database in ("", ":memory:") else Path(database)
