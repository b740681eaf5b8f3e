"""What a subscriber chooses for themselves: every issue, or none for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, or_, update

from subscribers.models import ConsentAction, SubscriberStatus
from subscribers.schema import consents, subscribers
from subscribers.store.people import transaction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine


def pause(engine: Engine, subscriber_id: int, *, until: datetime, now: datetime) -> bool:
    """Let somebody get no issue until then; they come back by themselves. False if not active."""
    row = {"source": "preferences", "text": f"until {until:%Y-%m-%d}"}
    return _choose(engine, subscriber_id, until, {"action": ConsentAction.PAUSED.value, **row}, now)


def resume(engine: Engine, subscriber_id: int, *, now: datetime) -> bool:
    """Let somebody get every issue again; False if they are not active."""
    row = {"action": ConsentAction.RESUMED.value, "source": "preferences", "text": ""}
    return _choose(engine, subscriber_id, None, row, now)


def _choose(
    engine: Engine,
    subscriber_id: int,
    until: datetime | None,
    record: dict[str, str],
    now: datetime,
) -> bool:
    active = (
        subscribers.c.id == subscriber_id,
        subscribers.c.status == SubscriberStatus.ACTIVE.value,
    )
    paused = subscribers.c.paused_until
    differs = or_(paused.is_(None), paused != until) if until else paused.is_not(None)
    with transaction(engine) as connection:
        change = update(subscribers).where(*active, differs).values(paused_until=until)
        if connection.execute(change).rowcount:
            row = {"subscriber_id": subscriber_id, "at": now, **record}
            connection.execute(insert(consents).values(row))
            return True
        same = update(subscribers).where(*active).values(paused_until=until)
        return connection.execute(same).rowcount > 0
