"""Runs `weekly` in this process, for a person at a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from prefect import flow, tags

from flows.errors import NewsletterError, ServerError, SettingsError
from flows.pipeline.run import run
from flows.weekly.api import tag
from flows.weekly.jobs import concluded, run_name, scheduler_of
from flows.weekly.recorder import is_gone

if TYPE_CHECKING:
    from flows.models import Verdict
    from flows.pipeline.observer import Observer
    from flows.pipeline.options import RunOptions
    from flows.settings import Settings
    from flows.weekly.recorder import Recorder

# The thread that a run is in.
THREAD = "weekly"
# Seconds that Prefect gets to record how a run ended.
RECORDING = 30.0


def run_here(settings: Settings, options: RunOptions, observer: Observer) -> Verdict:
    """Run `weekly` in this process, recorded by the server that PREFECT_API_URL names.

    In a thread: on the main one Prefect takes SIGTERM for itself, and this way a server that dies
    after the verdict cannot keep it from being told. Raises ServerError if it dies before.
    """
    reached: list[Verdict] = []
    failed: list[BaseException] = []

    def judge(settings: Settings, recorder: Recorder) -> Verdict:
        scheduler = scheduler_of(settings, options)
        try:
            reached.append(run(settings, options, observer=recorder, scheduler=scheduler))
        except SettingsError as error:
            failed.append(error)
            raise
        return reached[0]

    @flow(name="weekly", flow_run_name=run_name, persist_result=False)
    def weekly_here(config: str) -> Any:
        return concluded(config, observer, judge)

    def work() -> None:
        try:
            with tags(tag(settings)):
                weekly_here(str(settings.path))
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            # A failed verdict is a failed run too, and Prefect raises what it says.
            failed.append(error)

    thread = threading.Thread(target=work, name=THREAD, daemon=True)
    thread.start()
    _await(thread, reached)
    if not reached:
        raise _explained(failed[0])
    if thread.is_alive():
        observer.say("Prefect's server is gone: the run's end is not recorded there.")
    return reached[0]


def _explained(error: BaseException) -> BaseException:
    """Return the error, or the sentence for it if it is that the server went away."""
    if isinstance(error, NewsletterError) or not is_gone():
        return error
    gone = ServerError(
        "Prefect: its server ended before the run came to a verdict; run it again to carry on"
    )
    gone.__cause__ = error
    return gone


def _await(thread: threading.Thread, reached: list[Verdict]) -> None:
    """Wait for the run's end, or for its verdict and a server that does not record it."""
    limit: float | None = None
    while thread.is_alive():
        thread.join(0.2)
        if reached and limit is None:
            limit = time.monotonic() + RECORDING
        if limit is not None and (time.monotonic() > limit or is_gone()):
            return


def leave(code: str | int | None) -> None:
    """End the process here and now if a run is left behind; does nothing else.

    Prefect would go on asking a server that is gone, event by event, before Python may end.
    """
    if any(thread.name == THREAD for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
