"""What a run leaves on its page in Prefect's UI: feeds, progress, the verdict; and its events."""

from __future__ import annotations

import contextlib
import contextvars
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.events import emit_event
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed

from flows.models import Outcome
from flows.pipeline import verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from uuid import UUID

    from prefect.client.schemas.objects import State

    from flows.models import Counts, FeedReport, Verdict
    from flows.pipeline.observer import Observer

# Seconds between two updates of the progress: each is a request.
BETWEEN = 2.0
# Seconds that a server may take to say that it is there.
ANSWER = 5.0


# Seconds that it may take to keep one thing: Prefect's own client tries for minutes.
KEEPING = 20.0


def is_gone() -> bool:
    """Return whether the server that records this run takes no connection any more."""
    url = PREFECT_API_URL.value()
    try:
        if url:
            httpx.get(f"{url}/health", timeout=ANSWER)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        # Slow, but there.
        return False
    return False


class Recorder:
    """Passes on to another observer, and keeps what the run's page shows.

    A server that is gone does not end a run: what could not be kept is said once.
    """

    def __init__(self, inner: Observer) -> None:
        self._inner = inner
        self._asked_to_stop = False
        self._feeds: list[dict[str, str]] = []
        self._progress: UUID | None = None
        self._updated = 0.0
        self._silent = False

    def say(self, text: str) -> None:
        """Pass the sentence on."""
        self._inner.say(text)

    def gathered(self, report: FeedReport, *, done: int, total: int) -> None:
        """Keep the feed's row for the table."""
        self._feeds.append(_row(report))
        self._inner.gathered(report, done=done, total=total)

    def sent(self, counts: Counts) -> None:
        """Move the progress on, but not more often than anybody looks."""
        self._inner.sent(counts)
        finished = counts.intended and not (counts.planned or counts.handed_over)
        if not finished and time.monotonic() - self._updated < BETWEEN:
            return
        self._updated = time.monotonic()
        self._keep(lambda: self._move(counts))

    def stopping(self) -> bool:
        """Return whether somebody asked for a stop: the request in flight still finishes."""
        return self._asked_to_stop or self._inner.stopping()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM (a shutdown, a cancelled run) as a wish to stop between two requests."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def show_feeds(self) -> None:
        """Put the table of feeds on the run's page: the failing ones first."""
        rows = sorted(self._feeds, key=lambda row: (not row["problem"], row["feed"]))
        if rows:
            self._keep(lambda: create_table_artifact(key="feeds", table=rows))

    def show(self, markdown: str) -> None:
        """Put a text on the run's page."""
        self._keep(lambda: create_markdown_artifact(key="issue", markdown=markdown))

    def conclude(self, verdict: Verdict) -> State[Any]:
        """Put the verdict on the run's page, send its event, and return it as Prefect's state."""
        self.show_feeds()
        values = verdicts.as_json(verdict)
        self._keep(
            lambda: create_markdown_artifact(
                key="verdict",
                markdown=verdicts.as_markdown(verdict),
                description=verdict.reason,
            )
        )
        # What a program reads; `newsletter run --on-server` does.
        self._keep(lambda: create_table_artifact(key="verdict-values", table=[values]))
        emit_event(
            event=f"newsletter.{verdict.verdict.value}",
            resource={
                "prefect.resource.id": f"newsletter.issue.{verdict.issue or 'none'}",
                "prefect.resource.name": verdicts.headline(verdict),
            },
            payload=values,
        )
        name = verdict.verdict.value.capitalize()
        if verdict.verdict is Outcome.FAILED:
            return Failed(name=name, message=verdict.reason)
        return Completed(name=name, message=verdict.reason)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True
        self.say("Stopping after the request in flight.")

    def _move(self, counts: Counts) -> None:
        share = 100.0 * (1 - (counts.planned + counts.handed_over) / max(1, counts.intended))
        said = f"{counts.accepted} of {counts.intended} accepted"
        if self._progress is None:
            made: Any = create_progress_artifact(progress=share, key="sending", description=said)
            self._progress = made
            return
        update_progress_artifact(artifact_id=self._progress, progress=share, description=said)

    def _keep(self, keeping: Callable[[], object]) -> None:
        if self._silent:
            return
        trouble = "its server is gone" if is_gone() else _trouble(keeping)
        if trouble:
            self._silent = True
            self.say(f"Prefect no longer keeps what this run tells: {trouble}")


def _trouble(keeping: Callable[[], object]) -> str:
    """Return "" once it is kept, else why it is not; the sending waits for nobody."""
    told: list[str] = []
    # It says which run it is told by.
    context = contextvars.copy_context()

    def work() -> None:
        try:
            context.run(keeping)
            told.append("")
        except (httpx.HTTPError, PrefectException) as error:
            told.append(str(error) or type(error).__name__)

    thread = threading.Thread(target=work, name="keeping", daemon=True)
    thread.start()
    thread.join(KEEPING)
    return told[0] if told else f"no answer in {KEEPING:.0f} s"


def _row(report: FeedReport) -> dict[str, str]:
    state = report.state
    return {
        "feed": report.feed.name or report.feed.url,
        "status": report.status,
        "items": str(report.count),
        "last success": _moment(state.succeeded_at),
        "next": _moment(state.due_at),
        "failures": str(state.failures),
        "problem": report.problem,
    }


def _moment(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
