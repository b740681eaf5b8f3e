"""The commands that look after the database."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from flows.cli.options import (
    config_option,
    json_option,
    load_settings,
    narrate,
    show,
    show_json,
)


@click.group()
def database() -> None:
    """Bring the database up to date, back it up, or move it to another one."""


@database.command()
@json_option
@config_option
def upgrade(*, as_json: bool, config: Path | None) -> None:
    """Bring the tables up to this version, after a backup of what is there.

    Every command does this by itself; here it is done alone, and told.
    """
    from flows.pipeline.databases import upgrade as bring_up_to_date

    done = bring_up_to_date(load_settings(config), now=datetime.now(UTC))
    if as_json:
        show_json(asdict(done))
    elif done.before == done.after:
        narrate("The database is up to date.")
    else:
        told = ", ".join(
            f"{room} {done.before.get(room, 0)} to {version}"
            for room, version in done.after.items()
        )
        narrate(f"The database was brought up to date: {told}.")
    if done.backup:
        narrate(f"Backup: {done.backup}")


@database.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to; else a new file in backups/.",
)
@config_option
def backup(*, output: Path | None, config: Path | None) -> None:
    """Write all of the database into one SQLite file that only you can read.

    It may be in use meanwhile. `newsletter database copy --from sqlite:///FILE` brings it back.
    """
    from flows.pipeline.databases import backup as back_up

    path = back_up(load_settings(config), output=output, now=datetime.now(UTC))
    narrate(f"Backup, {path.stat().st_size:,} bytes:")
    show(str(path))


@database.command()
@click.option(
    "--to",
    "target",
    metavar="URL",
    required=True,
    help="An empty database, as [database] url names it: postgresql://user@host/name or sqlite:///new.db.",
)
@click.option(
    "--from", "source", metavar="URL", default="", help="Another than that of the settings."
)
@json_option
@config_option
def copy(*, target: str, source: str, as_json: bool, config: Path | None) -> None:
    """Copy everything into an empty database; what arrived is held against what was there.

    Stop `newsletter serve` and `newsletter web` first. The old database is left as it is; the
    settings name the new one when you write it there.
    """
    from flows.cli.server import alone
    from flows.pipeline.databases import move

    settings = load_settings(config)
    # A serve that waits for its time would go on writing to the old one.
    with contextlib.nullcontext() if source else alone(settings.paths.private):
        copied = move(settings, target, source_url=source)
    if as_json:
        show_json([asdict(one) for one in copied])
        return
    width = max(len(one.table) for one in copied)
    for one in copied:
        show(f"{one.table:<{width}} {one.rows:>10,} rows  {one.checksum[:16]}")
    narrate("All of it arrived: counts and checksums agree.")
    narrate("Next: write the new address to [database] url (or NEWSLETTER_DATABASE__URL)")
