"""Reads what was gathered while nobody waits, so that a draft of thousands of items need not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.gist import mark, packed
from flows.store.items import ids_without_gist, items_by_id, keep_gists

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.settings import Settings

# So many texts are held at once.
_AT_ONCE = 500


def read_ahead(settings: Settings, engine: Engine, *, now: datetime) -> int:
    """Read the stored items that a coming issue may have and that nobody read; return how many.

    What other rules read is read again: those of the version before, or of another Python.
    """
    since = now - max(settings.gather.max_age, settings.gather.first_window)
    waiting = ids_without_gist(engine, since=since, mark=mark())
    for start in range(0, len(waiting), _AT_ONCE):
        found = items_by_id(engine, waiting[start : start + _AT_ONCE])
        keep_gists(engine, {item_id: packed(item) for item_id, item in found.items()})
    return len(waiting)
