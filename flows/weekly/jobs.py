"""The Prefect flows: the pipeline's steps as tasks, each run ending in a verdict on its page."""

from __future__ import annotations

import logging

# Prefect reads the annotations of a flow's parameters when it makes its form.
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from prefect import flow
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed

from flows.errors import NewsletterError
from flows.pipeline import asking, desk
from flows.pipeline.asking import draft_for_approval
from flows.pipeline.chronicle import Account, chronicled
from flows.pipeline.gathering import gather_now
from flows.pipeline.observer import LogObserver
from flows.pipeline.options import RunOptions
from flows.pipeline.run import run, send, take_part
from flows.pipeline.suppressions import sync
from flows.pipeline.verdicts import failed
from flows.pipeline.work import Scheduler
from flows.settings import load
from flows.store.runs import DRAFT, GATHER, SUPPRESSIONS
from flows.weekly import api
from flows.weekly.recorder import Recorder
from flows.weekly.settling import Settler
from flows.weekly.tasks import as_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State

    from flows.models import Verdict
    from flows.pipeline.observer import Observer
    from flows.settings import Settings

logger = logging.getLogger(__name__)

CONFIG = "newsletter.toml"


def run_name() -> str:
    """Return the run's name: the issue it is for, as far as that is known before it starts."""
    issue = flow_run.parameters.get("issue")
    if issue:
        return f"issue-{issue:03}"
    try:
        settings = load(Path(flow_run.parameters["config"]))
        return f"issue-{desk.number_to_come(settings):03}"
    except NewsletterError:
        # The run itself says what is wrong.
        return "issue-unknown"


@flow(name="weekly", flow_run_name=run_name, persist_result=False)
def weekly(  # noqa: PLR0913 - one parameter a choice in the form of Prefect's UI
    *,
    config: str = CONFIG,
    issue: int | None = None,
    since: datetime | None = None,
    as_of: datetime | None = None,
    because: str = "",
    extra: bool = False,
    dry_run: bool = False,
    at_once: bool = False,
    scheduled: bool = False,
    only: str = "",
    resumed: bool = False,
) -> Any:
    """Gather, draft, render, check and send one issue.

    Args:
        config: The settings file.
        issue: Send this issue as its file says, or carry on sending it; nothing is gathered.
        since: Take what was published after this time instead of the last cut-off.
        as_of: Act as if it were this time.
        because: Send in spite of a blocking finding, for this reason; it is recorded.
        extra: Make an additional issue and leave the slot alone.
        dry_run: Do all but hand over.
        at_once: SendGrid mails at once, without the fence's undo.
        scheduled: Only the slot that is due now; set by the schedule.
        only: Send it to the people with this tag alone; the others wait.
        resumed: Only carry on with sending the issue, if nobody stopped it; set by serve.
    """
    options = RunOptions(
        since=_aware(since),
        as_of=_aware(as_of),
        because=because,
        extra=extra,
        dry_run=dry_run,
        at_once=at_once,
        scheduled=scheduled,
        only=only,
        resumed=resumed,
    )
    return concluded(
        config, LogObserver(), lambda settings, seen: _verdict(settings, issue, options, seen)
    )


def _verdict(
    settings: Settings, issue: int | None, options: RunOptions, observer: Observer
) -> Verdict:
    scheduler = scheduler_of(settings, options)
    if issue is not None:
        return send(settings, issue, options, observer=observer, scheduler=scheduler)
    return run(settings, options, observer=observer, scheduler=scheduler)


@flow(name="wave", flow_run_name="wave-of-issue-{issue}", persist_result=False)
def wave(*, config: str = CONFIG, issue: int, at_once: bool = False) -> Any:
    """Help to hand an issue over that is being sent: many workers may do so at the same time.

    Args:
        config: The settings file.
        issue: The issue that is being sent.
        at_once: SendGrid mails at once, without the fence's undo.
    """
    options = RunOptions(at_once=at_once)
    return concluded(
        config,
        LogObserver(),
        lambda settings, seen: take_part(
            settings, issue, options, observer=seen, scheduler=_helper()
        ),
    )


