"""`newsletter run --on-server` against a stand-in of Prefect's API, with no Prefect imported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.cli.on_server import Server, follow, parameters, trigger, verdict_values
from flows.errors import ServerError
from flows.models import IssueStatus, Outcome, Verdict
from flows.pipeline.gathering import STOPPED
from flows.pipeline.options import RunOptions
from flows.pipeline.stores import open_store
from flows.pipeline.verdicts import from_json
from flows.pipeline.work import utc_now
from flows.settings import load
from flows.settings.slots import next_slot
from flows.store import issues, runs
from flows.store.owner import this_process
from flows.store.runs import Ending
from flows.weekly import api
from flows.weekly.settling import Settler
from tests.newsletters import Newsletter
from tests.prefect_server import SENT, Prefect, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Newsletter(tmp_path).write().settings


@pytest.fixture
def prefect(settings: Settings) -> Iterator[Prefect]:
    prefect = Prefect()
    prefect.deploy("weekly", settings.path)
    with serving(prefect):
        yield prefect


@pytest.fixture
def server(prefect: Prefect) -> Iterator[Server]:
    with Server(prefect.url, wait=lambda _seconds: None) as server:
        yield server


def test_a_run_is_triggered_and_followed_to_its_verdict(server: Server, settings: Settings) -> None:
    told: list[str] = []
    made = trigger(server, settings, RunOptions())
    state = follow(server, made["id"], narrate=told.append)
    assert state["type"] == "COMPLETED"
    assert told == ["5 feeds", "Scheduled: waiting for its turn."]
    values = verdict_values(server, made["id"])
    assert values is not None
    assert from_json(values) == SENT


def test_only_what_differs_is_passed_on(
    server: Server, prefect: Prefect, settings: Settings
) -> None:
    since = datetime(2026, 11, 1, tzinfo=UTC)
    trigger(server, settings, RunOptions(since=since, extra=True, because="hot news"))
    [body] = [body for path, body in prefect.asked if path.endswith("/create_flow_run")]
    assert body["parameters"] == {
        "since": "2026-11-01T00:00:00+00:00",
        "extra": True,
        "because": "hot news",
    }
    assert parameters(RunOptions()) == {}


def test_a_server_that_is_busy_is_asked_again(
    server: Server, prefect: Prefect, settings: Settings
) -> None:
    prefect.statuses = deque([503, 503])
    assert trigger(server, settings, RunOptions())["id"] == "r1"


def test_an_answer_that_was_lost_makes_no_second_run(
    server: Server, prefect: Prefect, settings: Settings
) -> None:
    prefect.statuses = deque([200, 503])
    trigger(server, settings, RunOptions())
    keys = [body["idempotency_key"] for path, body in prefect.asked if "create" in path]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_server_that_stays_busy_is_told(
    server: Server, prefect: Prefect, settings: Settings
) -> None:
    prefect.statuses = deque([503] * 1000)
    with pytest.raises(ServerError, match="out of order: it answered 503"):
        trigger(server, settings, RunOptions())


def test_a_server_that_refuses_is_not_asked_again(
    server: Server, prefect: Prefect, settings: Settings
) -> None:
    prefect.statuses = deque([422])
    with pytest.raises(ServerError, match="422"):
        trigger(server, settings, RunOptions())
    assert len(prefect.asked) == 1


def test_a_server_that_knows_no_newsletter_is_told(
    server: Server, prefect: Prefect, settings: Settings
) -> None:
    prefect.deployments.clear()
    with pytest.raises(ServerError, match="start newsletter serve"):
        trigger(server, settings, RunOptions())


def test_another_newsletters_deployment_is_not_triggered(
    server: Server, prefect: Prefect, settings: Settings
) -> None:
    prefect.deployments.clear()
    prefect.deploy("weekly", "/srv/other/newsletter.toml")
    with pytest.raises(ServerError, match=f"for {settings.path} .but of /srv/other"):
        trigger(server, settings, RunOptions())
    prefect.deploy("harbour-weekly", settings.path)
    trigger(server, settings, RunOptions())
    assert "/api/deployments/d2/create_flow_run" in [path for path, _ in prefect.asked]


@pytest.mark.parametrize(
    ("variable", "value", "header"),
    [
        ("PREFECT_API_KEY", "pnu_1", "Bearer pnu_1"),
        ("PREFECT_API_AUTH_STRING", "admin:secret", "Basic YWRtaW46c2VjcmV0"),
    ],
)
def test_a_server_that_wants_a_login_gets_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, header: str
) -> None:
    monkeypatch.setenv(variable, value)
    with api.open_client("http://127.0.0.1:9/api") as client:
        assert client.headers["Authorization"] == header


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


@pytest.mark.parametrize(
    ("there", "name"),
    [
        ({}, ""),
        ({"weekly": "ours"}, ""),
        ({"weekly": "/srv/other.toml"}, "harbour-weekly"),
        ({"weekly": "/srv/other.toml", "harbour-weekly": "ours"}, "harbour-weekly"),
        ({"harbour-weekly": "ours"}, "harbour-weekly"),
        ({"of-old": "ours", "weekly": "/srv/other.toml"}, "of-old"),
    ],
    ids=["alone", "again", "second", "second again", "left alone", "named by its operator"],
)
def test_newsletters_that_share_a_server_have_names_of_their_own(
    prefect: Prefect, settings: Settings, there: dict[str, str], name: str
) -> None:
    prefect.deployments.clear()
    for one, config in there.items():
        prefect.deploy(one, settings.path if config == "ours" else config)
    assert api.name_for(settings, prefect.deployments) == name


def test_two_of_the_same_title_are_told_apart(prefect: Prefect, settings: Settings) -> None:
    prefect.deployments.clear()
    for name in ("weekly", "harbour-weekly"):
        prefect.deploy(name, f"/srv/{name}.toml")
    name = api.name_for(settings, prefect.deployments)
    assert name.startswith("harbour-weekly-")
    prefect.deploy(name, settings.path)
    assert api.name_for(settings, prefect.deployments) == name


SLOT = datetime(2026, 11, 30, 8, tzinfo=UTC)
LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("config", "ended"), [("ours", True), ("/srv/other/newsletter.toml", False), (None, False)]
)
def test_only_its_own_runs_are_ended_on_a_server_that_is_shared(
    prefect: Prefect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    config: str | None,
    ended: bool,  # noqa: FBT001 - parametrised
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    values = {"config": str(settings.path)} if config == "ours" else {"config": config}
    run = {"id": "r9", "name": "issue-001", "deployment_id": "d9", "parameters": values}
    prefect.runs = [run | {"state": {"type": "RUNNING", "timestamp": LONG_AGO}}]
    Settler(settings, own=False, narrate=lambda _: None).settle()
    told = [path for path, _ in prefect.asked if path.endswith("/r9/set_state")]
    assert bool(told) is ended


def settled(
    prefect: Prefect, settings: Settings, *, state: str, owner: str, own: bool
) -> runs.RunRecord | None:
    """Settle what an owner began, and the server has in a state; return what is kept of it."""
    told_of = {"parameters": {"config": str(settings.path)}, "deployment_id": "d9"}
    known = {"state": {"type": state, "timestamp": LONG_AGO}}
    prefect.runs = [{"id": "r9", "name": "issue-001"} | told_of | known]
    with open_store(settings) as engine:
        begun = partial(runs.begin, engine, job="weekly", flow_run="r9", scheduled=True)
        begun(owner=owner, now=utc_now())
        Settler(settings, own=own, narrate=lambda _: None).settle()
        return runs.find_flow_run(engine, "r9")


@pytest.mark.parametrize(
    ("deployment", "scheduled", "goes_on"),
    [("d9", True, True), ("d9", False, False), (None, True, False)],
    ids=["the week's", "triggered, and nothing is being sent", "at a terminal"],
)
def test_the_weeks_run_goes_on_when_its_process_was_killed_but_not_for_ever(
    prefect: Prefect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    deployment: str | None,
    scheduled: bool,  # noqa: FBT001 - parametrised
    goes_on: bool,  # noqa: FBT001 - parametrised
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    told: list[str] = []
    # This process's number, but of one that began at another time.
    dead = f"{this_process().rpartition(':')[0]}:0"
    ended = {"state": {"type": "CRASHED", "timestamp": LONG_AGO}, "deployment_id": deployment}
    for turn in range(4):
        flow_run = f"r{turn}"
        prefect.runs = [ended | {"id": flow_run, "name": "issue-001", "parameters": {}}]
        with open_store(settings) as engine:
            begun = partial(runs.begin, engine, job="weekly", scheduled=scheduled, owner=dead)
            begun(flow_run=flow_run, now=utc_now())
        # Each time another one: after a restart, and in every gathering.
        go_on(Settler(settings, own=False, narrate=told.append))
    assert asked_to_run(prefect) == (3 * [{"scheduled": True}] if goes_on else [])
    last = (
        "This week's run was cut short: it was killed too often to go on by itself; "
        "newsletter run goes on from there."
    )
    assert told[3:] == ([last] if goes_on else [])


def killed(prefect: Prefect, settings: Settings, *, state: str = "CRASHED") -> None:
    """Leave a scheduled run of the week whose process is dead."""
    told_of = {"parameters": {"config": str(settings.path)}, "deployment_id": "d1"}
    known = {"state": {"type": state, "timestamp": LONG_AGO}}
    prefect.runs = [{"id": "r9", "name": "issue-001"} | told_of | known]
    dead = f"{this_process().rpartition(':')[0]}:0"
    with open_store(settings) as engine:
        begun = partial(runs.begin, engine, job="weekly", scheduled=True, owner=dead)
        begun(flow_run="r9", now=utc_now())


def go_on(settler: Settler) -> None:
    if settler.settle():
        settler.resume()


def settler_at(settings: Settings, now: datetime) -> Settler:
    return Settler(settings, own=False, narrate=lambda _: None, clock=lambda: now)


def test_what_went_well_in_between_makes_the_next_kill_the_first_again(
    prefect: Prefect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    settler = settler_at(settings, SLOT)
    for _ in range(5):
        killed(prefect, settings)
        assert settler.settle()
        settler.resume()
        with open_store(settings) as engine:
            begun = partial(runs.begin, engine, job="weekly", scheduled=True, flow_run="r10")
            run_id = begun(owner=this_process(), now=utc_now())
            runs.end(engine, run_id, Ending(verdict="sent"), now=utc_now())
    assert len(asked_to_run(prefect)) == 5


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_what_was_killed_goes_on_though_the_server_is_out_of_order_for_a_moment(
    prefect: Prefect, settings: Settings, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    settler = settler_at(settings, SLOT)
    killed(prefect, settings)
    prefect.statuses = deque([200] * failing + [503])
    with pytest.raises(httpx.HTTPError):
        go_on(settler)
    assert settler.settle()
    settler.resume()
    assert not settler.settle()
    assert asked_to_run(prefect)[-1:] == [{"scheduled": True}]


def test_a_database_that_is_out_of_order_ends_no_serve(
    prefect: Prefect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    settler = settler_at(settings, SLOT)
    with open_store(settings) as engine:
        being_sent(engine, SLOT)
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", "sqlite:////nowhere/at/all.db")
    broken = settler_at(load(settings.path), SLOT)
    broken.resume()
    assert asked_to_run(prefect) == []
    assert not broken.settle()
    settler.resume()
    assert len(asked_to_run(prefect)) == 1


@pytest.mark.parametrize(
    ("weeks_ago", "asked"),
    [
        (0, [{"issue": 1, "resumed": True, "scheduled": True}]),
        (1, [{"issue": 1, "resumed": True}, {"scheduled": True}]),
    ],
    ids=["this week's", "an older one"],
)
def test_the_weeks_run_goes_on_beside_what_is_being_sent_of_other_weeks(
    prefect: Prefect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    weeks_ago: int,
    asked: list[dict[str, Any]],
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    slot = next_slot(settings.schedule, SLOT)
    with open_store(settings) as engine:
        being_sent(engine, slot - timedelta(days=7 * weeks_ago))
    killed(prefect, settings)
    settler = settler_at(settings, slot + timedelta(minutes=1))
    assert settler.settle()
    settler.resume()
    assert asked_to_run(prefect) == asked


@pytest.mark.parametrize(("state", "goes_on"), [("CANCELLING", False), ("CANCELLED", True)])
def test_what_a_person_cancelled_does_not_go_on_by_itself(
    prefect: Prefect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    goes_on: bool,  # noqa: FBT001 - parametrised
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    # A serve that ends has what it runs cancelled at once, without a person's wish before.
    killed(prefect, settings, state=state)
    assert settler_at(settings, SLOT).settle() is goes_on


@pytest.mark.parametrize(
    ("reason", "state", "goes_on"),
    [(STOPPED, "FAILED", True), (STOPPED, "CANCELLING", False), ("no feeds", "FAILED", False)],
    ids=["with serve", "by a person", "not stopped"],
)
def test_the_weeks_run_that_was_stopped_with_serve_goes_on_with_the_next_start(
    prefect: Prefect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    state: str,
    goes_on: bool,  # noqa: FBT001 - parametrised
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    killed(prefect, settings, state=state)
    with open_store(settings) as engine:
        [stopped] = runs.unended(engine)
        runs.end(engine, stopped.id, Ending(verdict="failed", reason=reason), now=utc_now())
    settler = settler_at(settings, SLOT)
    settler.settle()
    settler.resume()
    assert asked_to_run(prefect) == ([{"scheduled": True}] if goes_on else [])


def test_a_week_that_a_person_paused_does_not_go_on_by_itself(
    prefect: Prefect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    prefect.deployments[0]["paused"] = True
    killed(prefect, settings)
    go_on(settler_at(settings, SLOT))
    assert asked_to_run(prefect) == []


def test_an_issue_that_was_cut_short_is_carried_on_with_and_never_begun_anew(
    prefect: Prefect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    with open_store(settings) as engine:
        being_sent(engine, SLOT - timedelta(days=7))
    Settler(settings, own=False, narrate=lambda _: None).resume()
    assert asked_to_run(prefect) == [{"issue": 1, "resumed": True}]


def being_sent(engine: Engine, slot: datetime) -> None:
    record = issues.claim(engine, slot)
    issues.advance(engine, record.number, before=[record.status], after=IssueStatus.SENDING)


def asked_to_run(prefect: Prefect) -> list[dict[str, Any]]:
    """Return the parameters of the runs that were asked for."""
    asked = [body for path, body in prefect.asked if path.endswith("/create_flow_run")]
    return [body["parameters"] for body in asked]


@pytest.mark.parametrize("own", [True, False])
def test_what_an_earlier_container_left_running_is_ended_on_a_server_of_its_own(
    prefect: Prefect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    own: bool,  # noqa: FBT001 - parametrised
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    kept = settled(prefect, settings, state="RUNNING", owner="a-container-of-before:7:123", own=own)
    told = [path for path, _ in prefect.asked if path.endswith("/r9/set_state")]
    # On another's server it may be at work on another machine.
    assert kept is not None
    assert (bool(told), kept.ended_at is not None) == (own, own)


@pytest.mark.parametrize(
    ("state", "ended"),
    [("RUNNING", False), ("CANCELLING", True), ("CANCELLED", True), ("CRASHED", True)],
)
def test_what_a_machine_that_is_gone_left_is_ended_once_somebody_cancelled_it(
    prefect: Prefect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    ended: bool,  # noqa: FBT001 - parametrised
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    kept = settled(prefect, settings, state=state, owner="a-machine-that-is-gone:7:123", own=False)
    assert kept is not None
    assert (kept.ended_at is not None) is ended
    told = [path for path, _ in prefect.asked if path.endswith("/r9/set_state")]
    # What the server knows as ended it is not told again.
    assert bool(told) is (state == "CANCELLING")


def test_a_run_that_starts_is_not_ended_where_the_first_look_failed(
    prefect: Prefect, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", f"sqlite:///{tmp_path}/later/newsletter.db")
    settler = Settler(load(settings.path), own=True, narrate=lambda _: None)
    settler.settle()
    settler.resume()
    (tmp_path / "later").mkdir()
    state = {"type": "PENDING", "timestamp": utc_now().isoformat()}
    mine = {"parameters": {"config": str(settings.path)}, "deployment_id": "d1"}
    prefect.runs = [{"id": "r9", "name": "issue-001", "state": state} | mine]
    settler.settle()
    assert "/api/flow_runs/filter" in [path for path, _ in prefect.asked]
    assert not [path for path, _ in prefect.asked if path.endswith("/set_state")]


def test_a_run_that_outlives_its_serve_is_at_work_still(
    prefect: Prefect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    kept = settled(prefect, settings, state="RUNNING", owner=this_process(), own=True)
    assert kept is not None
    assert kept.ended_at is None
    assert not [path for path, _ in prefect.asked if path.endswith("/set_state")]
