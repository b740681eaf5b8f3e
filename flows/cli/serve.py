"""`newsletter serve`: the schedule, kept by a Prefect server and run by this process."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import threading
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, load_settings, narrate, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
@click.option("--web", is_flag=True, help="Serve the pages that readers reach, too.")
@click.option(
    "--web-host", default="127.0.0.1", show_default=True, help="The address of those pages."
)
@click.option(
    "--web-port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port of those pages; 0: any.",
)
@click.option(
    "--print-unit", is_flag=True, help="Print a systemd unit that runs this, and do nothing else."
)
@config_option
def serve(
    *,
    port: int,
    web: bool,
    web_host: str,
    web_port: int,
    print_unit: bool,
    config: Path | None,
) -> None:
    """Run the schedule: feeds are gathered every few hours, an issue goes out every week.

    Uses the Prefect server of PREFECT_API_URL, else starts one. Stop with Ctrl-C; the schedule is
    not paused, and a start takes it up again. Runs that a killed process left behind are ended,
    and an issue whose sending was cut short is sent to its end. Changed settings are followed;
    only [web] and [database] want a new start.
    """
    settings = load_settings(config)
    if print_unit:
        from flows.cli.unit import unit

        options = ["--port", str(port)]
        if web:
            options += ["--web", "--web-host", web_host, "--web-port", str(web_port)]
        show(unit(settings, options, user=getpass.getuser()).rstrip())
        return
    settings.require_sendable()
    settings.keys()
    _try_store(settings)
    from flows.cli.server import alone

    with (
        alone(settings.paths.private),
        _pages(settings, web_host, web_port) if web else contextlib.nullcontext(),
    ):
        _serve(settings, port)
    narrate("Stopped; the schedule goes on with the next start.")


def _try_store(settings: Settings) -> None:
    """Open the database once: one that cannot be used is told before a server starts."""
    from flows.pipeline.stores import open_store

    with open_store(settings):
        pass


def _serve(settings: Settings, port: int) -> None:
    # How a run's page gets the run's own story: Prefect captures these loggers,
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "flows,subscribers")
    # and must not complain of what they say between two runs.
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
    with _server(settings, port) as (url, server_lives):
        from flows.cli.server import announced
        from flows.weekly.offering import told
        from flows.weekly.serving import Serving, serve_deployments

        with announced(settings.paths.private, url), stopping() as stop:
            narrate(told(settings))
            narrate(f"Runs and their verdicts: {url.removesuffix('/api')}")
            serving = Serving(until=stop, server_lives=server_lives, narrate=narrate)
            serve_deployments(settings, serving)


@contextlib.contextmanager
def _server(settings: Settings, port: int) -> Iterator[tuple[str, Callable[[], bool] | None]]:
    from flows.cli.server import START_LIMIT, own_server, prefect_server

    private = settings.paths.private
    if os.environ.get("PREFECT_API_URL"):
        # After a power cut both start at the same moment.
        with prefect_server(private, narrate=narrate, patience=START_LIMIT) as url:
            yield url, None
        return
    with own_server(private, ui=True, narrate=narrate, port=port) as own:
        yield own.url, own.lives


@contextlib.contextmanager
def _pages(settings: Settings, host: str, port: int) -> Iterator[None]:
    """Serve the readers' pages in a thread for as long as the block lasts."""
    from flows.cli.web import opened

    with opened(settings, host, port) as (server, listener):
        # Not on the main thread it leaves the signals alone.
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()


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
