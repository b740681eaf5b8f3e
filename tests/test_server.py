from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from flows.cli.server import _free_port, keeper, own_server, prefect_server
from flows.errors import ServerError

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


def test_the_server_of_another_newsletter_is_not_taken_for_ours(
    address: str, told: list[str], tmp_path: Path
) -> None:
    port = int(address.rpartition(":")[2])
    with (
        pytest.raises(ServerError, match=f"port {port} cannot be had .* --port"),
        own_server(tmp_path, ui=False, narrate=told.append, port=port),
    ):
        pass
    assert told == []


def test_a_port_that_nobody_has_any_more_can_be_had() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), listener.accept()[0]:
            pass
    assert _free_port(port) == port
