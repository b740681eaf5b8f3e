"""A stand-in of Prefect's API: it answers what it is told to, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

from flows.models import Outcome, Verdict
from flows.pipeline.verdicts import as_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENT = Verdict(
    verdict=Outcome.SENT,
    reason="handed over",
    issue=7,
    slot=datetime(2026, 11, 30, 8, tzinfo=UTC),
    intended=3,
    accepted=3,
)


@dataclass
class Prefect:
    """What the stand-in answers, and what it was asked."""

    states: deque[str] = field(default_factory=lambda: deque(["SCHEDULED", "RUNNING", "COMPLETED"]))
    verdict: Verdict | None = SENT
    statuses: deque[int] = field(default_factory=deque)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    url: str = ""

    def deploy(self, name: str, config: Path | str, *, flow: str = "weekly") -> dict[str, Any]:
        """Have a deployment of the flow for the newsletter of these settings."""
        made = {
            "id": f"d{len(self.deployments) + 1}",
            "name": name,
            "flow": flow,
            "parameters": {"config": str(config)},
            "status": "READY",
            "paused": False,
            "schedules": [{"active": True}],
        }
        self.deployments.append(made)
        return made

    def answer(self, path: str, body: Any) -> tuple[int, Any]:  # noqa: PLR0911 - a table
        self.asked.append((path, body))
        if self.statuses and (status := self.statuses.popleft()) >= 400:
            return status, {}
        if path == "/api/deployments/filter":
            wanted = body["flows"]["name"]["any_"]
            return 200, [one for one in self.deployments if one["flow"] in wanted]
        if path == "/api/flow_runs/filter" or path.startswith(STATES):
            return 200, self._of_runs(path, body)
        if path.endswith("/create_flow_run"):
            return 201, {"id": "r1", "name": "issue-007"}
        if path == "/api/flow_runs/r1":
            kind = self.states.popleft() if len(self.states) > 1 else self.states[0]
            return 200, {"state": {"type": kind, "name": kind.capitalize(), "message": "gone"}}
        if path == "/api/logs/filter":
            line = {"id": "l1", "name": "flows.pipeline.observer", "message": "5 feeds"}
            noise = {"id": "l2", "name": "prefect.flow_runs", "message": "noise"}
            return 200, [noise, line]
        if path == "/api/artifacts/filter":
            return 200, [{"data": json.dumps([as_json(self.verdict)])}] if self.verdict else []
        known = path.startswith("/api/") and not path.startswith("/api/api/")
        return (200, {}) if known else (404, {})

    def _of_runs(self, path: str, body: Any) -> list[dict[str, Any]]:
        if path.startswith(STATES):
            return [one["state"] for one in self.runs if path == f"{STATES}{one['id']}"]
        return [one for one in self.runs if _is_wanted(one, body["flow_runs"])]


STATES = "/api/flow_run_states/?flow_run_id="


def _is_wanted(run: dict[str, Any], wanted: dict[str, Any]) -> bool:
    ids = wanted.get("id", {"any_": [run["id"]]})["any_"]
    states = wanted.get("state", {"type": {"any_": [run["state"]["type"]]}})["type"]["any_"]
    return run["id"] in ids and run["state"]["type"] in states


@contextmanager
def serving(prefect: Prefect) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = prefect.answer(self.path, json.loads(body) if body else None)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - the base class's names

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

    with _started(Handler) as prefect.url:
        yield


@contextmanager
def in_front_of(url: str, failures: deque[int]) -> Iterator[str]:
    """A server that answers with these while there are any, and else hands on what it is asked.

    What is no failure among them is handed on, too.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = failures.popleft() if failures else 200
            data = b"{}"
            if status < 400:
                asked = httpx.request(self.command, f"{root}{self.path}", content=body, timeout=30)
                status, data = asked.status_code, asked.content
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_DELETE = do_GET  # noqa: N815 - the base class's names

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

    root = url.removesuffix("/api")
    with _started(Handler) as front:
        yield front


@contextmanager
def _started(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with this handler; the address of its API."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
