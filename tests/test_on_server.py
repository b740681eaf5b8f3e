"""`newsletter run --on-server` against a stand-in of Prefect's API, with no Prefect imported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.cli.on_server import Server, follow, parameters, trigger, verdict_values
from flows.errors import ServerError
from flows.models import Outcome, Verdict
from flows.pipeline.options import RunOptions
from flows.pipeline.verdicts import from_json
from tests.newsletters import Newsletter
from tests.prefect_server import SENT, Prefect, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def prefect() -> Iterator[Prefect]:
    prefect = Prefect()
    with serving(prefect):
        yield prefect


@pytest.fixture
def server(prefect: Prefect) -> Iterator[Server]:
    with Server(prefect.url, wait=lambda _seconds: None) as server:
        yield server


def test_a_run_is_triggered_and_followed_to_its_verdict(server: Server) -> None:
    told: list[str] = []
    made = trigger(server, RunOptions())
    state = follow(server, made["id"], narrate=told.append)
    assert state["type"] == "COMPLETED"
    assert told == ["5 feeds", "Scheduled: waiting for its turn."]
    values = verdict_values(server, made["id"])
    assert values is not None
    assert from_json(values) == SENT


def test_only_what_differs_is_passed_on(server: Server, prefect: Prefect) -> None:
    since = datetime(2026, 11, 1, tzinfo=UTC)
    trigger(server, RunOptions(since=since, extra=True, because="hot news"))
    [body] = [body for path, body in prefect.asked if path.endswith("/create_flow_run")]
    assert body["parameters"] == {
        "since": "2026-11-01T00:00:00+00:00",
        "extra": True,
        "because": "hot news",
    }
    assert parameters(RunOptions()) == {}


def test_a_server_that_is_busy_is_asked_again(server: Server, prefect: Prefect) -> None:
    prefect.statuses = deque([503, 503])
    assert trigger(server, RunOptions())["id"] == "r1"


def test_an_answer_that_was_lost_makes_no_second_run(server: Server, prefect: Prefect) -> None:
    prefect.statuses = deque([200, 503])
    trigger(server, RunOptions())
    keys = [body["idempotency_key"] for _, body in prefect.asked if body]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_server_that_stays_busy_is_told(server: Server, prefect: Prefect) -> None:
    prefect.statuses = deque([503] * 1000)
    with pytest.raises(ServerError, match="out of order: it answered 503"):
        trigger(server, RunOptions())


def test_a_server_that_refuses_is_not_asked_again(server: Server, prefect: Prefect) -> None:
    prefect.statuses = deque([422])
    with pytest.raises(ServerError, match="422"):
        trigger(server, RunOptions())
    assert len(prefect.asked) == 1


def test_a_server_that_knows_no_newsletter_is_told(server: Server, prefect: Prefect) -> None:
    prefect.deployed = False
    with pytest.raises(ServerError, match="start newsletter serve"):
        trigger(server, RunOptions())


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(Verdict(verdict=Outcome.HELD, reason="waits"), 3), (None, 1)],
    ids=["held", "crashed"],
)
def test_the_exit_code_is_the_verdicts(
    prefect: Prefect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Verdict | None,
    code: int,
) -> None:
    prefect.verdict = verdict
    prefect.states = deque(["COMPLETED" if verdict else "CRASHED"])
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    config = Newsletter(tmp_path).write().folder / "newsletter.toml"
    options = ["run", "--on-server", "--json", "--config", str(config)]
    done = CliRunner().invoke(command, options)
    assert done.exit_code == code, done.output
    assert json.loads(done.stdout)["verdict"] == (verdict.verdict.value if verdict else "failed")


def test_without_a_server_it_says_what_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    config = Newsletter(tmp_path).write().folder / "newsletter.toml"
    done = CliRunner().invoke(command, ["run", "--on-server", "--config", str(config)])
    assert done.exit_code == 1
    assert "start newsletter serve" in done.stderr


def test_following_a_run_imports_no_prefect() -> None:
    code = "import sys, flows.cli.on_server, flows.cli.run; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
