"""Looking after the database: bringing it up to date, backing it up, moving it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.errors import NewsletterError
from flows.pipeline.stores import backup_file, open_store
from flows.pipeline.work import utc_now
from flows.store import runs
from flows.store.backups import back_up
from flows.store.copying import copy
from flows.store.migrations import ROOMS, migrate_all
from flows.store.owner import alive, host
from subscribers.database import explained, is_sqlite, open_database, sqlite_path, versions_of
from subscribers.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.settings import Settings
    from flows.store.copying import Copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What an upgrade did: the versions before and after by room, and the backup it took first."""

    before: dict[str, int]
    after: dict[str, int]
    backup: Path | None = None


def upgrade(settings: Settings, *, now: datetime) -> Upgraded:
    """Bring the tables up to date, after a backup of what is there; raises DatabaseTooNew."""
    backups: list[Path] = []
    engine = open_database(settings.database_url())

    def keep() -> None:
        backups.append(backup_file(settings, now=now, why="before-upgrade"))
        back_up(engine, backups[0])

    try:
        with explained():
            before = versions_of(engine)
            migrate_all(engine, before=keep)
    finally:
        engine.dispose()
    after = {room: len(migrations) for room, migrations in ROOMS}
    return Upgraded(before=before, after=after, backup=backups[0] if backups else None)


def backup(settings: Settings, *, output: Path | None, now: datetime) -> Path:
    """Back the database up into a file and return it; raises DatabaseUnavailable."""
    path = output or backup_file(settings, now=now, why="backup")
    with open_store(settings) as engine:
        back_up(engine, path)
    return path


def move(settings: Settings, target_url: str, *, source_url: str = "") -> list[Copied]:
    """Copy the database (or the one at `source_url`) into the empty one at `target_url`.

    Addresses are read as the settings' own is. Raises DatabaseUnavailable, and NewsletterError
    while something runs: it would write on.
    """
    source_url, target_url = settings.database_url(source_url), settings.database_url(target_url)
    _require_two(source_url, target_url)
    source = open_database(source_url)
    target = None
    try:
        with explained():
            _require_newsletter(source)
            migrate_all(source, before=lambda: _keep(settings, source))
            _require_rest(source)
            target = open_database(target_url)
            migrate_all(target)
            return copy(source, target)
    finally:
        source.dispose()
        if target is not None:
            target.dispose()


def _require_two(source_url: str, target_url: str) -> None:
    """Refuse what is no place to copy from, or none to copy to."""
    source, target = sqlite_path(source_url), sqlite_path(target_url)
    if source is not None and not source.is_file():
        raise DatabaseUnavailable(f"database: there is no {source} to copy from")
    if target is None and is_sqlite(target_url):
        raise DatabaseUnavailable(
            "database: what is copied into memory is gone at once; name a file after sqlite:///"
        )
    one_file = source is not None and target is not None and source.resolve() == target.resolve()
    if one_file or source_url == target_url:
        raise DatabaseUnavailable(
            "database: it cannot be copied into itself; name another, empty one"
        )


def _require_newsletter(engine: Engine) -> None:
    """Refuse somebody else's database before tables of ours are made in it."""
    if not versions_of(engine):
        shown = engine.url.render_as_string(hide_password=True)
        raise DatabaseUnavailable(f"database: {shown} is no newsletter's: nothing is in it of one")


def _keep(settings: Settings, engine: Engine) -> None:
    back_up(engine, backup_file(settings, now=utc_now(), why="before-copy"))


def _require_rest(engine: Engine) -> None:
    busy = [run for run in runs.unended(engine) if alive(run.owner) is not False]
    if busy:
        since = f"{busy[0].started_at:%Y-%m-%d %H:%M} UTC"
        elsewhere = (
            "" if alive(busy[0].owner) else "; if that machine is gone, see newsletter doctor"
        )
        raise NewsletterError(
            f"database: a run is at work ({busy[0].job} on {host(busy[0].owner)}, since {since}); "
            f"stop newsletter serve, let the run end, then copy{elsewhere}"
        )
