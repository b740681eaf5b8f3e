"""The subscribers' tables, step by step; a new step goes to the end."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import insert

from subscribers.database import Migration
from subscribers.schema import metadata, salts

if TYPE_CHECKING:
    from sqlalchemy import Connection


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(insert(salts).values(purpose="forgotten", salt=secrets.token_hex(32)))


ROOM = "subscribers"
MIGRATIONS = (Migration(name="people, consent, suppression", run=_create),)
