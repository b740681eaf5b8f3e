"""The mail of an issue as it was approved, kept where every machine that hands it over finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from flows.store.schema import mails
from subscribers.database import insert_into, reading

if TYPE_CHECKING:
    from sqlalchemy import Engine


def save_mail(engine: Engine, issue: int, *, digest: str, mail: str) -> None:
    """Keep an approved mail, as its file says it; doing it again changes nothing."""
    with engine.begin() as connection:
        connection.execute(
            insert_into(connection, mails)
            .values(issue=issue, digest=digest, mail=mail)
            .on_conflict_do_nothing()
        )


def load_mail(engine: Engine, issue: int, *, digest: str) -> str | None:
    """Return the mail that was approved under this digest, None if it was never kept."""
    query = select(mails.c.mail).where(mails.c.issue == issue, mails.c.digest == digest)
    with reading(engine).begin() as connection:
        return connection.execute(query).scalar()
