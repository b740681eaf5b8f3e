"""Who unsubscribes: one person, or all who ask at the same moment in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, insert, select, update

from subscribers.models import ConsentAction, Leaver, Leaving, SubscriberStatus
from subscribers.schema import consents, subscribers
from subscribers.store.people import transaction

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Engine

# Built once: to build and to compile them anew costs more than to carry them out.
_LEAVE: Final = (
    update(subscribers)
    .where(
        subscribers.c.id == bindparam("who"),
        subscribers.c.status != SubscriberStatus.UNSUBSCRIBED.value,
    )
    .values(status=SubscriberStatus.UNSUBSCRIBED.value, unsubscribed_at=bindparam("at"))
)
_RECORD: Final = insert(consents)


def unsubscribe(
    engine: Engine, subscriber_id: int, *, source: str, now: datetime, issue: int | None = None
) -> Leaving:
    """Let somebody go, and record by which issue's link; again changes nothing more."""
    leaver = Leaver(subscriber_id=subscriber_id, source=source, at=now, issue=issue)
    with transaction(engine) as connection:
        if _let_go(connection, leaver):
            return Leaving(known=True, changed=True)
        query = select(subscribers.c.id).where(subscribers.c.id == subscriber_id)
        return Leaving(known=connection.execute(query).first() is not None, changed=False)


def unsubscribe_all(engine: Engine, leavers: Collection[Leaver]) -> list[Leaver]:
    """Let these people go, all of them or none; return for whom that changed something."""
    # By their number: two processes that let the same people go do not wait for each other.
    in_order = sorted(leavers, key=lambda leaver: leaver.subscriber_id)
    with transaction(engine) as connection:
        return [leaver for leaver in in_order if _let_go(connection, leaver)]


def _let_go(connection: Connection, leaver: Leaver) -> bool:
    who, at = leaver.subscriber_id, leaver.at
    if connection.execute(_LEAVE, {"who": who, "at": at}).rowcount == 0:
        return False
    record = {"subscriber_id": who, "at": at, "source": leaver.source, "text": ""}
    record |= {"action": ConsentAction.UNSUBSCRIBED.value, "issue": leaver.issue}
    connection.execute(_RECORD, record)
    return True
