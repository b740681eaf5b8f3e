"""Prefect's workers share one issue on one PostgreSQL; one of them is killed in mid-send."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import pytest

from flows.cli.on_server import Server, trigger
from flows.models import Counts, IssueStatus
from flows.pipeline.options import RunOptions
from flows.pipeline.stores import open_store
from flows.store import issues
from flows.store.ledger import SqlLedger
from tests.newsletters import STORIES, Newsletter, answering
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.sendgrid_server import SendGridServer

pytestmark = [pytest.mark.prefect, pytest.mark.postgres, pytest.mark.kill]

ROOT = Path(__file__).parent.parent
PEOPLE = 80
PATIENCE = 180.0
SENDING = """
transport = "sendgrid"
sendgrid_host = "{host}"
batch_size = 1
workers = 2
"""


@pytest.fixture
def newsletter(
    tmp_path: Path,
    postgres_engine: Engine,
    sendgrid_server: SendGridServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Newsletter:
    url = postgres_engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", url)
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    monkeypatch.setenv("NEWSLETTER_CONFIG", str(tmp_path / "newsletter.toml"))
    monkeypatch.setenv("NEWSLETTER_FOLDER", str(tmp_path))
    monkeypatch.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
    sendgrid_server.slowness = 1.0
    sending = SENDING.format(host=sendgrid_server.url)
    newsletter = Newsletter(tmp_path).write(sending=sending)
    return newsletter.tell(*STORIES, when=datetime.now(UTC) - timedelta(hours=1)).subscribe(PEOPLE)


def prefect(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=PATIENCE,
    )


class Worker:
    """`prefect worker start` as a process, which can be killed with all its runs."""

    def __init__(self, folder: Path, number: int) -> None:
        self._log = (folder / f"worker-{number}.log").open("w")
        name = f"worker-{number}"
        options = ["worker", "start", "--pool", "newsletter", "--name", name, "--limit", "1"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "prefect", *options],
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def runs(self) -> list[int]:
        """The processes of the runs it is at, and theirs."""
        found, left = [], [self._process.pid]
        while left:
            children = _children(left.pop())
            found += children
            left += children
        return found

    def kill(self) -> None:
        if self._process.poll() is None:
            for pid in [self._process.pid, *self.runs()]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        told = [(task / "children").read_text(encoding="ascii") for task in tasks]
    except OSError:
        return []
    return [int(child) for line in told for child in line.split()]


def counts(newsletter: Newsletter) -> Counts:
    with open_store(newsletter.settings) as engine:
        return SqlLedger(engine, 1).counts()


def is_sent(newsletter: Newsletter) -> bool:
    with open_store(newsletter.settings) as engine:
        record = issues.find(engine, 1)
        return record is not None and record.status is IssueStatus.SENT


def both_help(server: Server, *workers: Worker) -> bool:
    """Say whether each worker is at a run; a busy server may have lost the one that it was to get.

    One more that helps does no harm, and one too many finds nothing to do.
    """
    if all(worker.runs() for worker in workers):
        return True
    wave = server.get("/deployments/name/wave/wave")["id"]
    waiting = server.post(
        "/flow_runs/filter",
        deployments={"id": {"any_": [wave]}},
        flow_runs={"state": {"type": {"any_": ["SCHEDULED", "PENDING"]}}},
    )
    if not waiting:
        server.post(f"/deployments/{wave}/create_flow_run", parameters={"issue": 1})
    return False


def wait_for(look: object, *, what: str) -> None:
    assert callable(look)
    limit = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < limit, what
        time.sleep(0.5)


def is_gone(api: str, name: str) -> bool:
    """Take a deployment off the session's server; one that has no time is asked again."""
    with contextlib.suppress(httpx.TimeoutException):
        found = httpx.get(f"{api}/deployments/name/{name}/{name}", timeout=30)
        if found.status_code == httpx.codes.NOT_FOUND:
            return True
        if found.is_success:
            httpx.delete(f"{api}/deployments/{found.json()['id']}", timeout=30)
    return False


def test_a_worker_that_is_killed_costs_nobody_their_mail(
    newsletter: Newsletter, api: str, sendgrid_server: SendGridServer
) -> None:
    with Server(api) as server:
        server.post("/work_pools/", name="newsletter", type="process")
    prefect("deploy", "--all", "--prefect-file", "prefect.yaml")
    with (
        answering(newsletter) as url,
        Server(api) as server,
        Worker(newsletter.folder, 1) as first,
        Worker(newsletter.folder, 2) as second,
    ):
        newsletter.write(sending=SENDING.format(host=sendgrid_server.url), base_url=url)
        trigger(server, newsletter.settings, RunOptions())
        wait_for(lambda: sendgrid_server.accepted, what="the first mail")
        wait_for(lambda: both_help(server, first, second), what="runs on both workers")
        so_far = len(sendgrid_server.accepted)
        wait_for(lambda: len(sendgrid_server.accepted) > so_far + 4, what="more mails")
        first.kill()
        sendgrid_server.slowness = 0.0
        wait_for(lambda: is_sent(newsletter), what="the end of the issue")
    told = counts(newsletter)
    assert (told.accepted, told.in_doubt, told.intended) == (PEOPLE, 0, PEOPLE)
    assert len(sendgrid_server.delivered) == PEOPLE
    assert set(sendgrid_server.delivered.values()) == {1}
    # What others on this session's server would find there.
    for name in ("gather", "weekly", "draft", "suppressions", "wave"):
        wait_for(lambda name=name: is_gone(api, name), what=f"the end of the deployment {name}")
