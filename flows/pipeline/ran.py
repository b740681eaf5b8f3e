"""What ran: a sent issue's entries, traced back to the items they were made from, for history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.canonical import canonical
from flows.edit.dedupe import dedupe, remembered
from flows.edit.past import ran
from flows.pipeline.drafting import Window, stored_items
from flows.store.history import remember

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from flows.models import Entry, IssueRecord, Item
    from flows.settings import Settings


def remember_issue(
    settings: Settings, engine: Engine, record: IssueRecord, entries: Iterable[Entry]
) -> None:
    """Keep what ran in the issue: each entry's own words, and every item that tells its story.

    An editor may have rewritten a title or moved a link in from elsewhere; both are remembered.
    Sponsors are not: the same sponsor may come again.
    """
    lines = list(ran(entries))
    addresses = {canonical(line.url) for line in lines}
    told = [*lines]
    for story in dedupe(_items(settings, engine, record)):
        if addresses & {canonical(item.url) for item in story.items}:
            told += story.items
    remember(engine, [remembered(item, issue=record.number) for item in told])


def _items(settings: Settings, engine: Engine, record: IssueRecord) -> list[Item]:
    if record.window_start is None or record.cutoff is None:
        return []
    covers = Window(start=record.window_start, end=record.cutoff)
    return stored_items(settings, engine, covers)
