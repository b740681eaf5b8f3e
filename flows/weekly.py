"""The Prefect flows: the pipeline's steps as tasks, with retries, artifacts and a schedule.

The only module that imports Prefect, which costs seconds: commands import it when they run.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import uvicorn
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.exceptions import PrefectException
from prefect.runner import Runner
from prefect.runtime import flow_run
from prefect.schedules import Cron
from prefect.states import Completed, Failed
from prefect.tasks import exponential_backoff
from prefect.types.entrypoint import EntrypointType
from sqlalchemy.exc import OperationalError

from flows.cli.options import parse_moment
from flows.errors import NewsletterError
from flows.models import Outcome, Verdict
from flows.pipeline import desk, verdicts
from flows.pipeline.observer import LogObserver
from flows.pipeline.options import RunOptions
from flows.pipeline.run import run
from flows.pipeline.targets import draft_cron, weekly_cron
from flows.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from prefect import Flow
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Schedule

    from flows.models import FeedReport
    from flows.pipeline.observer import Observer
    from flows.settings import Settings

logger = logging.getLogger(__name__)
T = TypeVar("T")

RETRIES = 3
# Seconds between looks for runs that are due.
POLL = 2.0
# Seconds that Prefect gets to record how a run ended.
RECORDING = 30.0


def _may_be_retried(_task: object, _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a step failed for a passing reason before it changed anything.

    A locked or restarting database is one. What a provider answered is judged where it was
    asked (flows.deliver), and what is in doubt is never tried again.
    """
    error = state.result(raise_on_failure=False)
    return isinstance(error, OperationalError)


def _as_task(name: str, step: Callable[[], T]) -> T:
    """Run a step as a Prefect task.

    By submission: a cancelled run interrupts a direct call in mid-batch, but lets a submitted
    task finish. The step carries its values itself, so Prefect stores none of them.
    """

    # What is a sentence for the operator is no failure of Prefect's to log with a traceback.
    def told() -> T | NewsletterError:
        try:
            return step()
        except NewsletterError as error:
            return error

    run = task(
        name=name,
        retries=RETRIES,
        retry_delay_seconds=exponential_backoff(2),
        retry_jitter_factor=0.5,
        retry_condition_fn=_may_be_retried,
        cache_policy=NO_CACHE,
        persist_result=False,
    )(told)
    result = run.submit().result()
    if isinstance(result, NewsletterError):
        raise result
    return result


def _run_name() -> str:
    """Return the run's name: the issue it is for, as far as that is known before it starts."""
    try:
        settings = load(Path(flow_run.parameters["config"]))
        return f"issue-{desk.number_to_come(settings):03}"
    except NewsletterError:
        # The run itself says what is wrong.
        return "issue-unknown"


def _record(verdict: Verdict, observer: Observer) -> None:
    """Keep the verdict as an artifact; the run is over, so a server that is gone is only told."""
    try:
        create_markdown_artifact(
            key="verdict", markdown=verdicts.as_markdown(verdict), description=verdict.reason
        )
    except (httpx.HTTPError, PrefectException) as error:
        observer.say(f"Prefect did not record the verdict: {error}")


def _state(verdict: Verdict) -> State[Any]:
    name = verdict.verdict.value.capitalize()
    if verdict.verdict is Outcome.FAILED:
        return Failed(name=name, message=verdict.reason)
    return Completed(name=name, message=verdict.reason)


@flow(name="weekly", flow_run_name=_run_name, persist_result=False)
def weekly(  # noqa: PLR0913 - one parameter a choice in the form of Prefect's UI
    *,
    config: str = "newsletter.toml",
    since: str = "",
    as_of: str = "",
    because: str = "",
    extra: bool = False,
    dry_run: bool = False,
    at_once: bool = False,
    scheduled: bool = False,
) -> Any:
    """Gather, draft, render, check and send one issue.

    Args:
        config: The settings file.
        since: Take what was published after this time (RFC 3339) instead of the last cut-off.
        as_of: Act as if it were this time (RFC 3339).
        because: Send in spite of a blocking finding, for this reason; it is recorded.
        extra: Make an additional issue and leave the slot alone.
        dry_run: Do all but hand over.
        at_once: SendGrid mails at once, without the fence's undo.
        scheduled: Only the slot that is due now; set by the schedule.
    """
    options = RunOptions(
        since=parse_moment(since) if since else None,
        as_of=parse_moment(as_of) if as_of else None,
        because=because,
        extra=extra,
        dry_run=dry_run,
        at_once=at_once,
        scheduled=scheduled,
    )
    observer = LogObserver()
    verdict = run(load(Path(config)), options, step=_as_task, observer=observer)
    _record(verdict, observer)
    return _state(verdict)


@flow(name="gather", flow_run_name="gather", persist_result=False)
def gather(*, config: str = "newsletter.toml") -> Any:
    """Ask every feed that is due and keep what it says.

    Args:
        config: The settings file.
    """
    gathered = _as_task(
        "gather",
        lambda: desk.gather_now(load(Path(config)), observer=LogObserver()),
    )
    create_table_artifact(key="feeds", table=[_row(report) for report in gathered.reports])
    return Completed(message=gathered.summary)


