"""Every statement about people: adding them, finding them, letting them go."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, case, delete, func, insert, literal, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from subscribers.consent import AGREEING
from subscribers.database import UTCDateTime, among, insert_into, lines, reading
from subscribers.errors import DatabaseUnavailable
from subscribers.models import (
    Admission,
    Consent,
    ConsentAction,
    Fate,
    Subscriber,
    SubscriberStatus,
    Suppression,
    SuppressionReason,
)
from subscribers.schema import consents, salts, subscribers, suppressions, tags
from subscribers.suppression import admission, forgotten_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row

    from subscribers.models import Agreement, Newcomer

PAGE = 1000
# What `count` calls those whose address must not be mailed, whatever their status.
SUPPRESSED = "suppressed"


@contextlib.contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a transaction's connection; raises DatabaseUnavailable if the database gives up."""
    try:
        with engine.begin() as connection:
            yield connection
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        cause = str(getattr(error, "orig", None) or "it did not answer in time").splitlines()[0]
        raise DatabaseUnavailable(f"database: {cause}; nothing was changed") from error


def ping(engine: Engine) -> None:
    """Return if the database answers; raises DatabaseUnavailable."""
    with transaction(reading(engine)) as connection:
        connection.execute(select(subscribers.c.id).limit(1)).first()


def ping_for_writing(engine: Engine) -> None:
    """Return if the database would take a change now; raises DatabaseUnavailable."""
    with transaction(engine) as connection:
        # Asks for the write lock and for a writable file, and matches nobody.
        connection.execute(update(subscribers).where(subscribers.c.id == 0).values(name=""))


def admit(
    engine: Engine,
    newcomers: Sequence[Newcomer],
    *,
    agreement: Agreement,
    action: ConsentAction,
    now: datetime,
) -> list[Admission]:
    """Add those whom nothing keeps out, with their consent; return each one's fate in order.

    All in one transaction: meant for up to a few thousand at a time.
    """
    with transaction(engine) as connection:
        known = _admissions(connection, newcomers)
        fresh: dict[str, Newcomer] = {}
        for who in newcomers:
            if who.key not in known:
                fresh.setdefault(who.key, who)
        ids = _insert(connection, fresh.values(), now) if fresh else {}
        added = [who for who in fresh.values() if who.key in ids]
        if quiet := [ids[who.key] for who in added if not who.said]:
            _record(connection, quiet, agreement, action, now)
        if said := {ids[who.key]: who.said for who in added if who.said}:
            _record_each(connection, said, agreement, action, now)
        rows = [(ids[who.key], tag) for who in added for tag in who.tags]
        if tagged := [{"subscriber_id": who, "tag": tag} for who, tag in rows]:
            connection.execute(insert(tags), tagged)
    return _fates(newcomers, known, ids)


def would_admit(engine: Engine, newcomers: Sequence[Newcomer]) -> list[Admission]:
    """Return the fates that `admit` would tell now, and add nobody."""
    with transaction(reading(engine)) as connection:
        known = _admissions(connection, newcomers)
    return _fates(newcomers, known, {who.key: 0 for who in newcomers if who.key not in known})


def _admissions(connection: Connection, newcomers: Sequence[Newcomer]) -> dict[str, Admission]:
    """Return what stands against each key; a key that nothing stands against is left out."""
    keys = [who.key for who in newcomers]
    salt = connection.execute(select_salt()).scalar_one()
    spelled = {forgotten_key(key, salt): key for key in keys}
    held = select(suppressions).where(among(connection, suppressions.c.key, [*keys, *spelled]))
    held_by_key = {
        spelled.get(row.key, row.key): _suppression(row) for row in connection.execute(held)
    }
    there = connection.execute(select_people().where(among(connection, subscribers.c.key, keys)))
    people = {row.key: as_subscriber(row) for row in there}
    told = {key: admission(people.get(key), held_by_key.get(key)) for key in keys}
    return {key: found for key, found in told.items() if found is not None}


def _insert(connection: Connection, fresh: Collection[Newcomer], now: datetime) -> dict[str, int]:
    columns = ["email", "key", "name", "status", "created_at"]
    people = lines(
        connection,
        email=[who.email for who in fresh],
        key=[who.key for who in fresh],
        name=[who.name for who in fresh],
    ).add_columns(literal(SubscriberStatus.ACTIVE.value), literal(now, UTCDateTime))
    statement = (
        insert_into(connection, subscribers)
        .from_select(columns, people)
        # Somebody may have signed up since the look-up.
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(subscribers.c.key, subscribers.c.id)
    )
    return dict(connection.execute(statement).tuples().all())


