"""What a mail provider reports of people: who they are, and whom to mail no more, in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from subscribers.database import insert_into, reading
from subscribers.models import SuppressionReason
from subscribers.schema import subscribers, suppressions
from subscribers.store.people import transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Engine

    from subscribers.models import Suppression


def ids(engine: Engine, keys: Collection[str]) -> dict[str, int]:
    """Return the subscriber's id of each folded address that somebody has."""
    query = select(subscribers.c.key, subscribers.c.id).where(subscribers.c.key.in_(keys))
    with transaction(reading(engine)) as connection:
        return dict(connection.execute(query).tuples().all())


def suppress_all(engine: Engine, found: Iterable[Suppression]) -> int:
    """Keep these addresses from being mailed; return how many were not before.

    The first reason stands, but a complaint outweighs it.
    """
    rows: dict[str, Suppression] = {}
    for one in found:
        if one.reason is SuppressionReason.COMPLAINT:
            rows[one.key] = one
        rows.setdefault(one.key, one)
    if not rows:
        return 0
    with transaction(engine) as connection:
        known = select(suppressions.c.key).where(suppressions.c.key.in_(rows))
        before = len(connection.execute(known).all())
        statement = insert_into(connection, suppressions)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["key"],
                set_={name: statement.excluded[name] for name in ("reason", "at", "detail")},
                where=and_(
                    statement.excluded.reason == SuppressionReason.COMPLAINT.value,
                    suppressions.c.reason != SuppressionReason.COMPLAINT.value,
                ),
            ),
            [
                {"key": one.key, "reason": one.reason.value, "at": one.at, "detail": one.detail}
                for one in rows.values()
            ],
        )
    return len(rows) - before
