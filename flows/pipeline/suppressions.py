"""SendGrid's suppression lists, read for those whom its webhook cannot reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flows.deliver.lists import LISTS, pages
from flows.errors import SettingsError
from flows.pipeline.feedback import Heeded, heed
from flows.pipeline.stores import open_store
from flows.pipeline.transports import open_sendgrid
from flows.pipeline.work import utc_now
from flows.store.feedback import look_until, looked_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from flows.deliver.lists import Lists
    from flows.settings import Settings

# What SendGrid writes down late, or what shifted between two pages, is read the next time.
OVERLAP = timedelta(days=1)
BEGINNING = datetime(2009, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a look at the lists found: entries read in each, and what they changed."""

    read: dict[str, int]
    heeded: Heeded

    @property
    def summary(self) -> str:
        """One sentence for a person and for a log: counts only."""
        return (
            f"{sum(self.read.values())} entries read: {self.heeded.suppressed} people newly "
            f"suppressed, {self.heeded.left} left, {self.heeded.soft} soft bounces"
        )


def sync(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Synced:
    """Read what is new in SendGrid's suppression lists and heed it; return what that changed.

    The first time reads all of them. A list is done page by page: whatever ends this, the next
    time goes on from the last list that was read to its end. Raises SettingsError unless mail
    goes by SendGrid, Unavailable and Refused.
    """
    if settings.sending.transport != "sendgrid":
        raise SettingsError(
            f'{settings.path}: [sending] transport is "{settings.sending.transport}", and only '
            "SendGrid keeps suppression lists that can be read"
        )
    settings.require_sendable()
    provider = open_sendgrid(settings, clock=clock)
    soft_bounces = settings.sending.soft_bounces
    with open_store(settings) as engine:
        found = {
            name: _sync_one(engine, provider, name, soft_bounces=soft_bounces, until=clock())
            for name in LISTS
        }
    heeded = sum((one for _, one in found.values()), Heeded())
    return Synced(read={name: count for name, (count, _) in found.items()}, heeded=heeded)


def _sync_one(
    engine: Engine, provider: Lists, name: str, *, soft_bounces: int, until: datetime
) -> tuple[int, Heeded]:
    last = looked_until(engine, name)
    since = last - OVERLAP if last else BEGINNING
    count, heeded = 0, Heeded()
    for page in pages(provider, name, since=since, until=until):
        count += len(page)
        heeded += heed(engine, page, soft_bounces=soft_bounces)
    look_until(engine, name, until)
    return count, heeded
