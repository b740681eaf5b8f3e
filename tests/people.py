"""What tests of sending need: people on the list, an issue, a mail, and a link for each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from flows.models import IssueStatus, Mail
from flows.store.schema import issues
from subscribers.schema import subscribers

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ISSUE = 42
TAG = "-unsubscribe-5f2c-"
MAIL = Mail(
    issue=ISSUE,
    subject="Weekly 42: größere Dinge",
    preheader="What happened",
    html=f'<!doctype html><p>Grüße</p><p><a href="{TAG}">Leave</a></p>',
    text=f"Grüße\n\nLeave: {TAG}\n",
    sender="The Weekly <weekly@example.org>",
    reply_to="editor@example.org",
    unsubscribe_tag=TAG,
    digest="0" * 64,
)


def link(subscriber_id: int) -> str:
    return f"https://weekly.example.org/u/token-{subscriber_id}"


def email(subscriber_id: int) -> str:
    return f"reader{subscriber_id}@example.org"


def add_people(engine: Engine, count: int, *, first: int = 1) -> list[int]:
    """Add active subscribers; return their ids."""
    ids = list(range(first, first + count))
    rows = [
        {
            "id": one,
            "email": email(one),
            "key": email(one),
            "name": "",
            "status": "active",
            "created_at": NOW,
        }
        for one in ids
    ]
    with engine.begin() as connection:
        connection.execute(insert(subscribers), rows)
    return ids


def start_issue(engine: Engine, number: int = ISSUE) -> int:
    with engine.begin() as connection:
        connection.execute(
            insert(issues).values(number=number, status=IssueStatus.SENDING.value, subject="x")
        )
    return number


class Clock:
    """A clock that only waiting moves; it notes each wait."""

    def __init__(self, start: datetime = NOW) -> None:
        self.time = start
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self.time

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += timedelta(seconds=seconds)
