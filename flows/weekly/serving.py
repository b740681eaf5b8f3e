"""Serving the deployments: what is due or triggered runs, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runner import Runner

from flows.errors import ServerError
from flows.weekly.offering import Offer
from flows.weekly.settling import Settler

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from flows.settings import Settings

# Seconds between looks for runs that are due, and for runs whose process died.
POLL = 2.0
SETTLE = 30.0
# How long a server may be out of order before serving is given up, and the pauses meanwhile.
PATIENCE = 600.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
SERVER_ERRORS = 500
# Seconds until it is asked again meanwhile, by what may wait.
ASKING = 10.0
# What Prefect's client and ours say of a server that is out of order.
TROUBLE = (PrefectHTTPStatusError, httpx.HTTPError, RuntimeError)
OUT_OF_ORDER = "Prefect's server is out of order"
# How long a runner may take to start before it is ended, and to end its runs: their longest
# request, and what they record.
STARTING, STOPPING = 30.0, 75.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """For how long to serve, who is told, and whether the server that this process brought lives.

    `server_lives` is None for a server that is somebody else's.
    """

    until: threading.Event
    server_lives: Callable[[], bool] | None
    narrate: Callable[[str], None]


def serve_deployments(settings: Settings, serving: Serving) -> None:
    """Register the deployments and run what is scheduled or triggered, until told to stop.

    The schedule is not paused at the end: a restart must not need a person. A server that is out
    of order is waited for; raises ServerError if it does not come back.
    """
    # In a thread of its own: on the main one Prefect's runner takes SIGTERM for itself, and
    # ends in the middle of its own clean-up.
    with ThreadPoolExecutor(1, thread_name_prefix="runner") as pool:
        pool.submit(asyncio.run, _serve(settings, serving)).result()


async def _serve(settings: Settings, serving: Serving) -> None:
    own = serving.server_lives is not None
    settler = Settler(settings, own=own, narrate=serving.narrate)
    failing_since: float | None = None
    pause = FIRST_PAUSE
    while not serving.until.is_set():
        started = time.monotonic()
        try:
            await _serve_once(settings, serving, settler)
        except TROUBLE as error:
            if _refuses(error):
                raise ServerError(f"Prefect: it refused what serve asked of it: {error}") from error
            _require_server(serving)
            now = time.monotonic()
            # Whatever served for a while was in order until now.
            if failing_since is None or now - started > LONGEST_PAUSE:
                failing_since, pause = now, FIRST_PAUSE
            if now - failing_since > PATIENCE:
                raise ServerError(
                    f"Prefect: its server was out of order for {PATIENCE / 60:.0f} minutes: {error}"
                ) from error
            serving.narrate(f"{OUT_OF_ORDER}, trying again: {_first_line(error)}")
            await _sleep(serving, pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def _serve_once(settings: Settings, serving: Serving, settler: Settler) -> None:
    await asyncio.to_thread(settler.settle)
    runner = Runner(pause_on_shutdown=False, query_seconds=POLL)
    offer = Offer(settings, await asyncio.to_thread(settler.name), narrate=serving.narrate)
    await offer.make(runner)
    await asyncio.to_thread(settler.resume)
    serving.narrate("Serving; press Ctrl-C to stop.")
    running = asyncio.create_task(runner.start())
    upkeep = Upkeep(offer, settler, narrate=serving.narrate)
    try:
        while not (serving.until.is_set() or running.done()):
            await asyncio.sleep(POLL / 4)
            _require_server(serving)
            if not await upkeep.look(runner):
                # From the start: under another name, if another newsletter has ours by now.
                serving.narrate("The deployments here are not ours any more: registering anew.")
                break
    finally:
        await _stop(runner, running)
    if not running.cancelled():
        await running


class Upkeep:
    """What is looked after while runs are served: the settings, what is registered, the dead.

    A server that fails at it is asked again after a while: no run in progress ends for that.
    """

    def __init__(
        self,
        offer: Offer,
        settler: Settler,
        *,
        narrate: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._offer = offer
        self._settler = settler
        self._narrate = narrate
        self._clock = clock
        self._due = self._settle_at = clock()
        self._failed = False

    async def look(self, runner: Runner) -> bool:
        """Return whether what is registered is this newsletter's still, as far as is known."""
        if self._clock() < self._due:
            return True
        try:
            await self._offer.follow(runner)
            kept = await self._is_kept()
        except TROUBLE as error:
            if _refuses(error):
                raise
            self._due = self._clock() + ASKING
            if not self._failed:
                self._failed = True
                self._narrate(f"{OUT_OF_ORDER}, asking again: {_first_line(error)}")
            return True
        self._failed = False
        return kept

    async def _is_kept(self) -> bool:
        """Now and then go on with what died, and look for what is registered; True in between."""
        if self._clock() < self._settle_at:
            return True
        if await asyncio.to_thread(self._settler.settle):
            await asyncio.to_thread(self._settler.resume)
        kept = await self._offer.is_kept()
        self._settle_at = self._clock() + SETTLE
        return kept


async def _stop(runner: Runner, running: asyncio.Task[None]) -> None:
    """End the runner; runs in progress get SIGTERM, finish their request in flight and say so."""
    limit = time.monotonic() + STARTING
    # One that is still starting cannot be stopped, and would start on.
    while not (runner.started or running.done()) and time.monotonic() < limit:
        await asyncio.sleep(POLL / 4)
    if runner.started and not running.done():
        with contextlib.suppress(RuntimeError):
            await runner.astop()
    done, _ = await asyncio.wait([running], timeout=STOPPING)
    if not done:
        running.cancel()
        await asyncio.wait([running], timeout=POLL)


def _require_server(serving: Serving) -> None:
    if serving.server_lives is not None and not serving.server_lives():
        raise ServerError(
            "Prefect: its server ended; see .newsletter/prefect/server.log, then start serve again"
        )


def _refuses(error: Exception) -> bool:
    """Say whether it does not pass: the server understood what Prefect's client asked of it."""
    if not isinstance(error, PrefectHTTPStatusError):
        return False
    return error.response.status_code < SERVER_ERRORS


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


async def _sleep(serving: Serving, seconds: float) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and not serving.until.is_set():
        await asyncio.sleep(min(POLL / 4, seconds))