def _record(
    connection: Connection,
    subscriber_ids: Collection[int],
    agreement: Agreement,
    action: ConsentAction,
    now: datetime,
) -> None:
    # From a SELECT: what is the same for all is bound once, not once for each of thousands.
    columns = ["subscriber_id", "at", "action", "source", "text"]
    values = (
        literal(now, UTCDateTime),
        literal(action.value),
        literal(agreement.source),
        literal(agreement.text),
    )
    added = among(connection, subscribers.c.id, subscriber_ids)
    people = select(subscribers.c.id, *values).where(added)
    connection.execute(insert(consents).from_select(columns, people))


def _record_each(
    connection: Connection,
    said: Mapping[int, str],
    agreement: Agreement,
    action: ConsentAction,
    now: datetime,
) -> None:
    """Record the agreement with what is said of each alone: since when they are on the list."""
    row = {"at": now, "action": action.value, "source": agreement.source}
    rows = [
        {"subscriber_id": who, "text": f"{agreement.text}; {more}"} | row
        for who, more in said.items()
    ]
    connection.execute(insert(consents), rows)


def _fates(
    newcomers: Sequence[Newcomer], known: Mapping[str, Admission], added: Mapping[str, int]
) -> list[Admission]:
    told: list[Admission] = []
    seen: set[str] = set()
    for who in newcomers:
        if who.key in seen and who.key in added:
            told.append(Admission(fate=Fate.ALREADY_THERE, reason="for the second time here"))
        elif who.key in added:
            told.append(Admission(fate=Fate.ADDED))
        else:
            told.append(known.get(who.key) or Admission(fate=Fate.ALREADY_THERE, reason="just now"))
        seen.add(who.key)
    return told


def find(engine: Engine, key: str) -> Subscriber | None:
    """Return the subscriber whose folded address is `key`, None if nobody has it."""
    with transaction(reading(engine)) as connection:
        row = connection.execute(select_people().where(subscribers.c.key == key)).first()
    return as_subscriber(row) if row else None


def get(engine: Engine, subscriber_id: int) -> Subscriber | None:
    """Return the subscriber with this id, None if there is none."""
    with transaction(reading(engine)) as connection:
        row = connection.execute(select_people().where(subscribers.c.id == subscriber_id)).first()
    return as_subscriber(row) if row else None


def page(
    engine: Engine, *, after: int = 0, limit: int = PAGE, standing: str | None = None
) -> list[Subscriber]:
    """Return the next subscribers by id; `standing` is a status or "suppressed"."""
    query = select_people().where(subscribers.c.id > after).order_by(subscribers.c.id).limit(limit)
    if standing is not None:
        query = query.where(_standing() == standing)
    with transaction(reading(engine)) as connection:
        return [as_subscriber(row) for row in connection.execute(query)]


def everyone(engine: Engine, *, standing: str | None = None) -> Iterator[Subscriber]:
    """Yield all subscribers by id, a page at a time: no reader holds the database for long."""
    after = 0
    while found := page(engine, after=after, standing=standing):
        yield from found
        after = found[-1].id


def count(engine: Engine) -> dict[str, int]:
    """Return how many there are of each status, and how many of any status are suppressed."""
    # By its name: PostgreSQL takes the same words with a parameter in them for another expression.
    standing = _standing().label("standing")
    query = select(standing, func.count()).select_from(_joined()).group_by(standing)
    counts = {status.value: 0 for status in SubscriberStatus} | {SUPPRESSED: 0}
    with transaction(reading(engine)) as connection:
        return counts | dict(connection.execute(query).tuples().all())


def take_back(engine: Engine, subscriber_id: int, *, agreement: Agreement, now: datetime) -> bool:
    """Make somebody who left active again, by their own wish; False if nothing changed.

    A suppression stands: whoever bounced or complained gets no mail.
    """
    back = (
        update(subscribers)
        .where(
            subscribers.c.id == subscriber_id,
            subscribers.c.status == SubscriberStatus.UNSUBSCRIBED.value,
        )
        .values(status=SubscriberStatus.ACTIVE.value, unsubscribed_at=None, paused_until=None)
    )
    with transaction(engine) as connection:
        if connection.execute(back).rowcount == 0:
            return False
        _record(connection, [subscriber_id], agreement, ConsentAction.RETURNED, now)
        return True


