"""The flows on a real Prefect server; wrong versions of what Prefect needs fail silently."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest

from flows.cli.server import own_server, served_url
from flows.models import Outcome
from flows.pipeline.options import RunOptions
from flows.pipeline.stores import open_store
from flows.store import runs
from flows.store.ledger import SqlLedger
from tests.newsletters import STORIES, Newsletter, Watcher, answering
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flows.settings import Settings
    from tests.sendgrid_server import SendGridServer

pytestmark = pytest.mark.prefect

PATIENCE = 90.0
# Flows live by the clock on the wall.
TODAY = datetime.now(UTC) - timedelta(hours=1)


SENDING = """
transport = "sendgrid"
sendgrid_host = "{host}"
fence = false
batch_size = 1
"""


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write().tell(*STORIES, when=TODAY).subscribe(3)


def ask(api: str, path: str, **query: Any) -> Any:
    answer = httpx.post(f"{api}{path}", json=query, timeout=30)
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        # Its database is locked for a moment: asked again by whoever waits.
        return None
    answer.raise_for_status()
    return answer.json()


def eventually(look: Callable[[], Any], *, what: str) -> Any:
    """Wait for another process: a schedule, a server, a run."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what}: nothing after {PATIENCE:.0f} s")


def test_a_cron_deployment_gets_its_scheduled_runs(api: str, newsletter: Newsletter) -> None:
    from flows.weekly.offering import deployments

    async def register() -> list[str]:
        made = await deployments(newsletter.settings)
        return [str(await one.aapply()) for one in made]

    def scheduled(deployment: str) -> Any:
        return ask(
            api,
            "/flow_runs/filter",
            deployments={"id": {"any_": [deployment]}},
            flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}},
        )

    marked = set()
    for deployment in asyncio.run(register()):
        runs = eventually(partial(scheduled, deployment), what="a scheduled run")
        marked |= {run["parameters"].get("scheduled", False) for run in runs}
    # `gather` knows no such thing; the weekly run of the schedule is told from a person's.
    assert marked == {False, True}


def test_two_newsletters_on_one_server_keep_their_own_deployments(
    api: str, newsletter: Newsletter, tmp_path: Path
) -> None:
    from flows.weekly.api import find, name_for, open_client, ours
    from flows.weekly.offering import deployments

    other = tmp_path / "other"
    other.mkdir()
    both = [newsletter.settings, Newsletter(other).write().settings]

    async def register(settings: Settings, name: str) -> None:
        for one in await deployments(settings, name=name):
            await one.aapply()

    with open_client(api) as client:
        for settings in [*both, *both]:
            asyncio.run(register(settings, name_for(settings, find(client, "weekly"))))
        for flow in ("weekly", "gather"):
            found = [ours(settings, find(client, flow)) for settings in both]
            names = {one["name"] for one in found if one}
            assert len(names) == 2, names
            assert all(one and one["tags"] == ["harbour-weekly"] for one in found)


def test_the_clients_reads_answer(api: str) -> None:
    from prefect.client.orchestration import get_client

    async def read() -> list[Any]:
        async with get_client() as client:
            return [
                await client.read_flow_runs(),
                await client.read_deployments(),
                await client.read_flows(),
            ]

    assert api
    assert all(isinstance(found, list) for found in asyncio.run(read()))


def test_a_run_is_named_after_its_issue_and_tells_its_verdict(
    api: str, newsletter: Newsletter
) -> None:
    from flows.weekly.here import run_here

    began = datetime.now(UTC).isoformat()
    verdict = run_here(newsletter.settings, RunOptions(), Watcher())
    assert (verdict.verdict, verdict.accepted) == (Outcome.SENT, 3)
    assert len(newsletter.mails) == 3
    # Other tests' first issues have the same name.
    own = {"name": {"any_": ["issue-001"]}, "start_time": {"after_": began}}
    [run] = ask(api, "/flow_runs/filter", flow_runs=own)
    assert run["state"]["name"] == "Sent"
    assert "harbour-weekly" in run["tags"]
    artifacts = ask(api, "/artifacts/filter", artifacts={"flow_run_id": {"any_": [run["id"]]}})
    assert any("Issue 1 sent" in str(artifact["data"]) for artifact in artifacts)


