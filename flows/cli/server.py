"""Which Prefect server a command talks to: the one set, `serve`'s, or a child of its own.

Nothing here imports Prefect: a child is started and asked over HTTP.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from flows.errors import ServerError
from flows.store.owner import alive, this_process
from flows.weekly import api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A first start migrates an empty database: about 20 s of CPU.
START_LIMIT = 120.0
POLL = 0.25


@contextlib.contextmanager
def prefect_server(
    state: Path, *, narrate: Callable[[str], None], patience: float = 0.0
) -> Iterator[str]:
    """Yield the API address of a healthy Prefect server and set PREFECT_API_URL to it.

    `state` is the newsletter's `.newsletter` folder; a server of somebody else's gets `patience`
    seconds to come up. Raises ServerError if none answers.
    """
    configured = _configured()
    if configured:
        _require_healthy(configured, narrate, patience)
        with _environment(PREFECT_API_URL=configured, **_unproxied()):
            yield configured
        return
    served = served_url(state)
    if served:
        with _environment(PREFECT_API_URL=served, **_unproxied()):
            yield served
        return
    with own_server(state, ui=False, narrate=narrate) as own:
        yield own.url


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """A Prefect server that is a child of this process."""

    url: str
    child: subprocess.Popen[bytes]

    def lives(self) -> bool:
        """Return whether it still runs."""
        return self.child.poll() is None


@contextlib.contextmanager
def own_server(
    state: Path, *, ui: bool, narrate: Callable[[str], None], port: int = 0
) -> Iterator[OwnServer]:
    """Yield a Prefect server started for this command; it ends with it.

    Raises ServerError if the port is taken, or it does not come up within START_LIMIT seconds.
    """
    home = state / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    with (
        _listen(port) as listener,
        _environment(PREFECT_HOME=str(home), **_QUIET),
        contextlib.ExitStack() as until_the_end,
    ):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        narrate("Starting Prefect (the first start takes about half a minute) …")
        # Two first starts at once would both make the database; the second waits for the first.
        with _turn(home):
            child = until_the_end.enter_context(_child(listener, log, ui=ui))
            _wait_until_healthy(url, child, log)
        with _environment(PREFECT_API_URL=url, **_unproxied()):
            yield OwnServer(url=url, child=child)


def _listen(port: int) -> socket.socket:
    """Return a socket on loopback for the server: on this very port no other can answer for it."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ServerError(
            f"Prefect: its server cannot have port {port} ({error.strerror}); another "
            "newsletter's may: choose another with --port, or 0 for any"
        ) from error
    return listener


@contextlib.contextmanager
def _child(listener: socket.socket, log: Path, *, ui: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the server's process, which alone holds the socket from then on."""
    descriptor = listener.fileno()
    code = f"from flows.weekly.server import run_server; run_server({descriptor}, ui={ui})"
    with log.open("ab") as output:
        # It ends when its standard input closes: also when we are killed.
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[descriptor],
            # Ctrl-C is for us: the server must outlive the run it records.
            start_new_session=True,
        )
    try:
        listener.close()
        yield child
    finally:
        _end(child)


# Telemetry off, and room for a slow first start.
_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(int(START_LIMIT)),
}


def served_url(state: Path) -> str | None:
    """Return the API address of the server that `newsletter serve` runs, None if none answers.

    Where a serve was killed its address may be another newsletter's by now: it is not believed.
    """
    try:
        told = json.loads((state / "server.json").read_text(encoding="utf-8"))
        url, dead = str(told["url"]), alive(str(told["owner"])) is False
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if dead or not _healthy(url) else url


def keeper(state: Path) -> str | None:
    """Return the API address of the server that keeps the schedule, None if none answers."""
    configured = _configured()
    if configured:
        return configured if _healthy(configured) else None
    return served_url(state)


@contextlib.contextmanager
def alone(state: Path) -> Iterator[None]:
    """Be the only `newsletter serve` of this folder while the block runs; raises ServerError."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "serve.lock").open("w") as lock:
        try:
            # It goes with its process, however that ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            running = served_url(state) or "it is just starting"
            raise ServerError(
                f"Prefect: `newsletter serve` is running already ({running}); stop it first"
            ) from error
        yield


@contextlib.contextmanager
def announced(state: Path, url: str) -> Iterator[None]:
    """Name the server in `.newsletter/server.json` for as long as the block runs."""
    path = state / "server.json"
    told = {"url": url, "pid": os.getpid(), "owner": this_process()}
    path.write_text(json.dumps(told), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _configured() -> str:
    return os.environ.get("PREFECT_API_URL", "").rstrip("/")


def _unproxied() -> dict[str, str]:
    """Return the variables with which Prefect's client asks this machine without a proxy."""
    both = ("no_proxy", "NO_PROXY")
    listed = next((os.environ[name] for name in both if os.environ.get(name)), "")
    return dict.fromkeys(both, ",".join(filter(None, [listed, "127.0.0.1", "localhost"])))


def _require_healthy(url: str, narrate: Callable[[str], None], patience: float) -> None:
    limit = time.monotonic() + patience
    told = False
    while not _healthy(url):
        if _healthy(f"{url}/api"):
            raise ServerError(
                f"Prefect: {url} is where people look; set PREFECT_API_URL to its API, {url}/api"
            )
        if time.monotonic() >= limit:
            raise ServerError(
                f"Prefect: {url} does not answer; start that server, or unset PREFECT_API_URL to "
                "let this command bring its own"
            )
        if not told:
            narrate(f"Prefect: {url} does not answer yet; waiting for it …")
            told = True
        time.sleep(POLL)


def _healthy(url: str) -> bool:
    try:
        with api.open_client(url, timeout=5) as client:
            return client.get("/health").status_code == httpx.codes.OK
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _wait_until_healthy(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit:
        if child.poll() is not None:
            raise ServerError(
                f"Prefect: its server ended at once (exit code {child.returncode}); see {log}"
            )
        if _healthy(url):
            return
        time.sleep(POLL)
    raise ServerError(f"Prefect: its server was not up after {START_LIMIT:.0f} s; see {log}")


@contextlib.contextmanager
def _turn(home: Path) -> Iterator[None]:
    with (home / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        child.stdin.close()
    child.terminate()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextlib.contextmanager
def _environment(**values: Any) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
