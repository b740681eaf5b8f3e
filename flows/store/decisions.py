"""What became of each item when an issue was drafted, and why; kept to be asked for later."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, or_, select

from flows.store.names import number
from flows.store.schema import decisions
from subscribers.database import insert_tuples, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine, RowMapping

# Values of one statement; SQLite takes 32,766, and conditions only 1,000 deep.
_AT_ONCE = 200


class Fate(StrEnum):
    """What becomes of an item."""

    CHOSEN = "chosen"
    # Told by another item, which leads the story.
    MERGED = "merged"
    LEFT_OUT = "left out"
    # Told before: in an issue, or by its feed.
    HELD = "held"


class Decision(NamedTuple):
    """What became of one item of an issue's window, and why.

    `item` and `story` are numbers: a story's is that of the item that leads it. `address` is the
    one spelling of the item's address, or its title if it has none. `section` is the heading.
    """

    # A tuple in the order of the table's columns: a draft makes thousands, and a row of each.
    issue: int
    item: int
    story: int
    address: str
    feed: str
    url: str
    title: str
    fate: Fate
    section: str
    reason: str
    decided_at: datetime

    @property
    def leads(self) -> bool:
        """Whether this is the item that leads the story."""
        return self.item == self.story


class Decided(NamedTuple):
    """What became of an item, when that was decided, and what the item said then."""

    fate: Fate
    at: datetime
    url: str
    title: str


def replace_decisions(engine: Engine, issue: int, made: Iterable[Decision]) -> None:
    """Keep what was decided for an issue in place of what was kept of it, in one go."""
    with engine.begin() as connection:
        connection.execute(delete(decisions).where(decisions.c.issue == issue))
        _insert(connection, made)


def add_decisions(engine: Engine, made: Iterable[Decision]) -> None:
    """Keep what was decided of items that nothing was decided of yet; the others stay."""
    with engine.begin() as connection:
        _insert(connection, made)


def decided_items(engine: Engine, issue: int) -> dict[int, Decided]:
    """Return what was decided for an issue, by the numbers of the items."""
    columns = (decisions.c[name] for name in ("item", "fate", "decided_at", "url", "title"))
    with reading(engine).begin() as connection:
        rows = connection.execute(select(*columns).where(decisions.c.issue == issue))
        return {row.item: Decided(Fate(row.fate), *row[2:]) for row in rows}


def decisions_of(engine: Engine, addresses: Iterable[str]) -> list[Decision]:
    """Return what was decided of items at these addresses and of all that tell their stories.

    The newest issue comes first, in it the leading item. `Decision.address` is empty.
    """
    numbers = sorted({number(address) for address in addresses})
    with reading(engine).begin() as connection:
        stories = {
            (row.issue, row.story)
            for start in range(0, len(numbers), _AT_ONCE)
            for row in connection.execute(
                select(decisions.c.issue, decisions.c.story).where(
                    decisions.c.address.in_(numbers[start : start + _AT_ONCE])
                )
            )
        }
        found = list(_of_stories(connection, sorted(stories)))
    return sorted(found, key=lambda one: (-one.issue, not one.leads, one.feed, one.url))


def count_decided(engine: Engine, issue: int) -> tuple[int, int]:
    """Return how many items something was decided of for an issue, and how many stories."""
    query = select(func.count(), func.count(decisions.c.story.distinct()))
    with reading(engine).begin() as connection:
        items, stories = connection.execute(query.where(decisions.c.issue == issue)).one()
        return items, stories


def _of_stories(connection: Connection, stories: Sequence[tuple[int, int]]) -> Iterable[Decision]:
    for start in range(0, len(stories), _AT_ONCE):
        asked: list[ColumnElement[bool]] = [
            (decisions.c.issue == issue) & (decisions.c.story == story)
            for issue, story in stories[start : start + _AT_ONCE]
        ]
        query = select(decisions).where(or_(*asked))
        for row in connection.execute(query).mappings():
            yield _decision(row)


def _insert(connection: Connection, made: Iterable[Decision]) -> None:
    rows = [(*one[:3], number(one.address), *one[4:7], one.fate.value, *one[8:]) for one in made]
    insert_tuples(connection, decisions, rows)


def _decision(row: RowMapping) -> Decision:
    return Decision(**{**row, "address": "", "fate": Fate(row["fate"])})
