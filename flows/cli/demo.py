"""`newsletter demo`: the whole week on sample feeds, for whoever wants to see before setting up."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import load_settings, narrate, show
from flows.errors import SettingsError

if TYPE_CHECKING:
    from flows.demo.folder import DemoFolder
    from flows.models import Verdict
    from flows.settings import Settings


@click.command()
@click.argument(
    "folder",
    default="newsletter-demo",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="[DIR]",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the demo's settings to FILE and the rest beside it, instead of into DIR.",
)
@click.pass_context
def demo(ctx: click.Context, *, folder: Path, config: Path | None) -> None:
    """Try everything: sample feeds, 25 sample readers, a real run; nobody is mailed.

    Makes DIR (default: newsletter-demo), serves sample feeds on this machine while it runs, and
    sends the issue into DIR/outbox as .eml files. No network and no key is needed. A second run
    in the same folder shows that what was sent is not sent again; change DIR/newsletter.toml and
    play. Remove the folder to begin afresh.
    """
    from flows.cli.demo_report import report
    from flows.pipeline import verdicts

    settings_file = (config or folder / "newsletter.toml").absolute()
    verdict, settings = _run(settings_file)
    show(report(settings, verdict))
    ctx.exit(verdicts.exit_code(verdict))


def _run(settings_file: Path) -> tuple[Verdict, Settings]:
    from flows.cli.run import run_here
    from flows.cli.terminal import TerminalObserver
    from flows.demo.folder import furnish, last_port, open_folder
    from flows.demo.server import serving
    from flows.pipeline.options import RunOptions

    now = datetime.now(UTC)
    folder = open_folder(settings_file, now=now)
    with serving(began=folder.began, port=last_port(folder)) as port:
        furnish(folder, port=port)
        settings = _own_settings(folder)
        narrate(f"The demo lives in {folder.path}; its feeds are served on port {port}.")
        narrate(f"{_add_people(settings, now)} sample readers are on the list.")
        # The demo is recorded in its own folder, not on a server that is in use.
        os.environ.pop("PREFECT_API_URL", None)
        return run_here(settings, RunOptions(), TerminalObserver()), settings


def _own_settings(folder: DemoFolder) -> Settings:
    """Return the demo's settings; raises SettingsError if they could reach anything real."""
    settings = load_settings(folder.settings_file)
    if settings.sending.transport != "outbox":
        raise SettingsError(
            "demo: sending.transport is not the outbox; the demo mails nobody, so set it back in "
            f"{folder.settings_file} or unset NEWSLETTER_SENDING__TRANSPORT"
        )
    if settings.database_url() != folder.database_url:
        raise SettingsError(
            "demo: database.url is not the demo's own; sample readers do not belong into another "
            f"database, so set it back in {folder.settings_file} or unset NEWSLETTER_DATABASE__URL"
        )
    return settings


def _add_people(settings: Settings, now: datetime) -> int:
    """Import the sample people, who may be there already; return how many there are."""
    from flows.demo.samples import CONSENT, sample_people
    from flows.pipeline.stores import open_store
    from subscribers import store
    from subscribers.consent import agreement
    from subscribers.spreadsheet import look
    from subscribers.transfer import import_sheet

    with open_store(settings) as engine, sample_people() as path:
        agreed = agreement(CONSENT, source="newsletter demo")
        list(import_sheet(engine, look(path), agreement=agreed, now=now))
        return store.count(engine)["active"]
