"""How the list grows: who came and left by day, from where, and by which issue they left."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, exists, func, select

from subscribers.consent import AGREEING
from subscribers.database import reading
from subscribers.models import ConsentAction, SubscriberStatus
from subscribers.schema import consents, subscribers, suppressions
from subscribers.store.people import transaction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine

# By these somebody is on the list from then on; asking for it by the form is not yet among them.
COMING = tuple(action.value for action in AGREEING if action is not ConsentAction.SUBSCRIBED)


def came_by_day(engine: Engine, *, since: datetime) -> dict[date, int]:
    """Return how many came or came back on each day."""
    return _by_day(engine, consents.c.at, consents.c.action.in_(COMING), since)


def left_by_day(engine: Engine, *, since: datetime) -> dict[date, int]:
    """Return how many unsubscribed on each day; who had left elsewhere was never here."""
    earlier = consents.alias()
    was_here = exists().where(
        earlier.c.subscriber_id == consents.c.subscriber_id, earlier.c.action.in_(COMING)
    )
    left = consents.c.action == ConsentAction.UNSUBSCRIBED.value
    return _by_day(engine, consents.c.at, left & was_here, since)


def failed_by_day(engine: Engine, *, since: datetime) -> dict[date, int]:
    """Return how many active people's addresses bounced or complained on each day."""
    active = exists().where(
        subscribers.c.key == suppressions.c.key,
        subscribers.c.status == SubscriberStatus.ACTIVE.value,
    )
    return _by_day(engine, suppressions.c.at, active, since)


def _by_day(
    engine: Engine, at: ColumnElement[Any], which: ColumnElement[bool], since: datetime
) -> dict[date, int]:
    utc = func.timezone("UTC", at) if engine.dialect.name == "postgresql" else at
    day = func.date(utc)
    query = select(day.label("day"), func.count().label("total")).where(which, at > since)
    with transaction(reading(engine)) as connection:
        rows = connection.execute(query.group_by(day)).all()
    return {date.fromisoformat(str(row.day)): row.total for row in rows}


def by_source(engine: Engine) -> list[tuple[str, int, int]]:
    """Return from where people came first: the source, how many, how many are active now."""
    first = (
        select(func.min(consents.c.id))
        .where(consents.c.action.in_((*COMING, ConsentAction.SUBSCRIBED.value)))
        .group_by(consents.c.subscriber_id)
    )
    active = (subscribers.c.status == SubscriberStatus.ACTIVE.value) & suppressions.c.key.is_(None)
    count = func.count()
    query = (
        select(consents.c.source, count, func.sum(case((active, 1), else_=0)))
        .join(subscribers, subscribers.c.id == consents.c.subscriber_id)
        .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
        .where(consents.c.id.in_(first), subscribers.c.status != SubscriberStatus.PENDING.value)
        .group_by(consents.c.source)
        .order_by(count.desc(), consents.c.source)
    )
    with transaction(reading(engine)) as connection:
        return [(source, total, int(now)) for source, total, now in connection.execute(query)]


def left_by_issue(engine: Engine) -> dict[int, int]:
    """Return how many left by the link of each issue."""
    query = (
        select(consents.c.issue, func.count())
        .where(consents.c.action == ConsentAction.UNSUBSCRIBED.value, consents.c.issue.is_not(None))
        .group_by(consents.c.issue)
        .order_by(consents.c.issue)
    )
    with transaction(reading(engine)) as connection:
        return {int(issue): total for issue, total in connection.execute(query)}


def paused(engine: Engine, *, now: datetime) -> int:
    """Return how many active people get no issue at the moment because they want none."""
    query = (
        select(func.count())
        .select_from(subscribers)
        .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
        .where(
            subscribers.c.status == SubscriberStatus.ACTIVE.value,
            suppressions.c.key.is_(None),
            subscribers.c.paused_until > now,
        )
    )
    with transaction(reading(engine)) as connection:
        return connection.execute(query).scalar_one()
