from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from flows.cli.server import keeper, own_server, prefect_server
from flows.errors import ServerError
from tests.prefect_server import Prefect, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Healthy(BaseHTTPRequestHandler):
    """Says what a Prefect server says of its health, below /api alone."""

    def log_message(self, *_parts: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_server_that_is_set_is_used(
    address: str, slash: str, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"{address}/api{slash}")
    with prefect_server(tmp_path, narrate=told.append) as url:
        assert url == keeper(tmp_path) == f"{address}/api"


def test_the_address_of_its_pages_is_told_from_its_api(
    address: str, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", address)
    wanted = f"set PREFECT_API_URL to its API, {address}/api"
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
