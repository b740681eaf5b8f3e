"""The subscribers' tables, step by step; a new step goes to the end."""

from sqlalchemy import Connection

from subscribers.database import Migration
from subscribers.schema import metadata


def _create(connection: Connection) -> None:
    metadata.create_all(connection)


ROOM = "subscribers"
MIGRATIONS = (Migration(name="people, consent, suppression", run=_create),)