def suppress(
    engine: Engine, key: str, *, reason: SuppressionReason, now: datetime, detail: str = ""
) -> None:
    """Keep an address from being mailed; the first reason stands, but a complaint outweighs it."""
    row = {"key": key, "reason": reason.value, "at": now, "detail": detail}
    with transaction(engine) as connection:
        statement = insert_into(connection, suppressions).values(row)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["key"],
                set_=row,
                where=and_(
                    statement.excluded.reason == SuppressionReason.COMPLAINT.value,
                    suppressions.c.reason != SuppressionReason.COMPLAINT.value,
                ),
            )
        )


def suppressed(engine: Engine, key: str) -> Suppression | None:
    """Return why this folded address must not be mailed, None if it may be."""
    with transaction(reading(engine)) as connection:
        hashed = forgotten_key(key, connection.execute(select_salt()).scalar_one())
        query = select(suppressions).where(suppressions.c.key.in_([key, hashed]))
        row = connection.execute(query).first()
    return _suppression(row) if row else None


def forget(engine: Engine, key: str, *, now: datetime) -> bool:
    """Delete all we hold on an address but a salted hash, which keeps it from coming back.

    Returns whether anything was held. What was sent stays counted, under a number without a person.
    """
    with transaction(engine) as connection:
        salt = connection.execute(select_salt()).scalar_one()
        gone = connection.execute(delete(subscribers).where(subscribers.c.key == key)).rowcount
        gone += connection.execute(delete(suppressions).where(suppressions.c.key == key)).rowcount
        row = {"key": forgotten_key(key, salt), "at": now, "detail": ""}
        row["reason"] = SuppressionReason.FORGOTTEN.value
        connection.execute(
            insert_into(connection, suppressions).values(row).on_conflict_do_nothing()
        )
        return gone > 0


def records(engine: Engine, subscriber_id: int) -> list[Consent]:
    """Return what somebody agreed to and took back, oldest first."""
    query = select(consents).where(consents.c.subscriber_id == subscriber_id)
    with transaction(reading(engine)) as connection:
        return [_consent(row) for row in connection.execute(query.order_by(consents.c.id))]


def agreements(engine: Engine, subscriber_ids: Sequence[int]) -> dict[int, Consent]:
    """Return the latest record by which each of these is on the list."""
    query = select(consents).where(
        consents.c.subscriber_id.in_(subscriber_ids),
        consents.c.action.in_([action.value for action in AGREEING]),
    )
    with transaction(reading(engine)) as connection:
        rows = connection.execute(query.order_by(consents.c.id))
        return {row.subscriber_id: _consent(row) for row in rows}


def _joined() -> Any:
    return subscribers.outerjoin(suppressions, suppressions.c.key == subscribers.c.key)


def select_people() -> Select[Any]:
    """Return the query for everybody, with why their address must not be mailed."""
    return select(subscribers, suppressions.c.reason.label("suppressed")).select_from(_joined())


def _standing() -> Any:
    return case((suppressions.c.key.is_not(None), SUPPRESSED), else_=subscribers.c.status)


def select_salt() -> Select[tuple[str]]:
    """Return the query for what the hashes of forgotten addresses are salted with."""
    return select(salts.c.salt).where(salts.c.purpose == "forgotten")


def as_subscriber(row: Row[Any]) -> Subscriber:
    """Return the subscriber that a row of `select_people` tells of."""
    return Subscriber(
        id=row.id,
        email=row.email,
        key=row.key,
        name=row.name,
        status=SubscriberStatus(row.status),
        created_at=row.created_at,
        unsubscribed_at=row.unsubscribed_at,
        paused_until=row.paused_until,
        suppressed=SuppressionReason(row.suppressed) if row.suppressed else None,
    )


def _suppression(row: Row[Any]) -> Suppression:
    reason = SuppressionReason(row.reason)
    return Suppression(key=row.key, reason=reason, at=row.at, detail=row.detail)


def _consent(row: Row[Any]) -> Consent:
    return Consent(
        subscriber_id=row.subscriber_id,
        at=row.at,
        action=ConsentAction(row.action),
        source=row.source,
        text=row.text,
        issue=row.issue,
    )
