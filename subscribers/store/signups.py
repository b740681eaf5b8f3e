"""Sign-ups by the web form: asked for, confirmed by their mail's link, or purged.

However often somebody signs up an address, it gets few mails; and nothing an outsider can see
depends on whether the address was known.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, func, insert, or_, select, update

from subscribers.database import insert_into, reading
from subscribers.models import (
    Asked,
    ConsentAction,
    LetterKind,
    SubscriberStatus,
    SuppressionReason,
    Waiting,
)
from subscribers.schema import consents, letters, subscribers, suppressions
from subscribers.store.people import as_subscriber, select_people, select_salt, transaction
from subscribers.suppression import forgotten_key

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from subscribers.address import Address
    from subscribers.models import Agreement, Limits, Subscriber

HOUR = timedelta(hours=1)


def ask(
    engine: Engine, address: Address, *, agreement: Agreement, limits: Limits, now: datetime
) -> LetterKind | None:
    """Take a sign-up down; return what is to be posted because of it.

    None is for a sign-up that was not taken: the last hour's, of whomever, leave no room for it.

    Nobody is on the list by this alone. Whoever calls must not tell the answer to the one who
    signed up: it says whether the address was known.
    """
    with transaction(engine) as connection:
        # One at a time, so that the limit is exact: SQLite has one writer, PostgreSQL locks a row.
        connection.execute(select_salt().with_for_update())
        if not _room_for_more(connection, limits, now):
            return None
        who = _person(connection, address.key) or _pending(connection, address, now)
        kind = _kind(connection, who, limits, now)
        posted = kind is not LetterKind.NOTHING
        if kind is LetterKind.CONFIRM:
            _record(connection, who.id, ConsentAction.SUBSCRIBED, agreement, now)
        row = {"subscriber_id": who.id if posted else None, "kind": kind.value, "asked_at": now}
        connection.execute(insert(letters).values(due_at=now if posted else None, **row))
        return kind


def has_room(engine: Engine, limits: Limits, *, now: datetime) -> bool:
    """Return whether a sign-up would be taken now; to look waits for no writer, and holds up none.

    `ask` looks once more, for those who asked at the same moment.
    """
    with transaction(reading(engine)) as connection:
        return _room_for_more(connection, limits, now)


def _room_for_more(connection: Connection, limits: Limits, now: datetime) -> bool:
    query = select(func.count()).where(letters.c.asked_at > now - HOUR)
    return connection.execute(query).scalar_one() < limits.an_hour


def _person(connection: Connection, key: str) -> Subscriber | None:
    row = connection.execute(select_people().where(subscribers.c.key == key)).first()
    return as_subscriber(row) if row else None


def _pending(connection: Connection, address: Address, now: datetime) -> Subscriber:
    status = SubscriberStatus.PENDING.value
    row = {"email": address.email, "key": address.key, "name": "", "created_at": now}
    connection.execute(
        insert_into(connection, subscribers)
        .values(status=status, **row)
        # Somebody else may have signed them up since the look-up.
        .on_conflict_do_nothing(index_elements=["key"])
    )
    who = _person(connection, address.key)
    if who is None:
        raise AssertionError("unreachable: the row was inserted or stood already")
    return who


def _kind(connection: Connection, who: Subscriber, limits: Limits, now: datetime) -> LetterKind:
    if who.suppressed is not None:
        return LetterKind.NOTHING
    asked = select(letters.c.asked_at).where(
        letters.c.subscriber_id == who.id, letters.c.asked_at > now - limits.lasts
    )
    before = connection.execute(asked).scalars().all()
    if len(before) >= limits.most or any(at > now - limits.pause for at in before):
        return LetterKind.NOTHING
    return LetterKind.KNOWN if who.status is SubscriberStatus.ACTIVE else LetterKind.CONFIRM


def _record(
    connection: Connection,
    subscriber_id: int,
    action: ConsentAction,
    agreement: Agreement,
    now: datetime,
) -> None:
    row = {"subscriber_id": subscriber_id, "at": now, "action": action.value}
    row |= {"source": agreement.source, "text": agreement.text}
    connection.execute(insert(consents).values(row))


def confirm(
    engine: Engine,
    subscriber_id: int,
    *,
    asked_at: datetime,
    agreement: Agreement,
    now: datetime,
) -> bool:
    """Put somebody on the list who followed their link; False if the link is of no use any more.

    That is so if they were purged or forgotten, or unsubscribed after they asked. Doing it again
    changes nothing. Who asked to be forgotten and comes back is known again.
    """
    left_before = and_(
        subscribers.c.status == SubscriberStatus.UNSUBSCRIBED.value,
        subscribers.c.unsubscribed_at < asked_at,
    )
    put = (
        update(subscribers)
        .where(
            subscribers.c.id == subscriber_id,
            or_(subscribers.c.status == SubscriberStatus.PENDING.value, left_before),
        )
        .values(status=SubscriberStatus.ACTIVE.value, unsubscribed_at=None, paused_until=None)
        .returning(subscribers.c.key)
    )
    with transaction(engine) as connection:
        key = connection.execute(put).scalar()
        if key is None:
            query = select(subscribers.c.status).where(subscribers.c.id == subscriber_id)
            return connection.execute(query).scalar() == SubscriberStatus.ACTIVE.value
        _record(connection, subscriber_id, ConsentAction.CONFIRMED, agreement, now)
        hashed = forgotten_key(key, connection.execute(select_salt()).scalar_one())
        forgotten = suppressions.c.reason == SuppressionReason.FORGOTTEN.value
        connection.execute(delete(suppressions).where(suppressions.c.key == hashed, forgotten))
        return True


def next_letter(engine: Engine, *, now: datetime) -> Waiting | None:
    """Return a letter to be posted now, None if there is none.

    It counts as posted from here on: whatever breaks, nobody gets it twice. One that no longer fits
    is passed over: meanwhile its reader bounced, confirmed by another link, or left.
    """
    while (waiting := _take_letter(engine, now)) is not None:
        if _fits(waiting):
            return waiting
    return None


def _take_letter(engine: Engine, now: datetime) -> Waiting | None:
    with transaction(engine) as connection:
        due = (
            select(letters.c.id)
            .where(letters.c.due_at <= now)
            .order_by(letters.c.due_at, letters.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        letter_id = connection.execute(due).scalar()
        if letter_id is None:
            return None
        take = update(letters).where(letters.c.id == letter_id)
        taken = take.values(due_at=None, attempts=letters.c.attempts + 1).returning(letters)
        row: Any = connection.execute(taken).one()
        person = select_people().where(subscribers.c.id == row.subscriber_id)
        who = as_subscriber(connection.execute(person).one())
        return Waiting(id=row.id, kind=LetterKind(row.kind), attempts=row.attempts, subscriber=who)


def _fits(waiting: Waiting) -> bool:
    active = waiting.subscriber.status is SubscriberStatus.ACTIVE
    known = waiting.kind is LetterKind.KNOWN
    return waiting.subscriber.suppressed is None and active == known


def post_again(engine: Engine, letter_id: int, *, at: datetime) -> None:
    """Let a letter that surely did not go be posted at another time."""
    with transaction(engine) as connection:
        connection.execute(update(letters).where(letters.c.id == letter_id).values(due_at=at))


def letters_of(engine: Engine, subscriber_id: int) -> list[Asked]:
    """Return what is remembered of somebody's sign-ups, the oldest first."""
    query = select(letters.c.kind, letters.c.asked_at, letters.c.due_at)
    query = query.where(letters.c.subscriber_id == subscriber_id).order_by(letters.c.id)
    with transaction(reading(engine)) as connection:
        return [
            Asked(kind=row.kind, asked_at=row.asked_at, posted=row.due_at is None)
            for row in connection.execute(query)
        ]


def purge(engine: Engine, *, lasts: timedelta, now: datetime) -> int:
    """Delete who never confirmed within `lasts`, and what is remembered of old sign-ups.

    Returns how many people were deleted.
    """
    asked_lately = exists().where(
        letters.c.subscriber_id == subscribers.c.id, letters.c.asked_at > now - lasts
    )
    stale = delete(subscribers).where(
        subscribers.c.status == SubscriberStatus.PENDING.value,
        subscribers.c.created_at <= now - lasts,
        ~asked_lately,
    )
    with transaction(engine) as connection:
        gone = connection.execute(stale).rowcount
        connection.execute(delete(letters).where(letters.c.asked_at <= now - max(lasts, HOUR)))
        return gone