def test_a_failed_verdict_is_a_failed_run(api: str, newsletter: Newsletter) -> None:
    from flows.weekly.here import run_here

    issues = newsletter.folder / "issues"
    issues.write_text("a file where the folder should be", encoding="utf-8")
    verdict = run_here(newsletter.settings, RunOptions(), Watcher())
    assert verdict.verdict is Outcome.FAILED
    assert str(issues) in verdict.reason
    failed = ask(api, "/flow_runs/filter", flow_runs={"state": {"type": {"any_": ["FAILED"]}}})
    assert [run for run in failed if str(issues) in run["state"]["message"]]


def test_the_page_of_a_run_that_holds_an_issue_says_what_was_found_and_what_to_do(
    api: str, newsletter: Newsletter
) -> None:
    from flows.weekly.jobs import weekly

    newsletter.write(newsletter='approval = "required"')
    state: Any = weekly(config=str(newsletter.settings.path), return_state=True)
    assert state.name == "Held"
    own = {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}
    shown = {one["key"]: one["data"] for one in ask(api, "/artifacts/filter", artifacts=own)}
    assert "Next: `newsletter preview 1, then newsletter approve 1`" in shown["verdict"]
    assert "## What the check found" in shown["issue"]


def test_a_draft_that_cannot_be_written_ends_in_a_verdict_and_not_in_a_traceback(
    api: str, newsletter: Newsletter
) -> None:
    from flows.weekly.jobs import draft

    issues = newsletter.folder / "issues"
    issues.write_text("a file where the folder should be", encoding="utf-8")
    state: Any = draft(config=str(newsletter.settings.path), return_state=True)
    assert state.name == "Failed"
    assert str(issues) in state.message
    own = {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}
    told = ask(api, "/artifacts/filter", artifacts=own)
    assert [one for one in told if one["key"] == "verdict" and "newsletter doctor" in one["data"]]


