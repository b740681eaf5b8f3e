"""Senders, stops and crashes in any order, in the middle of one another: none twice, none lost.

The provider is a model of what SendGrid documents, without a network: a wave's mail leaves at its
time unless it was cancelled ten minutes before. At every call to it and to the ledger something
else may happen first: another process sends or stops the issue, a reader leaves, time passes, or
the caller dies.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from flows.deliver.deliver import Fence, Limits, deliver
from flows.deliver.fence import undo
from flows.errors import InDoubt, Unavailable
from flows.models import Batch, IssueStatus, Mail, Receipt
from flows.store.issues import advance
from flows.store.ledger import SqlLedger
from flows.store.schema import deliveries
from subscribers.schema import subscribers
from tests.people import ISSUE, MAIL, Clock, add_people, link, start_issue

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

PEOPLE = 20
BATCH_SIZE = 5
LEAD = timedelta(minutes=10)
MOST_CANCELS = 10
# Of a request: most are accepted and answered.
FATES = ("", "", "", "before", "after", "429", "killed")
DEEPEST = 2
# A request takes no longer than its time-out.
LONGEST_REQUEST = timedelta(minutes=1)
STOPPABLE = (IssueStatus.SENDING, IssueStatus.SENT, IssueStatus.STOPPED)


class Crash(BaseException):
    """The end of one process, as by SIGKILL."""


@dataclass
class Process:
    """One of those at work; once dead it does nothing more, not even in its `finally`."""

    number: int
    dead: bool = False


@dataclass
class World:
    """An issue, everybody who works on it, and chance."""

    engine: Engine
    seed: int
    clock: Clock = field(default_factory=Clock)
    peaceful: bool = False
    depth: int = 0
    # Who was accepted, under which batch_id and for when; and when what was cancelled.
    accepted: list[tuple[int, str, datetime, datetime]] = field(default_factory=list)
    cancelled: dict[str, datetime] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    processes: int = 0
    batch_ids: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - chance, not secrets
        self.crashes = self.random.choice([0.0, 0.01, 0.05])
        start_issue(self.engine)
        add_people(self.engine, PEOPLE)

    def something_happens(self, process: Process) -> None:
        if process.dead:
            raise Crash
        self.clock.time += timedelta(seconds=2 * self.random.random())
        if self.peaceful:
            return
        if self.random.random() < self.crashes:
            process.dead = True
            raise Crash
        if 0 < self.depth <= DEEPEST and self.random.random() < 0.05:
            self.act()

    def act(self) -> None:
        actions = (self.send, self.send, self.send, self.stop, self.resume, self.leave, self.pass_)
        self.depth += 1
        try:
            self.random.choice(actions)()
        except Crash:
            pass
        finally:
            self.depth -= 1

    def pass_(self) -> None:
        self.clock.time += timedelta(minutes=self.random.choice([1, 9, 11, 20, 150]))

    def leave(self) -> None:
        who = self.random.randint(1, PEOPLE)
        gone = update(subscribers).where(subscribers.c.id == who).values(status="unsubscribed")
        with self.engine.begin() as connection:
            connection.execute(gone)
        self.left.add(who)

    def resume(self) -> None:
        advance(self.engine, ISSUE, before=[IssueStatus.STOPPED], after=IssueStatus.SENDING)

    def stop(self) -> None:
        advance(self.engine, ISSUE, before=STOPPABLE, after=IssueStatus.STOPPED)
        process = self.process()
        undo(self.ledger(process), Provider(self, process), now=self.clock.now)

    def send(self) -> None:
        steps = 10_000 if self.peaceful else self.random.choice([2, 5, 30])
        asked = iter(range(steps))
        process = self.process()
        provider = Provider(self, process)
        at_once = self.random.random() < 0.1
        deliver(
            MAIL,
            ledger=self.ledger(process),
            transport=provider,
            link=link,
            now=self.clock.now,
            wait=self.clock.wait,
            stop=lambda: next(asked, None) is None,
            progress=lambda _counts: None,
            batch_size=BATCH_SIZE,
            fence=Fence(provider=provider, at_once=at_once),
            limits=Limits(doubts_in_a_row=1000),
        )

    def process(self) -> Process:
        self.processes += 1
        return Process(self.processes)

    def ledger(self, process: Process) -> Any:
        """Return the ledger in the hands of a process, each on a host of its own."""
        real = SqlLedger(self.engine, ISSUE, owner=f"host{process.number}:1:1")
        return Watched(real, partial(self.something_happens, process))

    def copies(self) -> Counter[int]:
        """Return how many copies each reader gets in the end."""
        found: Counter[int] = Counter()
        for who, batch_id, send_at, at in self.accepted:
            dropped = self.cancelled.get(batch_id)
            if dropped is None or max(dropped, at) >= send_at:
                found[who] += 1
        return found


@dataclass
class Watched:
    """A ledger at each of whose calls something may happen."""

    ledger: SqlLedger
    something_happens: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        return partial(self._call, getattr(self.ledger, name))

    def _call(self, method: Callable[..., Any], *values: Any, **options: Any) -> Any:
        self.something_happens()
        answer = method(*values, **options)
        self.something_happens()
        return answer


class Provider:
    """SendGrid as one process has it."""

    name, limit, repeatable = "sendgrid", 1000, False

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process

    def _something_happens(self) -> None:
        self._world.something_happens(self._process)

    def hand_over(self, _mail: Mail, batch: Batch) -> Receipt:
        world = self._world
        began = world.clock.now()
        self._something_happens()
        fate = "" if world.peaceful else world.random.choice(FATES)
        if fate == "before" or world.clock.now() - began > LONGEST_REQUEST:
            raise InDoubt("it broke off")
        if fate == "429":
            raise Unavailable("not now", status=429)
        now = world.clock.now()
        batch_id, send_at = (batch.wave.batch_id, batch.wave.send_at) if batch.wave else ("", now)
        world.accepted += [(one.subscriber_id, batch_id, send_at, now) for one in batch.recipients]
        self._process.dead = fate == "killed"
        self._something_happens()
        if fate == "after":
            raise InDoubt("it broke off")
        return Receipt()

    def open_batch(self) -> str:
        self._something_happens()
        self._world.batch_ids += 1
        return f"batch {self._world.batch_ids}"

    def cancel(self, batch_id: str) -> bool:
        world = self._world
        self._something_happens()
        due = [send_at for _, accepted, send_at, _ in world.accepted if accepted == batch_id]
        late = bool(due) and world.clock.now() > min(due) - LEAD
        if batch_id not in world.cancelled and len(world.cancelled) < MOST_CANCELS and not late:
            world.cancelled[batch_id] = world.clock.now()
        self._something_happens()
        return batch_id in world.cancelled

    def cancelled(self, batch_id: str) -> bool:
        self._something_happens()
        found = batch_id in self._world.cancelled
        self._something_happens()
        return found


@pytest.mark.kill
@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_when_the_ledger_is_right(engine: Engine, seed: int) -> None:
    world = World(engine, seed)
    for _ in range(6):
        world.act()
    # At last everybody is left in peace, and what died long ago is known to be dead.
    world.peaceful = True
    world.clock.time += timedelta(minutes=20)
    world.resume()
    world.send()
    copies = world.copies()
    with engine.connect() as connection:
        columns = select(deliveries.c.subscriber_id, deliveries.c.status)
        found = dict(connection.execute(columns).tuples().all())
    assert max(copies.values(), default=0) <= 1
    assert {who for who, status in found.items() if status == "accepted"} <= set(copies)
    assert {who for who, status in found.items() if status not in ("accepted", "in_doubt")} <= (
        world.left - set(copies)
    )
    assert set(range(1, PEOPLE + 1)) - world.left <= set(found)
