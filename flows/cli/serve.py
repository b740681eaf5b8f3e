"""`newsletter serve`: the schedule, kept by a Prefect server and run by this process."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, load_settings, narrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.settings import Settings


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4200,
    show_default=True,
    help="Where Prefect's UI is served on loopback, if this command starts the server; 0: any.",
)
@config_option
def serve(*, port: int, config: Path | None) -> None:
    """Run the schedule: feeds are gathered every few hours, an issue goes out every week.

    Uses the Prefect server of PREFECT_API_URL, else starts one. Stop with Ctrl-C; the schedule is
    not paused, and a start takes it up again.
    """
    settings = load_settings(config)
    settings.require_sendable()
    settings.keys()
    with _server(settings, port) as url:
        from flows.cli.server import announced
        from flows.weekly import serve_deployments

        with announced(settings.paths.private, url):
            schedule = settings.schedule
            narrate(
                f"Readers get an issue every {schedule.day.capitalize()} at "
                f"{schedule.time:%H:%M} ({schedule.timezone or 'UTC'})."
            )
            narrate(f"Runs and their verdicts: {url.removesuffix('/api')}")
            narrate("Serving; press Ctrl-C to stop.")
            with stopping() as stop:
                serve_deployments(settings, until=stop)
    narrate("Stopped; the schedule goes on with the next start.")


@contextlib.contextmanager
def _server(settings: Settings, port: int) -> Iterator[str]:
    from flows.cli.server import own_server, prefect_server, served_url
    from flows.errors import ServerError

    private = settings.paths.private
    if os.environ.get("PREFECT_API_URL"):
        with prefect_server(private, narrate=narrate) as url:
            yield url
        return
    if running := served_url(private):
        raise ServerError(
            f"Prefect: `newsletter serve` is running already ({running}); stop it first"
        )
    with own_server(private, ui=True, narrate=narrate, port=port) as url:
        yield url


@contextlib.contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set: the regular ways to end."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