def main_thread_waits() -> bool:
    """Return whether the main thread waits for a step, as a run does for hours."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    names = [one.f_code.co_name for one, _ in traceback.walk_stack(frame)]
    return "_awaited" in names and "result" in names


@pytest.mark.usefixtures("api")
def test_a_run_whose_place_the_server_forgot_goes_on_to_its_end() -> None:
    from prefect import flow

    from flows.weekly.tasks import as_task

    def hand_over() -> str:
        eventually(main_thread_waits, what="the run waiting for its step")
        # As Prefect does it to a run whose place at its deployment could not be kept.
        thread = ctypes.c_ulong(threading.main_thread().ident or 0)
        error = ctypes.py_object(asyncio.CancelledError)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error) == 1
        return "handed over"

    @flow(persist_result=False)
    def forgotten() -> list[str]:
        return [as_task("one", hand_over), as_task("another", lambda: "and the next")]

    assert forgotten() == ["handed over", "and the next"]


def test_serve_runs_what_is_triggered_and_leaves_the_schedule_unpaused(
    newsletter: Newsletter, home: Path
) -> None:
    with Serve(newsletter, home=home) as serve:
        command = [sys.executable, "-m", "flows.cli", "run", "--on-server", "--json"]
        told = subprocess.run(
            command, cwd=newsletter.folder, env=bare(), capture_output=True, check=False, text=True
        )
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)["verdict"] == "sent"
        assert "accepted 3 of 3" in told.stderr
        assert len(newsletter.mails) == 3
        assert httpx.get(serve.pages + "/healthz", timeout=30).is_success
        # Its editor moves the slot, and wants to approve from now on; and changes their mind.
        moved = '[schedule]\nday = "friday"\ntime = "16:15"\ndraft_ahead = "24h"\n'
        newsletter.write(newsletter='approval = "required"\n' + moved)
        eventually(
            lambda: serve.crons() == {"weekly": "15 16 * * 5", "draft": "15 16 * * 4"},
            what="the new slot",
        )
        newsletter.write(newsletter=moved)
        eventually(lambda: serve.crons() == {"weekly": "15 16 * * 5"}, what="the end of draft")
        newsletter.write(newsletter='approval = "maybe"')
        eventually(lambda: "not for the better" in serve.told, what="word of what is wrong")
    assert serve.exit_code == 0
    assert not (newsletter.folder / ".newsletter" / "server.json").exists()
    assert "Traceback" not in serve.told, serve.told


def test_what_dies_in_mid_send_is_settled_and_sent_to_its_end(  # noqa: PLR0915 - two starts
    newsletter: Newsletter,
    api: str,
    sendgrid_server: SendGridServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sendgrid_server.slowness = 0.5
    sending = SENDING.format(host=sendgrid_server.url)
    newsletter.write(sending=sending).subscribe(40)
    with answering(newsletter) as url:
        newsletter.write(sending=sending, base_url=url)
        with Serve(newsletter, server=api) as serve:
            first = serve.trigger()
            eventually(lambda: len(sendgrid_server.accepted) > 2, what="the first mails")
            # Its process alone, as the kernel does where memory ends: serve goes on with its issue.
            os.kill(at_work(newsletter), signal.SIGKILL)
            eventually(lambda: _ended(serve.url, first), what="the end of the first run")
            so_far = len(sendgrid_server.accepted)
            eventually(lambda: len(sendgrid_server.accepted) > so_far + 2, what="what goes on")
            [second] = serve.running()
            serve.kill()
        so_far = len(sendgrid_server.accepted)
        # Killed with its run: the next start ends that run, and goes on with its issue.
        with Serve(newsletter, server=api) as serve:
            end = eventually(lambda: _ended(serve.url, second), what="the end of the second run")
            assert end["type"] == "CRASHED"
            eventually(lambda: len(sendgrid_server.accepted) > so_far + 2, what="more mails")
        # Asked to stop, the run finished its request and told how far it came.
        assert serve.exit_code == 0
        assert "Stopping after the request in flight." in serve.told
        with open_store(newsletter.settings) as engine:
            interrupted = runs.last_ended(engine, "send")
        assert interrupted is not None
        assert "interrupted" in interrupted.reason
        sendgrid_server.slowness = 0.0
        assert newsletter.send(1).verdict is Outcome.SENT
    with open_store(newsletter.settings) as engine:
        counts = SqlLedger(engine, 1).counts()
    # One request was in flight whenever a process was killed.
    assert (counts.accepted + counts.in_doubt, counts.intended) == (40, 40)
    assert counts.in_doubt <= 2
    assert set(sendgrid_server.delivered.values()) == {1}


def at_work(newsletter: Newsletter) -> int:
    """Return the process that hands the issue over."""
    with open_store(newsletter.settings) as engine:
        [run] = [one for one in runs.unended(engine) if one.job in ("weekly", "send")]
    return int(run.owner.rsplit(":", 2)[1])


def test_the_server_that_serve_brought_ends_with_it_however_it_ends(
    tmp_path: Path, home: Path
) -> None:
    shutil.copytree(home, tmp_path / "prefect")
    with subprocess.Popen(
        [sys.executable, "-c", BRINGING, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as bringing:
        assert bringing.stdout is not None
        url = bringing.stdout.readline().strip()
        assert _answers(url)
        bringing.kill()
    eventually(lambda: not _answers(url), what="the end of the server")


BRINGING = """
import pathlib, sys
from flows.cli.server import own_server
with own_server(pathlib.Path(sys.argv[1]), ui=False, narrate=lambda _: None) as own:
    print(own.url, flush=True)
    sys.stdin.read()
