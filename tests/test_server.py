"""Which Prefect server a command talks to: its own, its newsletter's, never another's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING

import httpx
import pytest

from flows.cli.server import alone, announced, keeper, own_server, prefect_server, served_url
from flows.errors import ServerError
from flows.store.owner import this_process
from tests.prefect_server import Prefect, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server that is healthy."""
    with serving(prefect := Prefect()):
        yield prefect.url


def write(state: Path, **told: object) -> None:
    (state / "server.json").write_text(json.dumps(told), encoding="utf-8")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_server_that_is_set_is_used(
    url: str, slash: str, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"{url}{slash}")
    with prefect_server(tmp_path, narrate=told.append) as found:
        assert found == keeper(tmp_path) == url


def test_the_address_of_its_pages_is_told_from_its_api(
    url: str, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", url.removesuffix("/api"))
    wanted = f"set PREFECT_API_URL to its API, {url}"
    with (
        pytest.raises(ServerError, match=wanted),
        prefect_server(tmp_path, narrate=told.append),
    ):
        pass


def test_a_server_that_is_set_and_does_not_answer_is_told(
    told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    with (
        pytest.raises(ServerError, match="does not answer; start that server, or unset"),
        prefect_server(tmp_path, narrate=told.append),
    ):
        pass


@pytest.mark.parametrize("is_set", [False, True], ids=["announced", "set"])
def test_a_server_on_this_machine_is_asked_without_a_proxy(
    url: str,
    told: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_set: bool,  # noqa: FBT001 - parametrised
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    if is_set:
        monkeypatch.setenv("PREFECT_API_URL", url)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "intranet.example")
    with (
        announced(tmp_path, url),
        prefect_server(tmp_path, narrate=told.append),
        httpx.Client() as any_client,
    ):
        # As Prefect's own client asks, which heeds the environment.
        assert any_client.get(f"{url}/health").status_code == httpx.codes.OK
        assert os.environ["no_proxy"].startswith("intranet.example,")
    assert os.environ["no_proxy"] == "intranet.example"


def test_a_port_on_which_another_newsletters_server_answers_is_not_taken_for_ours(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    with serving(other := Prefect()):
        port = int(other.url.removesuffix("/api").rpartition(":")[2])
        with (
            pytest.raises(ServerError, match=f"cannot have port {port} .*--port"),
            own_server(tmp_path, ui=False, narrate=told.append, port=port),
        ):
            pass
    # Not even asked whether it is well.
    assert (other.asked, told) == ([], [])


def test_a_port_is_free_again_when_its_server_could_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        with (
            pytest.raises(ServerError, match="ended at once"),
            own_server(tmp_path, ui=False, narrate=lambda _: None, port=port),
        ):
            pass


def test_a_run_uses_the_server_that_serve_announced(tmp_path: Path, url: str) -> None:
    with announced(tmp_path, url):
        assert served_url(tmp_path) == url
    assert served_url(tmp_path) is None


def test_a_server_that_is_gone_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, url="http://127.0.0.1:9/api", owner=this_process())
    assert served_url(tmp_path) is None


def test_who_answers_at_the_address_of_a_serve_that_was_killed_is_not_used(
    tmp_path: Path, url: str
) -> None:
    host, pid, started = this_process().rsplit(":", 2)
    write(tmp_path, url=url, owner=f"{host}:{pid}:{int(started) + 1}")
    assert served_url(tmp_path) is None


@pytest.mark.parametrize("owner", ["", "nobody", "a:b", None])
def test_a_file_that_nobody_of_ours_wrote_is_not_believed(
    tmp_path: Path, url: str, owner: str | None
) -> None:
    write(tmp_path, url=url, owner=owner)
    assert served_url(tmp_path) is None


def test_a_server_of_somebody_elses_may_take_its_time_to_come_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with serving(other := Prefect(statuses=deque([503, 503]))):
        monkeypatch.setenv("PREFECT_API_URL", other.url)
        with prefect_server(tmp_path, narrate=told.append, patience=60) as url:
            assert url == other.url
        other.statuses = deque([503])
        with (
            pytest.raises(ServerError, match="does not answer; start that server"),
            prefect_server(tmp_path, narrate=told.append),
        ):
            pass
    assert told == [f"Prefect: {other.url} does not answer yet; waiting for it …"]


SERVING = """
import sys, pathlib
from flows.cli.server import alone
with alone(pathlib.Path(sys.argv[1])):
    print("serving", flush=True)
    sys.stdin.read()
"""


def test_of_two_serves_of_one_folder_the_second_is_refused_until_the_first_is_dead(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVING, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"serving\n"
        with pytest.raises(ServerError, match="is running already"), alone(tmp_path):
            pass
        first.kill()
    with alone(tmp_path):
        pass
