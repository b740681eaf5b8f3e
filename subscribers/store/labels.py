"""Tags: words that an editor puts on people, to write to some of them first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, literal, select

from subscribers.database import insert_into, reading
from subscribers.models import SubscriberStatus
from subscribers.schema import subscribers, suppressions, tags
from subscribers.store.people import PAGE, as_subscriber, select_people, transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Engine

    from subscribers.models import Subscriber


def tag_people(engine: Engine, keys: Collection[str], tag: str) -> int:
    """Put the tag on those with these folded addresses; return how many did not have it."""
    people = select(subscribers.c.id, literal(tag)).where(subscribers.c.key.in_(keys))
    with transaction(engine) as connection:
        put = insert_into(connection, tags).from_select(["subscriber_id", "tag"], people)
        return connection.execute(
            put.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True}
        ).rowcount


def untag(engine: Engine, key: str, tag: str) -> bool:
    """Take the tag off somebody; False if they did not have it."""
    who = select(subscribers.c.id).where(subscribers.c.key == key).scalar_subquery()
    with transaction(engine) as connection:
        take = delete(tags).where(tags.c.tag == tag, tags.c.subscriber_id == who)
        return connection.execute(take).rowcount > 0


def tags_of(engine: Engine, subscriber_id: int) -> list[str]:
    """Return somebody's tags, by the alphabet."""
    query = select(tags.c.tag).where(tags.c.subscriber_id == subscriber_id).order_by(tags.c.tag)
    with transaction(reading(engine)) as connection:
        return list(connection.execute(query).scalars())


def tags_by_person(engine: Engine, subscriber_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the tags of each of these who has any, by the alphabet."""
    query = select(tags).where(tags.c.subscriber_id.in_(subscriber_ids)).order_by(tags.c.tag)
    found: dict[int, list[str]] = {}
    with transaction(reading(engine)) as connection:
        for row in connection.execute(query):
            found.setdefault(row.subscriber_id, []).append(row.tag)
    return found


def tagged(engine: Engine, tag: str) -> Iterator[Subscriber]:
    """Yield everybody with the tag by id, a page at a time."""
    after = 0
    query = select_people().join(tags, tags.c.subscriber_id == subscribers.c.id)
    while True:
        following = query.where(tags.c.tag == tag, subscribers.c.id > after)
        with transaction(reading(engine)) as connection:
            rows = connection.execute(following.order_by(subscribers.c.id).limit(PAGE)).all()
        if not rows:
            return
        yield from map(as_subscriber, rows)
        after = rows[-1].id


def count_tags(engine: Engine) -> dict[str, int]:
    """Return how many active people each tag would reach, by the alphabet."""
    query = (
        select(tags.c.tag, func.count())
        .join(subscribers, subscribers.c.id == tags.c.subscriber_id)
        .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
        .where(subscribers.c.status == SubscriberStatus.ACTIVE.value, suppressions.c.key.is_(None))
        .group_by(tags.c.tag)
        .order_by(tags.c.tag)
    )
    with transaction(reading(engine)) as connection:
        return dict(connection.execute(query).tuples().all())
