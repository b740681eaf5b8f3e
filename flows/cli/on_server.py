"""`newsletter run --on-server`: the deployment `weekly`, triggered and followed over HTTP.

Prefect is not imported: asking costs a tenth of a second, importing it two seconds and more.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, NoReturn, Self

import httpx

from flows.errors import ServerError
from flows.weekly import api

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.pipeline.options import RunOptions
    from flows.settings import Settings

POLL = 1.0
LAST_LINES = 2.5
# How long a serve that has just started may take to say what it offers.
DEPLOYING = 20.0
# How long a server may not answer (it restarts, its database is locked) before we give up.
PATIENCE = 120.0
ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
BUSY = frozenset({429, 500, 502, 503, 504})
LOGGERS = ("flows.", "subscribers.")


class Server:
    """The API of a Prefect server; what it cannot answer for a while is asked again."""

    def __init__(self, url: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self.wait = wait
        self._client = api.open_client(url)

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connections to it."""
        self._client.close()

    def get(self, path: str) -> Any:
        """Return what the path says; None if there is no such thing. Raises ServerError."""
        return self._ask("GET", path, None)

    def post(self, path: str, **body: Any) -> Any:
        """Return the answer; None if there is no such thing. Raises ServerError."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        waited = 0.0
        while True:
            problem = ""
            try:
                answer = self._client.request(method, path, json=body)
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if answer.is_success:
                    return answer.json()
                problem = f"it answered {answer.status_code}"
                if answer.status_code not in BUSY:
                    self._give_up(problem)
            except (httpx.HTTPError, ValueError) as error:
                problem = str(error) or type(error).__name__
            if waited >= PATIENCE:
                self._give_up(problem)
            self.wait(POLL)
            waited += POLL

    def _give_up(self, problem: str) -> NoReturn:
        raise ServerError(
            f"Prefect: {self._url} is out of order: {problem}; the run goes on there if it was "
            "triggered, and newsletter status tells how it ended"
        )


def server_url(private: Path) -> str:
    """Return the API address of the server that keeps the schedule; raises ServerError."""
    from flows.cli.server import keeper

    url = keeper(private)
    if not url:
        raise ServerError(
            "Prefect: no server that keeps the schedule answers; start newsletter serve, or set "
            "PREFECT_API_URL to the server that does"
        )
    return url


def trigger(server: Server, settings: Settings, options: RunOptions) -> dict[str, Any]:
    """Trigger this newsletter's deployment of `weekly`; return its flow run.

    Raises ServerError.
    """
    found = server.post(api.DEPLOYMENTS, **api.running(api.WEEKLY)) or []
    waited = 0.0
    while (deployment := api.ours(settings, found)) is None and waited < DEPLOYING:
        server.wait(POLL)
        waited += POLL
        found = server.post(api.DEPLOYMENTS, **api.running(api.WEEKLY)) or []
    if deployment is None:
        raise ServerError(_unknown(settings, found))
    # The key makes asking twice harmless, should the first answer have been lost.
    made: dict[str, Any] | None = server.post(
        f"/deployments/{deployment['id']}/create_flow_run",
        parameters=parameters(options),
        idempotency_key=f"newsletter-run-{os.getpid()}-{time.time_ns()}",
    )
    if made is None:
        raise ServerError("Prefect: the deployment of weekly was deleted just now; try again")
    return made


def _unknown(settings: Settings, found: list[dict[str, Any]]) -> str:
    others = [str(one["parameters"].get("config", one["name"])) for one in found]
    instead = f" (but of {', '.join(others)})" if others else ""
    return (
        f"Prefect: its server has no deployment of weekly for {settings.path}{instead}; start "
        "newsletter serve, or deploy prefect.yaml there"
    )


def parameters(options: RunOptions) -> dict[str, Any]:
    """Return what differs from the weekly run, as the flow's parameters."""
    values = {
        "since": options.since and options.since.isoformat(),
        "as_of": options.as_of and options.as_of.isoformat(),
        "because": options.because,
        "extra": options.extra,
        "dry_run": options.dry_run,
        "at_once": options.at_once,
        "only": options.only,
    }
    return {name: value for name, value in values.items() if value}


def follow(server: Server, flow_run: str, *, narrate: Callable[[str], None]) -> dict[str, Any]:
    """Tell how the run goes until it ends; return its last state. Raises ServerError."""
    story = _Story(server, flow_run, narrate=narrate)
    told = ""
    while True:
        found = server.get(f"/flow_runs/{flow_run}")
        if found is None:
            raise ServerError("Prefect: the run was deleted on its server while it was followed")
        state: dict[str, Any] = found["state"]
        story.tell()
        if state["type"] in ENDED:
            # Its last lines are on their way: Prefect sends them every two seconds.
            server.wait(LAST_LINES)
            story.tell()
            return state
        if state["name"] != told and state["type"] in ("SCHEDULED", "PENDING"):
            told = state["name"]
            narrate(f"{told}: waiting for its turn.")
        server.wait(POLL)


class _Story:
    """The run's own log, each line told once."""

    def __init__(self, server: Server, flow_run: str, *, narrate: Callable[[str], None]) -> None:
        self._server = server
        self._flow_run = flow_run
        self._narrate = narrate
        self._told: set[str] = set()

    def tell(self) -> None:
        """Narrate what is new."""
        lines = self._server.post(
            "/logs/filter",
            logs={"flow_run_id": {"any_": [self._flow_run]}},
            sort="TIMESTAMP_DESC",
            limit=200,
        )
        for line in reversed(lines or []):
            if line["id"] not in self._told and line["name"].startswith(LOGGERS):
                self._narrate(line["message"])
            self._told.add(line["id"])


def verdict_values(server: Server, flow_run: str) -> dict[str, Any] | None:
    """Return the verdict that the run put on its page, None if it never reached one."""
    found = server.post(
        "/artifacts/filter",
        artifacts={"flow_run_id": {"any_": [flow_run]}, "key": {"any_": ["verdict-values"]}},
        sort="UPDATED_DESC",
        limit=1,
    )
    if not found:
        return None
    rows = found[0]["data"]
    rows = json.loads(rows) if isinstance(rows, str) else rows
    values: dict[str, Any] = rows[0]
    return values