@flow(name="draft", flow_run_name=_run_name, persist_result=False)
def draft(*, config: str = "newsletter.toml") -> Any:
    """Gather, and write the draft of the coming issue for its editor to approve.

    Args:
        config: The settings file.
    """
    settings, observer = load(Path(config)), LogObserver()
    _as_task("gather", lambda: desk.gather_now(settings, observer=observer))
    record, drafted = _as_task(
        "draft", lambda: desk.draft_now(settings, observer=observer, ahead=True)
    )
    if drafted.skip:
        return Completed(name="Skipped", message=drafted.skip)
    return Completed(
        name="Drafted",
        message=f"issue {record.number} waits for approval; newsletter preview {record.number}",
    )


def _row(report: FeedReport) -> dict[str, str]:
    return {
        "feed": report.feed.name or report.feed.url,
        "status": report.status,
        "items": str(report.count),
        "problem": report.problem,
    }


def run_here(settings: Settings, options: RunOptions, observer: Observer) -> Verdict:
    """Run `weekly` in this process, recorded by the server that PREFECT_API_URL names.

    In a thread: on the main one Prefect takes SIGTERM for itself, and this way a server that dies
    after the verdict cannot keep it from being told.
    """
    reached: list[Verdict] = []
    failed: list[BaseException] = []

    @flow(name="weekly", flow_run_name=_run_name, persist_result=False)
    def weekly_here(config: str) -> Any:
        verdict = run(load(Path(config)), options, step=_as_task, observer=observer)
        reached.append(verdict)
        _record(verdict, observer)
        return _state(verdict)

    def work() -> None:
        try:
            weekly_here(str(settings.path))
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            # A failed verdict is a failed run too, and Prefect raises what it says.
            failed.append(error)

    thread = threading.Thread(target=work, name="weekly", daemon=True)
    thread.start()
    _await(thread, reached)
    if reached:
        if thread.is_alive():
            observer.say("Prefect's server is gone: the run's end is not recorded there.")
            atexit.register(_leave, verdicts.exit_code(reached[0]))
        return reached[0]
    raise failed[0]


def _await(thread: threading.Thread, reached: list[Verdict]) -> None:
    limit: float | None = None
    while thread.is_alive():
        thread.join(0.2)
        if reached and limit is None:
            limit = time.monotonic() + RECORDING
        if limit is not None and time.monotonic() > limit:
            return


def _leave(code: int) -> None:
    # Prefect would go on asking the server that is gone.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def deployments(settings: Settings) -> list[RunnerDeployment]:
    """Return what `serve` offers: `gather` every few hours, `weekly` in time for each slot.

    Where issues wait for approval, `draft` writes each one ahead of its slot.
    """
    zone = settings.schedule.timezone
    # The schedule's own runs only: what a person triggers goes by what is open.
    own = {"scheduled": True}
    on_time = Cron(weekly_cron(settings), timezone=zone, parameters=own)
    made = [
        await _deployment(gather, settings, interval=settings.gather.every),
        await _deployment(weekly, settings, schedule=on_time),
    ]
    if settings.newsletter.approval == "required":
        ahead = Cron(draft_cron(settings), timezone=zone)
        made.append(await _deployment(draft, settings, schedule=ahead))
    return made


async def _deployment(
    job: Flow[..., Any],
    settings: Settings,
    *,
    interval: timedelta | None = None,
    schedule: Schedule | None = None,
) -> RunnerDeployment:
    return await job.ato_deployment(
        job.name,
        interval=interval,
        schedule=schedule,
        parameters={"config": str(settings.path)},
        concurrency_limit=_one_at_a_time(),
        # By module, not by file: `serve` may run in any folder.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _one_at_a_time() -> ConcurrencyLimitConfig:
    # A second run queues; CANCEL_NEW would drop this week's run for a zombie of last week's.
    return ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


def serve_deployments(settings: Settings, *, until: threading.Event) -> None:
    """Register the deployments and run what is scheduled or triggered, until the event is set.

    The schedule is not paused at the end: a restart must not need a person.
    """

    async def work() -> None:
        runner = Runner(pause_on_shutdown=False, query_seconds=POLL)
        for deployment in await deployments(settings):
            await runner.aadd_deployment(deployment)
        running = asyncio.create_task(runner.start())
        while not (until.is_set() or running.done()):
            await asyncio.sleep(POLL / 4)
        if not running.done():
            await runner.astop()
        await running

    # In a thread of its own: on the main one Prefect's runner takes SIGTERM for itself, and
    # ends in the middle of its own clean-up.
    with ThreadPoolExecutor(1, thread_name_prefix="runner") as pool:
        pool.submit(asyncio.run, work()).result()


def run_server(port: int, *, ui: bool) -> None:
    """Run Prefect's API (and UI) on loopback until standard input closes, as a parent's child."""
    os.environ["PREFECT_SERVER_UI_ENABLED"] = str(ui).lower()
    # On any port but 4200 the UI would call the wrong address.
    os.environ["PREFECT_SERVER_UI_API_URL"] = "/api"
    server = uvicorn.Server(
        uvicorn.Config(
            "prefect.server.api.server:create_app",
            factory=True,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            # A browser's open event stream must not hold up the end.
            timeout_graceful_shutdown=2,
        )
    )

    def end_with_parent() -> None:
        # Not sys.stdin: a thread that waits in its buffer cannot be ended.
        while os.read(0, 1024):
            pass
        server.should_exit = True

    threading.Thread(target=end_with_parent, daemon=True).start()
    server.run()
