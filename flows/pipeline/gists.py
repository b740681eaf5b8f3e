"""Reads what was gathered while nobody waits, so that a draft of thousands of items need not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.gist import packed
from flows.store.items import items_without_gist, keep_gists

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.settings import Settings

# So many texts are held at once.
_AT_ONCE = 500


def read_ahead(settings: Settings, engine: Engine, *, now: datetime) -> int:
    """Read the stored items that a coming issue may have and that nobody read; return how many."""
    since = now - max(settings.gather.max_age, settings.gather.first_window)
    count = last = 0
    while found := items_without_gist(engine, since=since, after=last, most=_AT_ONCE):
        keep_gists(engine, {item_id: packed(item) for item_id, item in found.items()})
        count, last = count + len(found), max(found)
    return count
