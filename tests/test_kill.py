"""Senders are killed in the middle, again and again, and resumed: nobody twice, nobody lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from flows.deliver.fence import CANCELS
from flows.models import DeliveryState
from flows.store.ledger import SqlLedger
from flows.store.records import load_deliveries
from tests.people import ISSUE, add_people, email, start_issue

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.sendgrid_server import SendGridServer

pytestmark = pytest.mark.kill

PEOPLE = 400
KILLS = 4
FAULTS = {"drop-after": 0.04, "drop-before": 0.04, "500-after": 0.04, "429": 0.08}


class Senders:
    """A process that starts senders on demand."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.sender", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()

    def start(self) -> int:
        return self._ask("start")

    def watch(self, pid: int) -> None:
        self._ask(f"watch {pid}")

    def wait(self, pid: int) -> int:
        return self._ask(f"wait {pid}")

    def _ask(self, command: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(command, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@dataclass
class Killer:
    """Kills a sender at the drawn moment of the drawn request."""

    requests: int
    moment: str
    delay: float
    pid: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, moment: str) -> None:
        if moment == self.moment and self.pid is not None:
            self.requests -= 1
            if self.requests == 0:
                threading.Timer(self.delay, self.kill).start()

    def kill(self) -> None:
        with self.lock:
            if self.pid is not None:
                os.kill(self.pid, signal.SIGKILL)

    def disarm(self) -> None:
        """From here on the process id may be somebody else's."""
        with self.lock:
            self.pid = None


def send_and_kill(senders: Senders, api: SendGridServer, chance: random.Random, count: int) -> bool:
    """Run some senders, kill one of them; return whether all came to their end by themselves."""
    killer = Killer(
        requests=chance.randint(1, 9),
        moment=chance.choice(["arrived", "answered"]),
        delay=chance.choice([0.0, chance.uniform(0, 0.03)]),
    )
    api.watcher = killer
    pids = [senders.start() for _ in range(count)]
    killer.pid = chance.choice(pids)
    for pid in pids:
        senders.watch(pid)
    killer.disarm()
    ended = [senders.wait(pid) for pid in pids]
    return not any(ended)


def send_to_the_end(senders: Senders, api: SendGridServer, seed: int, count: int) -> int:
    """Return how many senders were killed on the way."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    kills = sum(not send_and_kill(senders, api, chance, count) for _ in range(KILLS))
    api.watcher = lambda _moment: None
    assert senders.wait(senders.start()) == 0
    return kills


def in_doubt(engine: Engine) -> set[str]:
    found = load_deliveries(engine, ISSUE, state=DeliveryState.IN_DOUBT)
    return {one.email for one in found}


def check(engine: Engine, api: SendGridServer, *, seed: int, fence: str, processes: int) -> None:
    start_issue(engine)
    add_people(engine, PEOPLE)
    # Odd seeds add the provider's own faults to the kills.
    api.chances = FAULTS if seed % 2 else {}
    api.random.seed(seed)
    database = engine.url.render_as_string(hide_password=False)
    with Senders(database, api.url, fence) as senders:
        assert send_to_the_end(senders, api, seed, processes)
    counts = SqlLedger(engine, ISSUE).counts()
    doubtful = in_doubt(engine)
    everybody = {email(one) for one in range(1, PEOPLE + 1)}
    assert max(api.delivered.values()) == 1
    assert everybody - set(api.delivered) <= doubtful
    assert counts.accepted + counts.in_doubt == counts.intended == PEOPLE
    if fence == "fence" and len(api.cancelled) < CANCELS:
        assert not doubtful


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("fence", ["fence", "no fence"])
@pytest.mark.parametrize("seed", range(2))
def test_nobody_gets_it_twice_and_nobody_is_lost(
    engine: Engine, sendgrid_server: SendGridServer, seed: int, fence: str, processes: int
) -> None:
    check(engine, sendgrid_server, seed=seed, fence=fence, processes=processes)


@pytest.mark.postgres
@pytest.mark.parametrize("fence", ["fence", "no fence"])
def test_the_same_holds_on_postgresql(
    postgres_engine: Engine, sendgrid_server: SendGridServer, fence: str
) -> None:
    check(postgres_engine, sendgrid_server, seed=1, fence=fence, processes=2)