"""


def test_two_schedulers_that_fire_at_the_same_moment_send_once(
    newsletter: Newsletter,
    api: str,
    home: Path,
    sendgrid_server: SendGridServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sending = SENDING.format(host=sendgrid_server.url)
    newsletter.write(sending=sending).subscribe(20)
    state = tmp_path / "other"
    shutil.copytree(home, state / "prefect")
    with (
        answering(newsletter) as url,
        own_server(state, ui=False, narrate=lambda _: None) as other,
    ):
        newsletter.write(sending=sending, base_url=url)
        firing = [
            subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "run", "--json"],
                cwd=newsletter.folder,
                env=bare() | {"PREFECT_API_URL": server},
                stdout=subprocess.PIPE,
                text=True,
            )
            for server in (api, other.url)
        ]
        verdicts = [json.loads(one.communicate()[0]) for one in firing]
    assert {one["verdict"] for one in verdicts} <= {"sent", "skipped"}, verdicts
    assert len(sendgrid_server.delivered) == 20
    assert set(sendgrid_server.delivered.values()) == {1}


def test_a_server_that_answers_503_is_waited_for(newsletter: Newsletter) -> None:
    with out_of_order() as url:
        environment = bare() | {"PREFECT_API_URL": url, "PREFECT_CLIENT_MAX_RETRIES": "0"}
        serving = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve"],
            cwd=newsletter.folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert serving.stderr is not None
        told = []
        for line in serving.stderr:
            told.append(line)
            if "out of order, trying again" in line:
                break
        serving.send_signal(signal.SIGTERM)
        told.append(serving.communicate(timeout=60)[1])
    assert serving.returncode == 0, told
    assert "503" in "".join(told)


@contextmanager
def out_of_order() -> Iterator[str]:
    """A server that is healthy and has no time: its database is locked, say."""

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200 if self.path.endswith("/health") else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the base class's names

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/api"
    server.shutdown()
    thread.join()
    server.server_close()


class Serve:
    """`newsletter serve` as a process, with its runs in one group that can be killed."""

    def __init__(
        self, newsletter: Newsletter, *, home: Path | None = None, server: str = ""
    ) -> None:
        self._newsletter = newsletter
        self._folder = newsletter.folder
        self._private = newsletter.folder / ".newsletter"
        self._environment = {"PREFECT_API_URL": server} if server else {}
        if home:
            # Its database is made already: that takes longer than all the rest.
            shutil.copytree(home, self._private / "prefect")
        self.exit_code: int | None = None

    def __enter__(self) -> Self:
        options = ["--port", "0", "--web", "--web-port", "0"]
        self._log = (self._folder / "serve.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve", *options],
            cwd=self._folder,
            env=bare() | self._environment,
            stderr=self._log,
            stdout=self._log,
            start_new_session=True,
        )
        self.url = str(eventually(lambda: served_url(self._private), what="server.json"))
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self.exit_code = self._process.wait(timeout=60)
        self._log.close()

    @property
    def told(self) -> str:
        return (self._folder / "serve.log").read_text(encoding="utf-8")

    @property
    def pages(self) -> str:
        """Where the readers' pages are."""
        found = re.search(r"on (http://\S+?),", self.told)
        assert found, self.told
        return found[1]

    def crons(self) -> dict[str, str]:
        """When what is deployed runs, by name; not what recurs."""
        found = ask(self.url, "/deployments/filter") or []
        lines = {one["name"]: one["schedules"][0]["schedule"].get("cron") for one in found}
        return {name: cron for name, cron in lines.items() if cron}

    def trigger(self) -> str:
        """Trigger the weekly run, return its id."""
        from flows.weekly.api import ours

        settings = self._newsletter.settings
        asked = {"flows": {"name": {"any_": ["weekly"]}}}
        weekly = eventually(
            lambda: ours(settings, ask(self.url, "/deployments/filter", **asked) or []),
            what="the deployment",
        )
        run = eventually(
            lambda: ask(self.url, f"/deployments/{weekly['id']}/create_flow_run"),
            what="an answer to the trigger",
        )
        return str(run["id"])

    def running(self) -> list[str]:
        """Return the ids of the weekly runs that are at work."""
        at_work = {"state": {"type": {"any_": ["RUNNING"]}}}
        asked = {"flows": {"name": {"any_": ["weekly"]}}, "flow_runs": at_work}
        found = eventually(lambda: ask(self.url, "/flow_runs/filter", **asked), what="a run")
        mine = str(self._folder / "newsletter.toml")
        return [one["id"] for one in found if one["parameters"].get("config") == mine]

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/health", timeout=30)
    except httpx.HTTPError:
        return False
    return True


def bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "PREFECT" not in name}


def _ended(url: str, run: str) -> Any:
    try:
        state = httpx.get(f"{url}/flow_runs/{run}", timeout=30).json()["state"]
    except (httpx.HTTPError, KeyError):
        return None
    return state if state["type"] in {"COMPLETED", "FAILED", "CRASHED"} else None
