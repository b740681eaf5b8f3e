"""`newsletter suppressions`: whom the provider will mail no more, brought over to our list."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, json_option, load_settings, narrate, show_json

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def suppressions() -> None:
    """Keep the list clean of addresses that bounce, complained or left at the provider."""


@suppressions.command("sync")
@json_option
@config_option
def sync(*, as_json: bool, config: Path | None) -> None:
    """Read what is new in SendGrid's suppression lists, and heed it from the next issue on.

    For newsletters without a public address for SendGrid's event webhook, and as a net below it:
    bounces, spam reports, invalid addresses and unsubscribes; an address whose mail of
    [sending] soft_bounces issues in a row was put off for good counts as bounced.
    """
    from flows.pipeline.suppressions import sync as sync_now

    synced = sync_now(load_settings(config))
    narrate(synced.summary)
    if as_json:
        heeded = asdict(synced.heeded)
        del heeded["issues"], heeded["settled"]
        show_json({"read": synced.read, **heeded})
