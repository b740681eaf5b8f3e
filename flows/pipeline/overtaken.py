"""An issue that waited while others went out: what it tells may have run there since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.keys import TELLING, history_keys
from flows.edit.past import ran
from flows.models import IssueStatus
from flows.store import issues
from flows.store.history import SqlHistory

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.models import Issue, IssueRecord

# So many titles tell which entries are meant.
NAMED = 3


def ran_since(engine: Engine, record: IssueRecord, issue: Issue) -> str:
    """Return one sentence on entries that ran elsewhere since the draft was made, else "".

    What had run before is no accident: the draft held it back, and its editor took it in.
    """
    found = {
        item.title: number
        for item in ran(issue.entries)
        for number in SqlHistory(engine)
        .ran_in([key for key in history_keys(item) if key.startswith(TELLING)])
        .values()
        if number != record.number and _is_later(engine, record, number)
    }
    if not found:
        return ""
    titles = ", ".join(list(found)[:NAMED]) + (", …" if len(found) > NAMED else "")
    others = ", ".join(f"#{number}" for number in sorted(set(found.values())))
    return f"since issue {record.number} was drafted, {others} told what it tells: {titles}"


def _is_later(engine: Engine, record: IssueRecord, number: int) -> bool:
    other = issues.find(engine, number)
    # Of an imported issue nothing is kept but that it ran; it did so long ago.
    if other is None or record.cutoff is None:
        return False
    if other.status is IssueStatus.SENT and other.sent_at is not None:
        return other.sent_at > record.cutoff
    return True
