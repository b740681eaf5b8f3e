"""The flows on a real Prefect server; wrong versions of what Prefect needs fail silently."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flows.cli.server import own_server, served_url
from flows.models import Outcome
from flows.pipeline.options import RunOptions
from tests.newsletters import STORIES, Newsletter, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.prefect

PATIENCE = 90.0
# Flows live by the clock on the wall.
TODAY = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state = tmp_path_factory.mktemp("prefect")
    with own_server(state, ui=False, narrate=lambda _: None) as url:
        yield url


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
    from flows.weekly import deployments

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
    from flows.weekly import run_here

    verdict = run_here(newsletter.settings, RunOptions(), Watcher())
    assert (verdict.verdict, verdict.accepted) == (Outcome.SENT, 3)
    assert len(newsletter.mails) == 3
    runs = ask(api, "/flow_runs/filter", flow_runs={"name": {"any_": ["issue-001"]}})
    # Other tests' first issues have the same name.
    sent = [run["id"] for run in runs if run["state"]["name"] == "Sent"]
    assert sent
    artifacts = ask(api, "/artifacts/filter", artifacts={"flow_run_id": {"any_": sent}})
    assert any("Issue 1 sent" in str(artifact["data"]) for artifact in artifacts)


def test_a_failed_verdict_is_a_failed_run(api: str, newsletter: Newsletter) -> None:
    from flows.weekly import run_here

    issues = newsletter.folder / "issues"
    issues.write_text("a file where the folder should be", encoding="utf-8")
    verdict = run_here(newsletter.settings, RunOptions(), Watcher())
    assert verdict.verdict is Outcome.FAILED
    assert str(issues) in verdict.reason
    failed = ask(api, "/flow_runs/filter", flow_runs={"state": {"type": {"any_": ["FAILED"]}}})
    assert [run for run in failed if str(issues) in run["state"]["message"]]


def test_serve_runs_what_is_triggered_and_leaves_the_schedule_unpaused(
    newsletter: Newsletter,
) -> None:
    private = newsletter.folder / ".newsletter"
    environment = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", "0"]
    with (
        (newsletter.folder / "serve.log").open("w") as log,
        subprocess.Popen(command, cwd=newsletter.folder, env=environment, stderr=log) as serving,
    ):
        try:
            url = eventually(lambda: served_url(private), what="server.json")
            weekly = eventually(
                lambda: ask(url, "/deployments/filter", deployments={"name": {"any_": ["weekly"]}}),
                what="the deployment",
            )[0]
            run = eventually(
                lambda: ask(url, f"/deployments/{weekly['id']}/create_flow_run", name="by hand"),
                what="an answer to the trigger",
            )
            state = eventually(
                lambda: _ended(url, run["id"]),
                what="the triggered run",
            )
            assert state["name"] == "Sent"
            assert len(newsletter.mails) == 3
        finally:
            serving.send_signal(signal.SIGTERM)
            assert serving.wait(timeout=60) == 0
    assert not (private / "server.json").exists()
    told = (newsletter.folder / "serve.log").read_text(encoding="utf-8")
    assert "Traceback" not in told, told


def _ended(url: str, run: str) -> Any:
    state = httpx.get(f"{url}/flow_runs/{run}", timeout=30).json()["state"]
    return state if state["type"] in {"COMPLETED", "FAILED", "CRASHED"} else None


def test_a_run_uses_the_server_that_serve_announced(newsletter: Newsletter, api: str) -> None:
    private = newsletter.folder / ".newsletter"
    (private / "server.json").write_text(json.dumps({"url": api, "pid": 1}), encoding="utf-8")
    assert served_url(private) == api


def test_a_server_that_is_gone_is_not_used(newsletter: Newsletter) -> None:
    private = newsletter.folder / ".newsletter"
    gone = {"url": "http://127.0.0.1:9/api", "pid": 1}
    (private / "server.json").write_text(json.dumps(gone), encoding="utf-8")
    assert served_url(private) is None
