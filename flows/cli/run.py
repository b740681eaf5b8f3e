"""`newsletter run`: the whole week now, as the Prefect flow `weekly`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from flows.cli import FAILED, INTERRUPTED
from flows.cli.options import (
    as_of_option,
    config_option,
    load_settings,
    narrate,
    only_option,
    show_json,
    since_option,
    verdict_option,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flows.cli.terminal import TerminalObserver
    from flows.models import Verdict
    from flows.pipeline.options import RunOptions
    from flows.settings import Settings


@click.command()
@since_option
@as_of_option
@click.option("--extra", is_flag=True, help="Make an additional issue; the week's stays due.")
@click.option("--dry-run", is_flag=True, help="Do all but hand over; no draft is left behind.")
@click.option(
    "--now", "at_once", is_flag=True, help="SendGrid: mail at once, without the fence's undo."
)
@click.option(
    "--because", metavar="REASON", default="", help="Send in spite of a blocking finding."
)
@click.option(
    "--on-server",
    is_flag=True,
    help="Let the server that keeps the schedule run it, and follow it to its verdict.",
)
@only_option
@verdict_option
@config_option
@click.pass_context
def run(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    *,
    since: datetime | None,
    as_of: datetime | None,
    extra: bool,
    dry_run: bool,
    at_once: bool,
    because: str,
    on_server: bool,
    only: str,
    as_json: bool,
    config: Path | None,
) -> None:
    r"""Do the whole week now: gather, draft, render, check, send.

    Takes the open issue, else the coming slot's. An issue that was sent is not sent again: run it
    as often as you like. It is recorded by the Prefect server of PREFECT_API_URL, else by the one
    `newsletter serve` runs, else by one of its own.

    \b
    Exit codes: 0 sent, skipped or already sent; 1 failed; 2 wrong settings;
    3 held; 4 deliveries in doubt remain; 130 interrupted.
    """
    from flows.cli.terminal import TerminalObserver
    from flows.pipeline.options import RunOptions

    settings = load_settings(config)
    options = RunOptions(
        since=since,
        as_of=as_of,
        extra=extra,
        dry_run=dry_run,
        because=because,
        at_once=at_once,
        only=only,
    )
    observer = TerminalObserver()
    if on_server:
        finish(ctx, run_there(settings, options), observer, as_json=as_json)
    verdict = _settled(settings, options) or run_here(settings, options, observer)
    finish(ctx, verdict, observer, as_json=as_json)


def _settled(settings: Settings, options: RunOptions) -> Verdict | None:
    """Answer at once if there is nothing to do: Prefect takes its seconds to say the same."""
    from flows.pipeline.run import settled

    settings.require_sendable()
    return settled(settings, options)


def run_here(settings: Settings, options: RunOptions, observer: TerminalObserver) -> Verdict:
    """Run the flow `weekly` in this process and return its verdict."""
    from flows.cli.server import prefect_server
    from flows.pipeline.stores import open_store

    # What is wrong with settings or database is said before Prefect takes its seconds.
    settings.require_sendable()
    settings.keys()
    with open_store(settings):
        pass
    with prefect_server(settings.paths.private, narrate=narrate):
        # Its own log repeats what is narrated, and outlives the server it would be sent to.
        os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_INTERNAL_LOGGING_LEVEL", "CRITICAL")
        from flows.weekly.here import run_here as run_flow

        with observer.listening():
            return run_flow(settings, options, observer)


def run_there(settings: Settings, options: RunOptions) -> Verdict:
    """Trigger `weekly` on the server that keeps the schedule and return the verdict it reached.

    Raises ServerError. Ctrl-C ends the following, not the run.
    """
    from flows.cli.on_server import Server, follow, server_url, trigger, verdict_values
    from flows.models import Outcome, Verdict
    from flows.pipeline import verdicts

    url = server_url(settings.paths.private)
    with Server(url) as server:
        made = trigger(server, settings, options)
        page = f"{url.removesuffix('/api')}/runs/flow-run/{made['id']}"
        narrate(f"Triggered {made['name']}: {page}")
        state = follow(server, made["id"], narrate=narrate)
        values = verdict_values(server, made["id"])
    if values is not None:
        return verdicts.from_json(values)
    return Verdict(
        verdict=Outcome.FAILED,
        reason=f"the run ended as {state['name']}: {state['message'] or 'nobody knows why'}",
        next="newsletter status",
    )


def finish(
    ctx: click.Context, verdict: Verdict, observer: TerminalObserver, *, as_json: bool
) -> None:
    """Print the verdict and end with its exit code, or with 130 if a person cut it short."""
    from flows.pipeline import verdicts

    narrate(verdicts.as_text(verdict))
    if as_json:
        show_json(verdicts.as_json(verdict))
    code = verdicts.exit_code(verdict)
    ctx.exit(INTERRUPTED if code == FAILED and observer.stopping() else code)