@flow(name="gather", flow_run_name="gather", persist_result=False)
def gather(*, config: str = CONFIG) -> Any:
    """Ask every feed that is due and keep what it says.

    Args:
        config: The settings file.
    """
    observer = Recorder(_logging())
    settings = load(Path(config))
    _settle(settings, observer)
    account = Account(job=GATHER, flow_run=flow_run.id or "", scheduled=True)
    with chronicled(settings, account) as page, observer.listening():
        gathered = as_task("gather", lambda: gather_now(settings, observer=observer))
        page.done = gathered.summary
    observer.show_feeds()
    return Completed(message=gathered.summary)


def _settle(settings: Settings, observer: Observer) -> None:
    """Go on with what a machine left that is gone: where workers do the runs, no `serve` does."""
    try:
        settler = Settler(settings, own=False, narrate=observer.say)
        if settler.settle():
            settler.resume()
    except httpx.HTTPError as error:
        logger.warning("nothing was settled: %s", error)


@flow(name="draft", flow_run_name=run_name, persist_result=False)
def draft(*, config: str = CONFIG) -> Any:
    """Gather, and write the draft of the coming issue for its editor to approve.

    Args:
        config: The settings file.
    """
    return concluded(config, LogObserver(), _draft)


def _draft(settings: Settings, observer: Recorder) -> Verdict:
    account = Account(job=DRAFT, flow_run=flow_run.id or "", scheduled=True)
    with chronicled(settings, account) as page:
        as_task("gather", lambda: gather_now(settings, observer=observer))
        page.verdict = as_task("draft", lambda: draft_for_approval(settings, observer=observer))
        return page.verdict


@flow(name="suppressions", flow_run_name="suppressions", persist_result=False)
def suppressions(*, config: str = CONFIG) -> Any:
    """Read who bounced, complained or left from SendGrid's lists, for what its webhook missed.

    Args:
        config: The settings file.
    """
    _logging()
    settings = load(Path(config))
    account = Account(job=SUPPRESSIONS, flow_run=flow_run.id or "", scheduled=True)
    with chronicled(settings, account) as page:
        synced = as_task("suppressions", lambda: sync(settings))
        page.done = synced.summary
    return Completed(message=synced.summary)


def concluded(
    config: str, inner: Observer, job: Callable[[Settings, Recorder], Verdict]
) -> State[Any]:
    """Do the job and return its verdict as Prefect's state; the page and the event tell it too."""
    _logging()
    recorder = Recorder(inner)
    try:
        with recorder.listening():
            settings = load(Path(config))
            verdict = job(settings, recorder)
            if asked := asking.page(settings, verdict):
                recorder.show(asked)
    except NewsletterError as error:
        verdict = failed(error)
    return recorder.conclude(verdict)


def scheduler_of(settings: Settings, options: RunOptions) -> Scheduler:
    """Return what Prefect brings to a run: tasks, its id of the run, and other hands."""

    def share(issue: int) -> None:
        if not settings.sending.workers:
            return
        try:
            _ask_for_help(settings, issue, options)
        except httpx.HTTPError as error:
            # This run hands everything over by itself then.
            logger.warning("no worker was asked to help: %s", error)

    return Scheduler(step=as_task, flow_run=flow_run.id or "", share=share)


def _ask_for_help(settings: Settings, issue: int, options: RunOptions) -> None:
    values = {"issue": issue, "at_once": options.at_once}
    with api.open_client(PREFECT_API_URL.value() or "") as client:
        wave = api.ours(settings, api.find(client, api.WAVE))
        if wave is None:
            logger.warning("no worker was asked to help: there is no deployment of wave for them")
            return
        for _ in range(settings.sending.workers):
            asked = client.post(
                f"/deployments/{wave['id']}/create_flow_run", json={"parameters": values}
            )
            asked.raise_for_status()


def _helper() -> Scheduler:
    return Scheduler(step=as_task, flow_run=flow_run.id or "")


def _logging() -> LogObserver:
    # Prefect takes these to the run's page; what stays below a warning is the story of the run.
    for name in ("flows", "subscribers"):
        logging.getLogger(name).setLevel(logging.INFO)
    return LogObserver()


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
