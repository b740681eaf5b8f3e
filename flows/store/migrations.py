"""The pipeline's tables, step by step; a new step goes to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, text
from sqlalchemy.schema import CreateColumn

from flows.store.schema import deliveries, issues, items, metadata
from subscribers import migrations as people
from subscribers.database import Migration, migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Column, Connection, Engine, Table


def _create(connection: Connection) -> None:
    metadata.create_all(connection)


def _add_gists(connection: Connection) -> None:
    _add(connection, items.c.gist)


def _add_times_to_send(connection: Connection) -> None:
    _add(connection, issues.c.send_at)


def _add(connection: Connection, column: Column[Any]) -> None:
    name = column.table.name
    if column.name not in {known["name"] for known in inspect(connection).get_columns(name)}:
        spelled = CreateColumn(column).compile(connection)
        connection.execute(text(f"ALTER TABLE {name} ADD COLUMN {spelled}"))


def _index_the_ledger_anew(connection: Connection) -> None:
    _index_anew(connection, deliveries, without=("deliveries_by_status", "deliveries_by_batch"))


def _index_the_items_anew(connection: Connection) -> None:
    _index_anew(connection, items, without=("items_by_place", "items_by_name"))


def _index_anew(connection: Connection, table: Table, *, without: Iterable[str]) -> None:
    for name in without:
        connection.execute(text(f"DROP INDEX IF EXISTS {name}"))
    for index in table.indexes:
        index.create(connection, checkfirst=True)


ROOM = "pipeline"
MIGRATIONS = (
    Migration(name="feeds, items, issues, history, the ledger", run=_create),
    Migration(name="what was read from items", run=_add_gists),
    Migration(name="what each answer of the ledger is written to", run=_index_the_ledger_anew),
    Migration(name="what a draft asks of earlier items", run=_index_the_items_anew),
    Migration(name="when readers are to get an issue", run=_add_times_to_send),
)


# People first: the issues' tables name them.
ROOMS = ((people.ROOM, people.MIGRATIONS), (ROOM, MIGRATIONS))


def migrate_all(engine: Engine, *, before: Callable[[], None] | None = None) -> None:
    """Bring every table up to date; `before` is called if that changes what is there.

    Raises DatabaseTooNew.
    """
    migrate(engine, ROOMS, before=before)
