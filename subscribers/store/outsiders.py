"""People of a file that says not to mail them: kept as such, so that no import brings them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, insert, literal, select, update

from subscribers.consent import AGREEING
from subscribers.database import UTCDateTime, among, insert_into, lines
from subscribers.models import ConsentAction, SubscriberStatus
from subscribers.schema import consents, subscribers, suppressions
from subscribers.store.people import select_salt, transaction
from subscribers.suppression import forgotten_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine

    from subscribers.models import Outsider

# Whoever is here by a word of their own has said so after they left elsewhere.
BY_THEIR_OWN_WORD = tuple(
    action.value
    for action in AGREEING
    if action not in (ConsentAction.IMPORTED, ConsentAction.ADDED)
)


def keep_out(engine: Engine, people: Sequence[Outsider], *, source: str, now: datetime) -> None:
    """Keep how these stand elsewhere: who unsubscribed, whose address bounced, who complained.

    Who is on the list by an import leaves it; who confirmed by themselves stays. Nothing is kept
    of who asked to be forgotten.
    """
    with transaction(engine) as connection:
        forgotten = _forgotten(connection, people)
        kept = [who for who in people if who.key not in forgotten]
        if failed := [who for who in kept if who.reason is not None]:
            _suppress(connection, failed, source, now)
        if left := [who for who in kept if who.reason is None]:
            _let_go(connection, left, source, now)


def _forgotten(connection: Connection, people: Sequence[Outsider]) -> set[str]:
    salt = connection.execute(select_salt()).scalar_one()
    hashes = {forgotten_key(who.key, salt): who.key for who in people}
    known = select(suppressions.c.key).where(among(connection, suppressions.c.key, hashes))
    return {hashes[key] for key in connection.execute(known).scalars()}


def _suppress(
    connection: Connection, people: Sequence[Outsider], source: str, now: datetime
) -> None:
    rows = [
        {"key": who.key, "reason": str(who.reason), "at": now, "detail": f"{source}: {who.said}"}
        for who in people
    ]
    connection.execute(insert_into(connection, suppressions).on_conflict_do_nothing(), rows)


def _let_go(connection: Connection, people: Sequence[Outsider], source: str, now: datetime) -> None:
    status: dict[str, ColumnElement[Any]] = {
        "status": literal(SubscriberStatus.UNSUBSCRIBED.value),
        "unsubscribed_at": literal(now, UTCDateTime),
    }
    told = lines(
        connection, email=[who.email for who in people], key=[who.key for who in people]
    ).add_columns(literal(""), literal(now, UTCDateTime), *status.values())
    insertion = (
        insert_into(connection, subscribers)
        .from_select(["email", "key", "name", "created_at", *status], told)
        .on_conflict_do_nothing(index_elements=["key"])
    )
    added = connection.execute(insertion.returning(subscribers.c.id)).scalars().all()
    own_word = exists().where(
        consents.c.subscriber_id == subscribers.c.id, consents.c.action.in_(BY_THEIR_OWN_WORD)
    )
    leave = (
        update(subscribers)
        .where(
            among(connection, subscribers.c.key, [who.key for who in people]),
            subscribers.c.status == SubscriberStatus.ACTIVE.value,
            ~own_word,
        )
        .values(**status)
        .returning(subscribers.c.id)
    )
    gone = connection.execute(leave).scalars().all()
    if ids := [*added, *gone]:
        _record(connection, ids, source, now)


def _record(connection: Connection, ids: Sequence[int], source: str, now: datetime) -> None:
    columns = ["subscriber_id", "at", "action", "source", "text"]
    values = (
        literal(now, UTCDateTime),
        literal(ConsentAction.UNSUBSCRIBED.value),
        literal(source),
        literal("unsubscribed there"),
    )
    who = select(subscribers.c.id, *values).where(among(connection, subscribers.c.id, ids))
    connection.execute(insert(consents).from_select(columns, who))
